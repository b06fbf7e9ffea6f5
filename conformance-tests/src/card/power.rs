//! Power that fails inside a command, on targets where it can be made to.

use super::Card;
use crate::apdu::{Answer, Command};
use crate::card_under_test::{Fault, Reset};
use crate::outcome::Step;

impl Card {
    /// Sends a command, and takes the power away once the card has written or erased so many
    /// bytes, at least one. What it would have answered then, nobody sees.
    pub fn cut_in(&mut self, command: &Command, bytes: u64) -> Step<Option<Answer>> {
        self.inject(&Fault::PowerAfter(Some(bytes)))?;
        let answer = self.send(command)?;
        if !self.has_power() {
            return Ok(None);
        }
        self.inject(&Fault::PowerAfter(None))?;
        Ok(Some(answer))
    }

    /// Gives the power back, and takes it away again once the card has written or erased so many
    /// bytes more; then gives it back for good. Says whether it went away the second time.
    pub fn cut_at_power_up(&mut self, bytes: u64) -> Step<bool> {
        self.inject(&Fault::PowerAfter(Some(bytes)))?;
        self.reset(Reset::Cold)?;
        // Some cards look into their memory at the first command only.
        self.once(&Command::new([0x00, 0xA4, 0x04, 0x0C]).data(super::AID))?;
        let failed = !self.has_power();
        self.inject(&Fault::PowerAfter(None))?;
        self.reset(Reset::Cold)?;
        Ok(failed)
    }
}
