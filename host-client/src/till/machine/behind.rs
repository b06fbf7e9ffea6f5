//! A source of the chain that hasn't come as far as its chain. What it doesn't know is no verdict on a
//! coin or a payment, so that the till waits for it, as long as people have patience.

use super::payment::{Payment, Phase, Question};
use super::{CardTask, ChainTask, Effect, MOST_BEHIND, Step};
use crate::chain::{ChainError, SourceProgress};
use crate::till::{Decline, Event, Open};

impl Payment {
    /// Time passes; then the source is asked again. If it stays behind, the payment ends unasked; if a
    /// card was asked, its outcome is open.
    pub(super) fn wait_for_source(&mut self, progress: SourceProgress, question: Question) -> Step {
        self.behind += 1;
        if self.behind > MOST_BEHIND {
            return match question {
                Question::Payment => self.open(Open::NodeBehind(progress)),
                Question::Readiness | Question::Coins(_) => {
                    self.end_unasked(Decline::NodeBehind(progress))
                }
            };
        }
        let mut effects = Vec::new();
        if self.behind == 1 {
            let reason = ChainError::Behind(progress).to_string();
            effects.push(Effect::Tell(Event::ChainUnavailable { reason }));
        }
        effects.push(Effect::Wait);
        self.phase = Phase::Behind(question);
        Step::of(effects)
    }

    /// Asks again what the source couldn't answer.
    pub(super) fn ask_source_again(&mut self, question: Question) -> Step {
        match question {
            Question::Readiness => self.check_chain(),
            Question::Coins(preview) => {
                self.phase = Phase::LookingUp(preview);
                Step::of(vec![Effect::Card(CardTask::LookUp)])
            }
            Question::Payment => self.look_for_payment(),
        }
    }

    /// Asks whether a card can be asked to pay now.
    pub(super) fn check_chain(&mut self) -> Step {
        self.phase = Phase::CheckingChain;
        Step::of(vec![Effect::Chain(ChainTask::Check)])
    }

    /// Asks for the payment that its card doesn't know.
    pub(super) fn look_for_payment(&mut self) -> Step {
        let preview = self.record.preview.as_ref();
        let task = ChainTask::FindPayment {
            order: self.record.order.clone(),
            outpoints: preview.map_or_else(Vec::new, |preview| preview.outpoints.clone()),
            since_height: self.record.since_height,
        };
        self.phase = Phase::LookingForPayment;
        Step::of(vec![Effect::Chain(task)])
    }
}
