//! After a card has signed: the payment is sent, again if need be, until it is confirmed or another
//! transaction that spends its coins is.

use super::payment::{Payment, Phase, Question};
use super::{ChainSaid, ChainTask, Conflict, DEEPEST_REORGANISATION, Effect, Outcome, Step};
use crate::chain::{ChainError, Reach};
use crate::till::{Event, Open, PaymentState};

impl Payment {
    pub(super) fn chain_said(&mut self, said: ChainSaid) -> Step {
        match (std::mem::replace(&mut self.phase, Phase::Idle), said) {
            (
                Phase::CheckingChain,
                ChainSaid::Ready {
                    height,
                    least,
                    reach,
                },
            ) => match reach {
                Reach::Complete => self.ready(height, least),
                Reach::Behind(progress) => self.wait_for_source(progress, Question::Readiness),
            },
            (Phase::LookingUpInputs { payment, is_again }, ChainSaid::Inputs(coins)) => {
                self.inputs_looked_up(payment, is_again, coins)
            }
            (Phase::LookingForPayment, ChainSaid::Found { payment, reach }) => {
                match (payment, reach) {
                    (None, Reach::Behind(progress)) => {
                        self.wait_for_source(progress, Question::Payment)
                    }
                    (payment, _) => self.payment_found(payment),
                }
            }
            (Phase::AskingStatus, ChainSaid::Unknown) if self.is_sent => {
                // The network forgot it: it is sent again when the chain is asked next.
                self.is_sent = false;
                self.told_unavailable = false;
                Step::of(self.wait())
            }
            (Phase::AskingStatus, ChainSaid::Unknown) => self.send(),
            (Phase::AskingStatus, ChainSaid::InMempool) => self.seen(0),
            (Phase::AskingStatus, ChainSaid::Confirmed { confirmations }) => {
                self.seen(confirmations)
            }
            (Phase::Sending, ChainSaid::Sent) => {
                self.is_sent = true;
                self.seen(0)
            }
            (Phase::Sending, ChainSaid::Refused { reason, reach }) => match reach {
                Reach::Complete => self.look_for_conflict(Open::NotTaken { reason }),
                Reach::Behind(progress) => {
                    self.unavailable(ChainError::Behind(progress).to_string())
                }
            },
            (Phase::LookingForConflict(why), ChainSaid::Conflict { conflict, reach }) => {
                // One in the last block of a source that is behind may not be in the chain.
                let conflict = conflict.filter(|_| reach == Reach::Complete);
                self.conflict_looked_up(why, conflict)
            }
            (
                Phase::LookingAgain,
                ChainSaid::LookedAgain {
                    confirmations,
                    reach,
                },
            ) => match reach {
                Reach::Complete => self.looked_again(confirmations),
                Reach::Behind(_) => self.not_seen_again(),
            },
            (Phase::LookingForConflictAgain, ChainSaid::Conflict { conflict, reach }) => {
                match reach {
                    Reach::Complete => self.conflict_looked_up_again(conflict),
                    Reach::Behind(_) => self.not_seen_again(),
                }
            }
            (
                Phase::LookingAgain | Phase::LookingForConflictAgain,
                ChainSaid::Unavailable { .. },
            ) => self.not_seen_again(),
            (
                Phase::AskingStatus
                | Phase::Sending
                | Phase::LookingForConflict(_)
                | Phase::LookingForPayment,
                ChainSaid::Unavailable { reason },
            ) => self.unavailable(reason),
            (phase, _) => {
                self.phase = phase;
                Step::default()
            }
        }
    }

    pub(super) fn time_passed(&mut self) -> Step {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Waiting => Step::of(self.ask_status()),
            Phase::Behind(question) => self.ask_source_again(question),
            phase => {
                self.phase = phase;
                Step::default()
            }
        }
    }

    /// Asks where the signed payment stands.
    pub(super) fn ask_status(&mut self) -> Vec<Effect> {
        let Some(txid) = self.record.txid() else {
            // Nothing was signed, so nothing is to be asked.
            self.phase = Phase::Over;
            return vec![Effect::End(Outcome::Open(Open::Stopped))];
        };
        self.phase = Phase::AskingStatus;
        let since_height = self.record.since_height;
        vec![Effect::Chain(ChainTask::Status { txid, since_height })]
    }

    fn wait(&mut self) -> Vec<Effect> {
        self.phase = Phase::Waiting;
        vec![Effect::Wait]
    }

    fn send(&mut self) -> Step {
        let Some(payment) = self.record.transaction.clone() else {
            return Step::of(self.ask_status());
        };
        self.phase = Phase::Sending;
        Step::of(vec![Effect::Chain(ChainTask::Send(payment))])
    }

    /// The network has the payment, buried by so many blocks.
    fn seen(&mut self, confirmations: u32) -> Step {
        self.told_unavailable = false;
        let Some(payment) = self.record.transaction.clone() else {
            return Step::of(self.ask_status());
        };
        let txid = payment.compute_txid();
        let before = self.record.state;
        let mut effects = Vec::new();
        if !std::mem::replace(&mut self.told_sent, true) {
            effects.push(Effect::Tell(Event::Broadcast { txid }));
        }
        if before.depth() > confirmations {
            self.shown = confirmations;
            effects.push(Effect::Tell(Event::Reorganised { confirmations }));
        } else if confirmations != self.shown {
            self.shown = confirmations;
            effects.push(Effect::Tell(Event::Confirmed { confirmations }));
        }
        if confirmations >= self.record.confirmations {
            self.record.state = PaymentState::Settled;
            self.record.card = None;
            self.record.is_watched = confirmations <= DEEPEST_REORGANISATION;
            effects.push(Effect::Tell(Event::Settled {
                txid,
                confirmations,
            }));
            effects.push(Effect::End(Outcome::Settled(payment)));
            self.phase = Phase::Over;
            return self.stored(effects);
        }
        self.record.state = match confirmations {
            0 => PaymentState::Broadcast,
            confirmations => PaymentState::Confirmed { confirmations },
        };
        effects.extend(self.wait());
        if self.record.state == before {
            Step::of(effects)
        } else {
            self.stored(effects)
        }
    }

    /// A refusal of the node's proves nothing: the payment may still be paid, unless its coins went
    /// another way.
    fn look_for_conflict(&mut self, why: Open) -> Step {
        let Some(task) = self.conflict_task() else {
            return self.open(why);
        };
        self.phase = Phase::LookingForConflict(why);
        Step::of(vec![Effect::Chain(task)])
    }

    /// The question who else spends the signed payment's coins.
    pub(super) fn conflict_task(&self) -> Option<ChainTask> {
        let payment = self.record.transaction.as_ref()?;
        Some(ChainTask::Conflict {
            txid: payment.compute_txid(),
            outpoints: payment.input.iter().map(|i| i.previous_output).collect(),
            since_height: self.record.since_height,
        })
    }

    /// What buries a payment deep enough for the shop buries its conflict.
    pub(super) fn enough_of_a_conflict(&self) -> u32 {
        self.record.confirmations.max(1)
    }

    fn conflict_looked_up(&mut self, why: Open, conflict: Option<Conflict>) -> Step {
        let enough = self.enough_of_a_conflict();
        if let Some(Conflict { by, confirmations }) = conflict
            && confirmations >= enough
        {
            self.record.state = PaymentState::Conflicted;
            self.record.card = None;
            self.record.is_watched =
                self.record.transaction.is_some() && confirmations <= DEEPEST_REORGANISATION;
            let mut effects = self.release();
            effects.push(Effect::Tell(Event::Conflicted { by, confirmations }));
            effects.push(Effect::End(Outcome::Conflicted { by }));
            self.phase = Phase::Over;
            return self.stored(effects);
        }
        let is_signed = self.record.transaction.is_some();
        let why = match conflict {
            Some(Conflict { by, confirmations }) if is_signed => {
                Open::Contested { by, confirmations }
            }
            _ => why,
        };
        if is_signed && self.record.state != PaymentState::Signed {
            self.record.state = PaymentState::Signed;
            let open = self.open(why);
            return self.stored(open.effects);
        }
        self.open(why)
    }

    fn unavailable(&mut self, reason: String) -> Step {
        if self.record.transaction.is_none() {
            return self.open(Open::NotAsked(reason));
        }
        let mut effects = Vec::new();
        if !std::mem::replace(&mut self.told_unavailable, true) {
            effects.push(Effect::Tell(Event::ChainUnavailable { reason }));
        }
        effects.extend(self.wait());
        Step::of(effects)
    }
}
