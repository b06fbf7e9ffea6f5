//! The ends of an account and of a card: FACTORY RESET and TERMINATE CARD USAGE. Sections 5.6 and
//! 5.7.

use super::{Card, FACTORY_RESET, Host, TERMINATE};
use crate::outcome::{Step, Stop};
use crate::status::Sw;

impl Card {
    /// FACTORY RESET must be taken; gives back what the suite knew of the card.
    pub fn factory_reset(&mut self) -> Step<Host> {
        self.end_with(FACTORY_RESET, "FACTORY RESET")
    }

    /// TERMINATE CARD USAGE must be taken; gives back what the suite knew of the card.
    pub fn terminate(&mut self) -> Step<Host> {
        self.end_with(TERMINATE, "TERMINATE CARD USAGE")
    }

    fn end_with(&mut self, header: [u8; 4], name: &str) -> Step<Host> {
        let command = self.owner_command(header, &[])?;
        self.once(&command)?.want_bare(Sw::OK, name)?;
        self.forget_account()
    }

    /// The card has the account again that the suite knows as this.
    pub fn recall_account(&mut self, host: Host) {
        self.host = Some(host);
    }

    /// The card is as it was before ISSUE, or has no account any more.
    ///
    /// # Errors
    /// [`Stop::Error`] when it never had one.
    pub fn forget_account(&mut self) -> Step<Host> {
        self.host
            .take()
            .ok_or_else(|| Stop::Error("the case resets a card that it never issued".to_owned()))
    }
}
