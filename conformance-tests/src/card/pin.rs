//! VERIFY.

use super::{Card, Status};
use crate::apdu::{Answer, Command};
use crate::outcome::{Preamble, Step, Stop, require};
use crate::status::Sw;

/// CLA INS P1 P2 of VERIFY.
pub const VERIFY: [u8; 4] = [0x00, 0x20, 0x00, 0x80];

impl Card {
    /// VERIFY with this data field; an empty one is an absent one.
    pub fn verify(&mut self, field: &[u8]) -> Step<Answer> {
        if !field.is_empty() {
            self.authorisation_ended();
        }
        self.once(&Command::new(VERIFY).data(field))
    }

    /// The right PIN block.
    pub fn right_block(&self) -> Step<[u8; 8]> {
        Ok(self.host()?.profile.pin.block())
    }

    /// A well-formed PIN block with a wrong digit.
    pub fn wrong_block(&self) -> Step<[u8; 8]> {
        Ok(self.host()?.profile.pin.with_wrong_digit(0).block())
    }

    /// VERIFY with the right PIN must answer `9000`.
    pub fn verify_right(&mut self) -> Step<()> {
        let block = self.right_block()?;
        self.verify(&block)?
            .want_bare(Sw::OK, "VERIFY with the right PIN")
    }

    /// VERIFY with a wrong PIN must answer that so many tries are left.
    pub fn verify_wrong(&mut self, left: u8) -> Step<()> {
        let block = self.wrong_block()?;
        self.verify(&block)?
            .want_bare(Sw::tries(left), "VERIFY with a wrong PIN")
    }

    /// Uses up all three tries.
    ///
    /// # Errors
    /// [`Stop::Fail`] unless each wrong PIN takes one.
    pub fn block_pin(&mut self) -> Step<()> {
        [2, 1, 0]
            .into_iter()
            .try_for_each(|left| self.verify_wrong(left))
    }

    /// Gives the holder's authority, as the preparation of something else.
    pub fn authorise(&mut self) -> Step<()> {
        self.verify_right().preamble()
    }

    /// The tries left, from GET DATA.
    ///
    /// # Errors
    /// [`Stop::Fail`] when the card says that it isn't issued.
    pub fn tries(&mut self) -> Step<u8> {
        match self.status()? {
            Status::Issued { tries, .. } => Ok(tries),
            other => Err(Stop::Fail(format!(
                "the card says that its state is {other:?}"
            ))),
        }
    }

    /// GET DATA must say that so many tries are left.
    pub fn expect_tries(&mut self, expected: u8, when: &str) -> Step<()> {
        let tries = self.tries()?;
        require!(
            tries == expected,
            "{when}: {tries} tries are left instead of {expected}"
        );
        Ok(())
    }

    /// Whether the card takes its holder for authorised, found out by RECEIVE SCRIPT.
    ///
    /// # Errors
    /// [`Stop::Fail`] when RECEIVE SCRIPT answers neither `9000` nor `6982`.
    pub fn is_authorised(&mut self) -> Step<bool> {
        let answer = self.receive_script_answer()?;
        match answer.sw {
            Sw::OK => Ok(true),
            _ => answer
                .want_bare(Sw::SECURITY, "RECEIVE SCRIPT")
                .map(|()| false),
        }
    }

    /// The holder must or must not be authorised.
    pub fn expect_authorised(&mut self, expected: bool, when: &str) -> Step<()> {
        let authorised = self.is_authorised()?;
        require!(
            authorised == expected,
            "{when}: the holder is {}authorised",
            if authorised { "still " } else { "not " }
        );
        Ok(())
    }
}
