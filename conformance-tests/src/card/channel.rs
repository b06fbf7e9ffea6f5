//! A channel between the suite and the card: while one is open, all commands but SELECT and GET
//! RESPONSE go through it.

use super::{Card, PLAIN_SESSION, secrets};
use crate::apdu::{Answer, Command, LE_SHORT};
use crate::channel::{Channel, Ephemeral, compressed};
use crate::model::OwnKey;
use crate::outcome::{Preamble, Step, Stop, require};
use crate::status::Sw;

/// CLA INS P1 P2 of INTERNAL AUTHENTICATE that opens a channel.
pub const OPEN_CHANNEL: [u8; 4] = [0x80, 0x88, 0x01, 0x13];
/// The longest data field of a command that fits, protected, into a short APDU.
pub const LONGEST_PROTECTED: usize = 239;
/// What stands before the coordinates of a P-256 key in a certificate (RFC 5480), from its algorithm on.
const SPKI: [u8; 25] = [
    0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
    0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
/// How a session in a channel begins in a signature: the length of the receipt.
const RECEIPT: u8 = 16;

impl Card {
    /// Sends a command as a plain one, in a channel too.
    pub fn plain(&mut self, command: &Command) -> Step<Answer> {
        let apdu = self.encode(command)?;
        self.raw(&apdu)
    }

    /// INTERNAL AUTHENTICATE that opens a channel, with this data field. A channel that was open
    /// is no more, whatever the answer.
    pub fn open_channel_answer(&mut self, field: &[u8]) -> Step<Answer> {
        self.channel = None;
        self.authorisation_ended();
        let first = self.plain(&Command::new(OPEN_CHANNEL).data(field).le(LE_SHORT))?;
        self.rest(first)
    }

    /// Opens a channel to a card with this agreement key. Commands go through it from here on.
    ///
    /// # Errors
    /// [`Stop::Fail`] when the card doesn't answer as section 2.6 says.
    pub fn open_channel_to(&mut self, agreement: &[u8; 33], own: &Ephemeral) -> Step<()> {
        let answer = self
            .open_channel_answer(&own.field())?
            .want(Sw::OK, "INTERNAL AUTHENTICATE, a channel")?;
        let (channel, card_ephemeral) = Channel::open(own, agreement, &answer)?;
        let mut recorder = self.recorder.borrow_mut();
        let of_channel = secrets::of_channel(&channel.keys, card_ephemeral);
        recorder.leaks.guard_too(&of_channel);
        drop(recorder);
        self.channel = Some(channel);
        Ok(())
    }

    /// The same to the card that the suite issued.
    pub fn open_channel_as(&mut self, own: &Ephemeral) -> Step<()> {
        let agreement = self.host()?.record.agreement_key;
        self.open_channel_to(&agreement, own)
    }

    /// The agreement key in the certificate of a card whose personalisation has ended.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when what is stored there is no such certificate.
    pub fn certified_agreement_key(&mut self) -> Step<Option<[u8; 33]>> {
        let Some(chain) = self.certificates(OwnKey::Agreement).preamble()? else {
            return Ok(None);
        };
        // The batch's certificate comes first.
        let key = (chain.windows(SPKI.len()).rposition(|window| window == SPKI))
            .and_then(|at| chain.get(at + SPKI.len()..)?.first_chunk::<64>());
        let key = key.ok_or_else(|| {
            Stop::Inconclusive("the agreement key's certificate has no key of P-256".to_owned())
        })?;
        Ok(Some(compressed(key)))
    }

    /// The agreement key of a card that isn't issued: that of its certificate, or, on a card whose
    /// personalisation hasn't ended, one that it draws now.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when none is to be had.
    pub fn factory_agreement_key(&mut self) -> Step<[u8; 33]> {
        match self.certified_agreement_key()? {
            Some(key) => Ok(key),
            None => Ok(self.own_keys().preamble()?.agreement),
        }
    }

    /// The suite forgets its end of the channel, or takes an end that it had.
    pub fn swap_channel(&mut self, channel: Option<Channel>) -> Option<Channel> {
        std::mem::replace(&mut self.channel, channel)
    }

    /// The suite's end of the channel.
    ///
    /// # Errors
    /// [`Stop::Error`] when there is none: a fault of the case.
    pub fn channel(&mut self) -> Step<&mut Channel> {
        self.channel
            .as_mut()
            .ok_or_else(|| Stop::Error("the case uses a channel that isn't open".to_owned()))
    }

    /// What signatures say of the session.
    #[must_use]
    pub fn session(&self) -> Vec<u8> {
        match &self.channel {
            None => PLAIN_SESSION.to_vec(),
            Some(channel) => [&[RECEIPT][..], &channel.receipt].concat(),
        }
    }

    /// Sends the APDU of a protected command, fetches all of the answer, and takes its protection
    /// off.
    ///
    /// # Errors
    /// As for [`Card::send`]; [`Stop::Fail`] when the answer isn't protected as it must be.
    pub fn exchange_protected(&mut self, apdu: &[u8]) -> Step<Answer> {
        let first = self.raw(apdu)?;
        let to = first.to;
        let whole = Answer {
            to,
            ..self.rest(first)?
        };
        let answer = self.channel()?.open_answer(whole)?;
        self.recorder.borrow_mut().decrypted(&answer);
        Ok(answer)
    }

    pub(super) fn once_protected(&mut self, command: &Command) -> Step<Answer> {
        let form = self.form;
        let apdu = self.channel()?.protect(command, form)?;
        self.exchange_protected(&apdu)
    }

    /// The longest piece of a transaction that this session takes in a short APDU.
    #[must_use]
    pub const fn longest_piece(&self) -> usize {
        if self.channel.is_some() {
            LONGEST_PROTECTED
        } else {
            super::coins::LONGEST_PIECE
        }
    }

    /// The channel must be open: a protected GET DATA is answered, under its MAC.
    pub fn expect_channel(&mut self, when: &str) -> Step<()> {
        let command = Command::new([0x00, 0xCA, 0x01, 0x00]).le(LE_SHORT);
        let answer = self.once_protected(&command)?;
        require!(
            answer.sw == Sw::OK,
            "{when}: the channel is closed: {} to a protected GET DATA",
            answer.sw
        );
        Ok(())
    }

    /// The channel must be closed and a plain session go on: a protected command is refused, and
    /// a plain one answered.
    pub fn expect_no_channel(&mut self, when: &str) -> Step<()> {
        let command = Command::new([0x00, 0xCA, 0x01, 0x00]).le(LE_SHORT);
        let form = self.form;
        if let Some(mut channel) = self.channel.take() {
            let apdu = channel.protect(&command, form)?;
            let answer = self.raw(&apdu)?;
            require!(
                answer.sw == Sw::SECURITY && answer.data.is_empty(),
                "{when}: the channel is open: {} to a protected GET DATA",
                answer.sw
            );
        }
        let answer = self.plain(&command)?;
        require!(
            answer.sw == Sw::OK,
            "{when}: no plain session goes on: {} to a plain GET DATA",
            answer.sw
        );
        Ok(())
    }
}
