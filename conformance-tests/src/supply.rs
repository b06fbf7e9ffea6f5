//! Where a run's cards come from: fresh ones of the target, or the one at hand, made fresh again by
//! FACTORY RESET once this run has shown that it does that.

use crate::card::Card;
use crate::card_under_test::{About, Link, Target};
use crate::case::Level;
use crate::failure::Failure;
use crate::ledger::Ledger;
use crate::outcome::{Step, Stop};

/// How a run spends cards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Thrift {
    /// Whether a card is used again after FACTORY RESET.
    pub reuse: bool,
    /// The most cards that the run may take.
    pub most: Option<u32>,
}

/// The cards of a run.
pub(crate) struct Supply {
    target: Box<dyn Target>,
    thrift: Thrift,
    /// What is done to the cards.
    pub(crate) ledger: Ledger,
    /// Whether FACTORY RESET was shown to make a card as new.
    proven: bool,
    /// Whether nobody had personalised the first card.
    blank: bool,
    taken: u32,
    resets: u32,
    /// Why the last card that was asked for didn't come.
    failure: Option<Failure>,
}

impl Supply {
    pub(crate) fn new(target: Box<dyn Target>, thrift: Thrift, level: Level) -> Self {
        Self {
            target,
            thrift,
            ledger: Ledger::new(level),
            proven: false,
            blank: false,
            taken: 0,
            resets: 0,
            failure: None,
        }
    }

    /// A card that was never issued.
    ///
    /// # Errors
    /// [`Stop::Error`] when none is to be had, [`Stop::Inconclusive`] when the run has used as many
    /// as it may.
    pub(crate) fn fresh_card(&mut self, seed: u64) -> Step<Box<dyn Link>> {
        if let Some(most) = self.thrift.most.filter(|most| self.taken >= *most) {
            return Err(Stop::Inconclusive(format!(
                "not run: it needs another card, and the run has used the {most} that it may; \
                 --cards allows more"
            )));
        }
        let link = self.target.fresh_card(seed).map_err(|failure| {
            let stop = Stop::Error(failure.to_string());
            self.failure = Some(failure);
            stop
        })?;
        self.taken += 1;
        Ok(self.ledger.watch(link))
    }

    /// Makes the card at hand one that is as it was before it was issued. Says whether it is one.
    /// Before FACTORY RESET is proven that is a card only that the run never issued.
    pub(crate) fn renew(&mut self, card: &mut Card) -> bool {
        if !self.thrift.reuse || !(self.proven || card.was_never_issued()) {
            return false;
        }
        let resets = card.resets;
        let renewed = card.renew().unwrap_or(false);
        self.resets += card.resets - resets;
        renewed
    }

    /// Goes on with a run that took so many cards, the last of which may still be there.
    pub(crate) const fn resume(&mut self, cards: u32, proven: bool) {
        self.taken = cards.saturating_sub(1);
        self.proven = proven;
    }

    /// Makes the card fresh that a case was using when the run was interrupted.
    pub(crate) fn renew_left_behind(&self, card: &mut Card) {
        if self.thrift.reuse {
            // Where that fails, the card is looked at like any other.
            drop(card.renew());
        }
    }

    /// Whether cards are used again.
    pub(crate) const fn reuses(&self) -> bool {
        self.thrift.reuse
    }

    /// FACTORY RESET does, or doesn't do, what the text says.
    pub(crate) const fn prove(&mut self, proven: bool) {
        self.proven = proven;
    }

    /// The first card came as one that nobody personalised.
    pub(crate) const fn is_blank(&mut self) {
        self.blank = true;
    }

    /// Whether cards come as ones that nobody personalised, as the first did, and cards are used
    /// again.
    pub(crate) const fn has_blank_cards(&self) -> bool {
        self.blank && self.thrift.reuse
    }

    /// How often a card was made fresh again.
    pub(crate) const fn resets(&self) -> u32 {
        self.resets
    }

    /// Why a card that was asked for didn't come, once.
    pub(crate) const fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    /// The same, for who only looks.
    pub(crate) const fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Where the cards are.
    pub(crate) fn about(&self) -> About {
        self.target.about()
    }
}
