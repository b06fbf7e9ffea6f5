//! The seam between what any card can be asked and one maker's commands.
//!
//! A [`Driver`] puts the same questions to its kind of card and gives back what they came to, in
//! words that all cards share, beside the APDUs themselves. The cases in `purposes` know nothing
//! else of a card. `card::Card` is the first driver, that of a Tillcard.

use crate::apdu::Answer;
use crate::outcome::{Step, require};
use crate::status::Sw;
use crate::target::Reset;

/// What a card made of a PIN that was presented to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// It is the holder's.
    Right,
    /// It isn't, and so many tries are left.
    Wrong {
        /// At least one; a card with none left may still say 0 once.
        left: u8,
    },
    /// No PIN is taken any more.
    Blocked,
    /// The card refused for another reason.
    Refused(Sw),
}

/// A PIN field, with its name for reasons.
pub type Field = (String, Vec<u8>);

/// A card that was issued, of whatever maker.
pub trait Driver {
    /// Sends bytes as they are.
    ///
    /// # Errors
    /// [`Stop::Error`](crate::outcome::Stop::Error) when the link fails; so do all others.
    fn transmit(&mut self, apdu: &[u8]) -> Step<Answer>;

    /// How long the last exchange took, in nanoseconds.
    fn took_ns(&self) -> u64;

    /// Starts the card anew, until its application takes commands.
    ///
    /// # Errors
    /// [`Stop::Fail`](crate::outcome::Stop::Fail) when it doesn't.
    fn restart(&mut self, how: Reset) -> Step<()>;

    /// Begins another session without a reset.
    ///
    /// # Errors
    /// As for [`Driver::restart`].
    fn reselect(&mut self) -> Step<()>;

    /// Tries that a card has whose last PIN was right.
    fn most_tries(&self) -> u8;

    /// The field that brings the right PIN.
    ///
    /// # Errors
    /// [`Stop::Error`](crate::outcome::Stop::Error) when nobody knows it.
    fn right_pin(&self) -> Step<Vec<u8>>;

    /// Well-formed fields with another PIN: each digit wrong, from the first to the last, then
    /// shorter and longer PINs.
    ///
    /// # Errors
    /// As for [`Driver::right_pin`].
    fn wrong_pins(&self) -> Step<Vec<Field>>;

    /// Fields of the right length that hold no PIN, most of them with the right digits.
    ///
    /// # Errors
    /// As for [`Driver::right_pin`].
    fn malformed_pins(&self) -> Step<Vec<Field>>;

    /// Presents a PIN. An empty field asks how many tries are left.
    ///
    /// # Errors
    /// [`Stop::Fail`](crate::outcome::Stop::Fail) when data come with the answer.
    fn present(&mut self, field: &[u8]) -> Step<Presented>;

    /// The tries left, by another way than presenting nothing.
    ///
    /// # Errors
    /// [`Stop::Fail`](crate::outcome::Stop::Fail) when the card doesn't tell them.
    fn tries_left(&mut self) -> Step<u8>;

    /// Whether the card takes its holder for authorised.
    ///
    /// # Errors
    /// [`Stop::Fail`](crate::outcome::Stop::Fail) when neither shows.
    fn holder_is_authorised(&mut self) -> Step<bool>;

    /// Commands that have nothing to do with the PIN; the card must answer as its maker says.
    ///
    /// # Errors
    /// [`Stop::Fail`](crate::outcome::Stop::Fail) when it doesn't.
    fn something_else(&mut self) -> Step<()>;
}

impl dyn Driver + '_ {
    /// The field must be taken so.
    ///
    /// # Errors
    /// [`Stop::Fail`](crate::outcome::Stop::Fail) otherwise.
    pub fn expect_presented(&mut self, field: &[u8], expected: Presented, what: &str) -> Step<()> {
        let presented = self.present(field)?;
        require!(
            presented == expected,
            "{what}: the card makes {presented:?} of it instead of {expected:?}"
        );
        Ok(())
    }

    /// The right PIN must be taken.
    ///
    /// # Errors
    /// [`Stop::Fail`](crate::outcome::Stop::Fail) otherwise.
    pub fn expect_right(&mut self, what: &str) -> Step<()> {
        let right = self.right_pin()?;
        self.expect_presented(&right, Presented::Right, what)
    }

    /// So many tries must be left.
    ///
    /// # Errors
    /// [`Stop::Fail`](crate::outcome::Stop::Fail) otherwise.
    pub fn expect_left(&mut self, expected: u8, when: &str) -> Step<()> {
        let left = self.tries_left()?;
        require!(
            left == expected,
            "{when}: {left} tries are left instead of {expected}"
        );
        Ok(())
    }

    /// The holder must or must not be authorised.
    ///
    /// # Errors
    /// [`Stop::Fail`](crate::outcome::Stop::Fail) otherwise.
    pub fn expect_holder(&mut self, authorised: bool, when: &str) -> Step<()> {
        require!(
            self.holder_is_authorised()? == authorised,
            "{when}: the holder is {}authorised",
            if authorised { "not " } else { "still " }
        );
        Ok(())
    }

    /// The field of a PIN with a wrong digit.
    ///
    /// # Errors
    /// As for [`Driver::right_pin`].
    pub fn wrong_pin(&self) -> Step<Vec<u8>> {
        let first = self.wrong_pins()?.into_iter().next();
        Ok(first.map(|(_, field)| field).unwrap_or_default())
    }

    /// A wrong PIN for each try must be counted, until so many are left.
    ///
    /// # Errors
    /// [`Stop::Fail`](crate::outcome::Stop::Fail) otherwise.
    pub fn use_up(&mut self, left: u8) -> Step<()> {
        let wrong = self.wrong_pin()?;
        for left in (left..self.most_tries()).rev() {
            self.expect_presented(&wrong, Presented::Wrong { left }, "a wrong PIN")?;
        }
        Ok(())
    }
}
