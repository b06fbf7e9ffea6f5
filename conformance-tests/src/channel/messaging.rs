//! Protected commands and answers.

use super::keys::{AES_KEY, Ephemeral, Keys, compressed, mac};
use crate::apdu::{Answer, Command, LE_EXTENDED, LE_SHORT};
use crate::card::Form;
use crate::outcome::{Step, Stop, require};
use crate::status::Sw;
use crate::tlv::Reader;
use aes::cipher::{BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use aes::{Aes128, Block};
use p256::PublicKey;

/// How many bytes of a MAC go over the link.
pub const MAC: usize = 8;
/// In a class byte: the command is protected.
const SECURE_MESSAGING: u8 = 0x04;
/// In the counter, for the IV of an answer.
const ANSWER: u128 = 1 << 127;

/// The client's end of a channel.
#[derive(Clone)]
pub struct Channel {
    /// The session keys.
    pub keys: Keys,
    /// What opened it; it goes into owner's signatures.
    pub receipt: [u8; AES_KEY],
    /// The MAC chaining value.
    pub chaining: [u8; AES_KEY],
    /// The number of the last command, from 1.
    pub counter: u128,
}

/// How a command is protected: as the text says by [`Shape::of`], or otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Short or extended.
    pub form: Form,
    /// How many bytes of the MAC are sent.
    pub mac: usize,
    /// Whether an empty data field is padded and encrypted.
    pub pads_empty: bool,
}

impl Shape {
    /// All of the MAC, an empty data field left empty.
    #[must_use]
    pub const fn of(form: Form) -> Self {
        Self {
            form,
            mac: MAC,
            pads_empty: false,
        }
    }
}

crate::model::setters!(Shape {
    form: Form,
    mac: usize,
    pads_empty: bool,
});

impl Channel {
    /// Judges what a card answered to the opening of a channel.
    ///
    /// # Errors
    /// [`Stop::Fail`] unless it is an ephemeral key and the receipt of a card that has this
    /// agreement key.
    pub fn open(own: &Ephemeral, agreement: &[u8; 33], answer: &[u8]) -> Step<(Self, [u8; 33])> {
        let what = "INTERNAL AUTHENTICATE, a channel";
        let mut reader = Reader::new(what, answer);
        let ephemeral: [u8; 65] = reader.array(0x5F49)?;
        let receipt: [u8; AES_KEY] = reader.array(0x86)?;
        reader.end()?;
        let point = |bytes: &[u8], name: &str| {
            PublicKey::from_sec1_bytes(bytes)
                .map_err(|_| Stop::Fail(format!("{what}: the {name} key isn't a point")))
        };
        require!(
            ephemeral[0] == 0x04,
            "{what}: the ephemeral key isn't in uncompressed form"
        );
        let card_ephemeral = point(&ephemeral, "ephemeral")?;
        let keys = own.keys(&card_ephemeral, &point(agreement, "agreement")?);
        require!(
            receipt == keys.receipt(&own.field(), &ephemeral),
            "{what}: the receipt isn't that of a card with the agreement key"
        );
        let [_, coordinates @ ..] = &ephemeral;
        let channel = Self {
            keys,
            receipt,
            chaining: receipt,
            counter: 0,
        };
        Ok((channel, compressed(coordinates)))
    }

    /// The APDU of the next command.
    ///
    /// # Errors
    /// [`Stop::Error`] when it doesn't fit into its form: a fault of the case.
    pub fn protect(&mut self, command: &Command, form: Form) -> Step<Vec<u8>> {
        self.protect_as(command, Shape::of(form))
    }

    /// The APDU of the next command, in this shape.
    ///
    /// # Errors
    /// As for [`Channel::protect`].
    pub fn protect_as(&mut self, command: &Command, shape: Shape) -> Step<Vec<u8>> {
        let padded = if command.data.is_empty() && !shape.pads_empty {
            Vec::new()
        } else {
            pad(&command.data)
        };
        self.protect_padded(command, padded, shape)
    }

    /// The same with data that are padded, rightly or wrongly, already.
    ///
    /// # Errors
    /// As for [`Channel::protect`].
    pub fn protect_padded(
        &mut self,
        command: &Command,
        padded: Vec<u8>,
        shape: Shape,
    ) -> Step<Vec<u8>> {
        let number = self.counter + 1;
        let encrypted = crypt(&self.keys, number, padded, true);
        self.authenticate(command, encrypted, shape)
    }

    /// The same with data that are encrypted already.
    ///
    /// # Errors
    /// As for [`Channel::protect`].
    pub fn authenticate(
        &mut self,
        command: &Command,
        mut field: Vec<u8>,
        shape: Shape,
    ) -> Step<Vec<u8>> {
        self.counter += 1;
        let mut header = command.header;
        header[0] |= SECURE_MESSAGING;
        let lc = (field.len() + shape.mac) as u16;
        let lc = match shape.form {
            Form::Short => vec![lc as u8],
            Form::Extended => [&[0][..], &lc.to_be_bytes()].concat(),
        };
        self.chaining = mac(&self.keys.mac, &[&self.chaining, &header, &lc, &field]);
        field.extend_from_slice(&self.chaining[..shape.mac]);
        let protected = Command::new(header).data(field);
        match shape.form {
            Form::Short => protected.le(LE_SHORT).short(),
            Form::Extended => protected.le(LE_EXTENDED).extended(),
        }
    }

    /// The plain answer in a protected one, whole, to the last command.
    ///
    /// # Errors
    /// [`Stop::Fail`] when its MAC is missing or wrong, or its data can't be decrypted.
    pub fn open_answer(&self, answer: Answer) -> Step<Answer> {
        if !is_protected(answer.sw) {
            return Ok(answer);
        }
        let what = format!("{} to {}", answer.sw, hex::encode_upper(answer.to));
        let Some(at) = answer.data.len().checked_sub(MAC) else {
            return Err(Stop::Fail(format!("{what}: the answer's MAC is missing")));
        };
        let (encrypted, sent) = answer.data.split_at(at);
        require!(
            sent == answer_mac(&self.keys, &self.chaining, encrypted, answer.sw),
            "{what}: the answer's MAC is wrong"
        );
        if encrypted.is_empty() {
            return Ok(Answer {
                data: Vec::new(),
                ..answer
            });
        }
        require!(
            encrypted.len().is_multiple_of(AES_KEY),
            "{what}: the answer isn't whole blocks"
        );
        let padded = crypt(&self.keys, self.counter | ANSWER, encrypted.to_vec(), false);
        let Some(data) = unpad(&padded) else {
            return Err(Stop::Fail(format!("{what}: the answer's padding is wrong")));
        };
        Ok(Answer {
            data: data.to_vec(),
            ..answer
        })
    }
}

/// Whether an answer with this status word bears a MAC.
#[must_use]
pub const fn is_protected(sw: Sw) -> bool {
    sw.0 == Sw::OK.0 || sw.0 & 0xFFF0 == Sw::tries(0).0
}

/// What of its MAC goes with an answer.
#[must_use]
pub fn answer_mac(keys: &Keys, chaining: &[u8; AES_KEY], encrypted: &[u8], sw: Sw) -> [u8; MAC] {
    let whole = mac(&keys.rmac, &[chaining, encrypted, &sw.0.to_be_bytes()]);
    let mut sent = [0; MAC];
    sent.copy_from_slice(&whole[..MAC]);
    sent
}

/// The data with `80` and as many `00` as make whole blocks.
#[must_use]
pub fn pad(data: &[u8]) -> Vec<u8> {
    let mut padded = [data, &[0x80]].concat();
    padded.resize(padded.len().next_multiple_of(AES_KEY), 0);
    padded
}

/// The data before the padding, if it is one.
#[must_use]
pub fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let end = padded.iter().rposition(|byte| *byte != 0)?;
    (padded[end] == 0x80 && padded.len() - end <= AES_KEY).then_some(&padded[..end])
}

/// AES-CBC under S-ENC, there or back, of whole blocks. The IV comes of the counter, whose highest
/// bit is set for answers.
#[must_use]
pub fn crypt(keys: &Keys, counter: u128, mut data: Vec<u8>, there: bool) -> Vec<u8> {
    let key = keys.enc.into();
    let mut iv: Block = counter.to_be_bytes().into();
    Aes128::new(&key).encrypt_block(&mut iv);
    let (blocks, _) = Block::slice_as_chunks_mut(&mut data);
    if there {
        cbc::Encryptor::<Aes128>::new(&key, &iv).encrypt_blocks(blocks);
    } else {
        cbc::Decryptor::<Aes128>::new(&key, &iv).decrypt_blocks(blocks);
    }
    data
}
