//! The manufacturer's commands, and the certificates that anyone may read: sections 3.6 and 3.7.

use super::{Card, secrets};
use crate::apdu::{Answer, Command, LE_SHORT};
use crate::keys::is_p256_point;
use crate::model::{Certificates, OwnKey};
use crate::outcome::{At, Preamble, Step, Stop, require};
use crate::status::Sw;
use crate::tlv::{self, Reader};

/// CLA INS P1 P2 of the drawing of the card's own keys.
pub const GENERATE_OWN_KEYS: [u8; 4] = [0x00, 0x46, 0x00, 0x01];
/// CLA INS P1 P2 of the reading of certificates.
pub const CERTIFICATES: [u8; 4] = [0x00, 0xCA, 0xBF, 0x21];
/// P2 of PUT DATA that ends the personalisation.
pub const END: u8 = 0xFF;

/// CLA INS P1 P2 of PUT DATA.
#[must_use]
pub const fn put_data(p2: u8) -> [u8; 4] {
    [0x00, 0xDA, 0x02, p2]
}

/// The data field that asks for the certificates of a key.
#[must_use]
pub fn certificates_of(reference: [u8; 2]) -> Vec<u8> {
    tlv::object(0xA6, &tlv::object(0x83, &reference))
}

/// The public keys of the card's own, compressed points of P-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnKeys {
    /// Signs.
    pub identity: [u8; 33],
    /// Opens channels.
    pub agreement: [u8; 33],
}

impl Card {
    /// GENERATE ASYMMETRIC KEY PAIR of the card's own keys.
    pub fn own_keys_answer(&mut self) -> Step<Answer> {
        self.send(&Command::new(GENERATE_OWN_KEYS).le(LE_SHORT))
    }

    /// The same, and the keys that it must answer.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it answers no two points.
    pub fn own_keys(&mut self) -> Step<OwnKeys> {
        let what = "GENERATE ASYMMETRIC KEY PAIR of the card's own keys";
        let data = self.own_keys_answer()?.want(Sw::OK, what)?;
        let mut reader = Reader::new(what, &data);
        let keys = OwnKeys {
            identity: reader.array(0x80)?,
            agreement: reader.array(0x81)?,
        };
        reader.end()?;
        require!(
            is_p256_point(&keys.identity) && is_p256_point(&keys.agreement),
            "{what}: a key isn't a point of P-256"
        );
        require!(
            keys.identity != keys.agreement,
            "{what}: one key both signs and agrees"
        );
        let own_keys = secrets::of_own_keys(&[keys.identity, keys.agreement]);
        self.recorder.borrow_mut().leaks.guard(&own_keys);
        Ok(keys)
    }

    /// PUT DATA.
    pub fn put_data_answer(&mut self, p2: u8, piece: &[u8]) -> Step<Answer> {
        self.once(&Command::new(put_data(p2)).data(piece))
    }

    /// PUT DATA of a piece must be taken.
    pub fn put_data(&mut self, p2: u8, piece: &[u8]) -> Step<()> {
        self.put_data_answer(p2, piece)?
            .want_bare(Sw::OK, "PUT DATA")
            .at(|| format!("piece {p2:02X}"))
    }

    /// Stores all pieces of these certificates, in the order of their numbers.
    ///
    /// # Errors
    /// [`Stop::Fail`] when one isn't taken.
    pub fn store(&mut self, certificates: &Certificates) -> Step<()> {
        for (p2, piece) in certificates.pieces() {
            self.put_data(p2, &piece)?;
        }
        Ok(())
    }

    /// The personalisation must end.
    pub fn end_personalisation(&mut self) -> Step<()> {
        self.put_data_answer(END, &[])?
            .want_bare(Sw::OK, "PUT DATA, the end")
    }

    /// Personalises the card, as the preparation of something else.
    pub fn personalise(&mut self, certificates: &Certificates) -> Step<OwnKeys> {
        let keys = self.own_keys().preamble()?;
        self.store(certificates).preamble()?;
        self.end_personalisation().preamble()?;
        Ok(keys)
    }

    /// GET DATA of certificates, with this data field.
    pub fn certificates_answer(&mut self, field: &[u8]) -> Step<Answer> {
        self.send(&Command::new(CERTIFICATES).data(field).le(LE_SHORT))
    }

    /// The certificates of a key, if the card has any.
    ///
    /// # Errors
    /// [`Stop::Fail`] when the answer is neither some bytes nor that there are none.
    pub fn certificates(&mut self, key: OwnKey) -> Step<Option<Vec<u8>>> {
        let what = "GET DATA, certificates";
        let answer = self.certificates_answer(&certificates_of(key.reference()))?;
        if answer.sw == Sw::NOT_FOUND {
            return answer.want_bare(Sw::NOT_FOUND, what).map(|()| None);
        }
        let data = answer.want(Sw::OK, what)?;
        require!(!data.is_empty(), "{what}: the answer is empty");
        Ok(Some(data))
    }

    /// The certificates of both keys must be these, or there must be none.
    pub fn expect_certificates(&mut self, chains: Option<&[Vec<u8>; 2]>, when: &str) -> Step<()> {
        for (position, key) in OwnKey::BOTH.into_iter().enumerate() {
            let expected = chains.map(|chains| &chains[position]);
            let found = self.certificates(key).at(|| when.to_owned())?;
            require!(
                found.as_ref() == expected,
                "{when}: the certificates of the key {key:?} are {} instead of {}",
                told(found.as_ref()),
                told(expected)
            );
            // They are the manufacturer's, to the byte.
            if let Some(bytes) = found {
                self.recorder.borrow_mut().leaks.predicted(&bytes);
            }
        }
        Ok(())
    }

    /// The certificates of both keys of a card whose personalisation has ended.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when it has only those of one.
    pub fn chains(&mut self) -> Step<Option<[Vec<u8>; 2]>> {
        let [identity, agreement] = OwnKey::BOTH;
        let both = (
            self.certificates(identity).preamble()?,
            self.certificates(agreement).preamble()?,
        );
        match both {
            (Some(identity), Some(agreement)) => Ok(Some([identity, agreement])),
            (None, None) => Ok(None),
            _ => Err(Stop::Inconclusive(
                "the card has certificates for one of its keys only".to_owned(),
            )),
        }
    }
}

fn told(bytes: Option<&Vec<u8>>) -> String {
    bytes.map_or_else(
        || "none".to_owned(),
        |bytes| format!("{} bytes", bytes.len()),
    )
}
