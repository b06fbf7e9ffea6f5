//! After the end: the chain may be reorganised. A payment that is settled, or whose coins went another
//! way, is looked at again until that is deeper than reorganisations reach. A source of the chain that is
//! behind, or can't be asked, changes nothing.

use super::payment::{Payment, Phase};
use super::{ChainTask, Conflict, DEEPEST_REORGANISATION, Effect, Outcome, Step};
use crate::till::{Event, PaymentState};

impl Payment {
    /// Asks where the payment stands that had ended.
    pub(super) fn look_again(&mut self) -> Step {
        let Some(txid) = self.record.txid() else {
            return Step::default();
        };
        self.phase = Phase::LookingAgain;
        let since_height = self.record.since_height;
        Step::of(vec![Effect::Chain(ChainTask::LookAgain {
            txid,
            since_height,
        })])
    }

    pub(super) fn looked_again(&mut self, confirmations: Option<u32>) -> Step {
        match (self.record.state, confirmations) {
            (PaymentState::Settled, Some(depth)) if depth >= self.record.confirmations => {
                self.still_so(depth)
            }
            (PaymentState::Conflicted, None) => match self.conflict_task() {
                Some(task) => {
                    self.phase = Phase::LookingForConflictAgain;
                    Step::of(vec![Effect::Chain(task)])
                }
                None => self.not_seen_again(),
            },
            _ => self.reopened(confirmations),
        }
    }

    pub(super) fn conflict_looked_up_again(&mut self, conflict: Option<Conflict>) -> Step {
        match conflict {
            Some(conflict) if conflict.confirmations >= self.enough_of_a_conflict() => {
                self.still_so(conflict.confirmations)
            }
            _ => self.reopened(None),
        }
    }

    /// The chain says nothing that counts.
    pub(super) fn not_seen_again(&mut self) -> Step {
        Step::of(self.as_before(0))
    }

    /// It stands as it stood, so deep.
    fn still_so(&mut self, confirmations: u32) -> Step {
        let mut effects = vec![Effect::Tell(Event::Confirmed { confirmations })];
        effects.extend(self.as_before(confirmations));
        if confirmations <= DEEPEST_REORGANISATION {
            return Step::of(effects);
        }
        self.record.is_watched = false;
        self.stored(effects)
    }

    fn as_before(&mut self, confirmations: u32) -> Vec<Effect> {
        self.phase = Phase::Over;
        vec![Effect::End(Outcome::AsBefore { confirmations })]
    }

    /// It hasn't ended any more: from here on it goes as it did before its end.
    fn reopened(&mut self, confirmations: Option<u32>) -> Step {
        let event = match self.record.state {
            PaymentState::Conflicted => Event::ConflictUndone,
            _ => Event::Reorganised {
                confirmations: confirmations.unwrap_or(0),
            },
        };
        self.record.is_watched = false;
        self.record.state = match confirmations {
            None => PaymentState::Signed,
            Some(0) => PaymentState::Broadcast,
            Some(confirmations) => PaymentState::Confirmed { confirmations },
        };
        self.told_sent = confirmations.is_some();
        self.shown = confirmations.unwrap_or(0);
        let mut effects = vec![Effect::Tell(event)];
        effects.extend(self.ask_status());
        self.stored(effects)
    }
}
