//! Owner authority: GET CHALLENGE and signed commands.

use super::{Card, READ_ACCOUNT};
use crate::apdu::{Answer, Command, LE_SHORT};
use crate::keys::{sign, tagged_hash};
use crate::outcome::{Preamble, Step, Stop};
use crate::status::Sw;
use crate::tlv;

/// What stands for the card id in a command of an owner who doesn't know it.
const UNKNOWN_CARD: [u8; 16] = [0; 16];
/// The session in a signature for a plain one.
pub const PLAIN_SESSION: [u8; 1] = [0];

impl Card {
    /// GET CHALLENGE.
    pub fn challenge_answer(&mut self) -> Step<Answer> {
        self.send(&Command::new([0x00, 0x84, 0, 0]).le(16))
    }

    /// GET CHALLENGE, and the challenge.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] unless 16 bytes come.
    pub fn challenge(&mut self) -> Step<[u8; 16]> {
        let data = self
            .challenge_answer()?
            .want(Sw::OK, "GET CHALLENGE")
            .preamble()?;
        data.try_into()
            .map_err(|_| Stop::Inconclusive("GET CHALLENGE didn't answer 16 bytes".to_owned()))
    }

    /// The message that the owner signs for a command.
    pub fn owner_message(
        &self,
        challenge: &[u8; 16],
        header: [u8; 4],
        body: &[u8],
    ) -> Step<[u8; 32]> {
        let host = self.host()?;
        let card_id = if header == READ_ACCOUNT {
            UNKNOWN_CARD
        } else {
            host.account.card_id()
        };
        Ok(tagged_hash(
            "Tillcard/owner",
            &[
                &[host.profile.network],
                &card_id,
                &self.session(),
                challenge,
                &header,
                body,
            ],
        ))
    }

    /// The owner's signature for a command.
    pub fn owner_signature(
        &self,
        challenge: &[u8; 16],
        header: [u8; 4],
        body: &[u8],
    ) -> Step<[u8; 64]> {
        let message = self.owner_message(challenge, header, body)?;
        Ok(sign(&self.host()?.profile.owner, &message))
    }

    /// An owner command over a fresh challenge; all of its answer.
    pub fn command_by_owner(&mut self, header: [u8; 4], body: &[u8]) -> Step<Answer> {
        let command = self.owner_command(header, body)?;
        self.send(&command.le(LE_SHORT))
    }

    /// An owner command over a fresh challenge, to be sent without or with Le.
    pub fn owner_command(&mut self, header: [u8; 4], body: &[u8]) -> Step<Command> {
        let challenge = self.challenge()?;
        let signature = self.owner_signature(&challenge, header, body)?;
        Ok(Command::new(header).data(Self::signed(body, &signature)))
    }

    /// The data field of an owner command.
    #[must_use]
    pub fn signed(body: &[u8], signature: &[u8; 64]) -> Vec<u8> {
        [body, &tlv::object(0x9E, signature)].concat()
    }
}
