//! PAYMENT STATE (`docs/protocol.md`, section 7.9).

use super::apdu::Apdu;
use super::request::IDENTITY_LENGTH;
use super::types::{Txid, expect_length, expect_parameters};
use crate::status::Status;
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// Asks what the card knows of the payment with this identity. Answered by a
/// [`KnownPayment`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskPaymentState(pub [u8; IDENTITY_LENGTH]);

impl AskPaymentState {
    pub(super) const CODE: [u8; 2] = [0x80, 0x38];
    const LENGTH: usize = 2 + IDENTITY_LENGTH;

    pub(super) fn parse(parameters: [u8; 2], data: &[u8]) -> Result<Self, Status> {
        expect_parameters(parameters, [0, 0])?;
        expect_length(data, Self::LENGTH..=Self::LENGTH)?;
        let mut objects = Objects::new(data);
        let ask = Self(*objects.fixed(0x80)?);
        objects.end()?;
        Ok(ask)
    }

    /// The command in bytes.
    pub fn to_apdu(self) -> Apdu {
        let [cla, ins] = Self::CODE;
        Apdu::build([cla, ins, 0, 0], true, |out| tlv::put(out, 0x80, &self.0))
            .expect("18 bytes fit")
    }
}

/// What a card knows of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownPayment {
    /// It keeps none of that identity.
    Unknown,
    /// It wrote this transaction, and gives it again.
    Kept(Txid),
    /// It wrote this transaction; its owner reported that a conflicting one is
    /// confirmed.
    Cancelled(Txid),
}

impl KnownPayment {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let state = objects.fixed::<1>(0x80)?[0];
        let txid = objects.next(0x81)?;
        objects.end()?;
        let of = |make: fn(Txid) -> Self| txid.try_into().map(make).map_err(|_| Malformed);
        match state {
            0 if txid.is_empty() => Ok(Self::Unknown),
            1 => of(Self::Kept),
            2 => of(Self::Cancelled),
            _ => Err(Malformed),
        }
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        let (state, txid): (u8, &[u8]) = match self {
            Self::Unknown => (0, &[]),
            Self::Kept(txid) => (1, txid),
            Self::Cancelled(txid) => (2, txid),
        };
        tlv::put(out, 0x80, &[state])?;
        tlv::put(out, 0x81, txid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status;

    #[test]
    fn questions_read_back() {
        let ask = AskPaymentState([7; IDENTITY_LENGTH]);
        let apdu = ask.to_apdu();
        let bytes = apdu.as_bytes();
        let data = &bytes[5..bytes.len() - 1];
        assert_eq!(AskPaymentState::parse([0, 0], data), Ok(ask));
        assert_eq!(
            AskPaymentState::parse([0, 0], &data[1..]),
            Err(status::WRONG_LENGTH)
        );
        let mut other_tag = data.to_vec();
        other_tag[0] = 0x81;
        assert_eq!(
            AskPaymentState::parse([0, 0], &other_tag),
            Err(status::INCORRECT_DATA)
        );
    }

    #[test]
    fn answers_read_back_and_no_others() {
        for known in [
            KnownPayment::Unknown,
            KnownPayment::Kept([1; 32]),
            KnownPayment::Cancelled([2; 32]),
        ] {
            let mut bytes = heapless::Vec::<u8, 40>::new();
            known.write(&mut bytes).unwrap();
            assert_eq!(KnownPayment::parse(&bytes), Ok(known));
            bytes[2] = 3;
            assert_eq!(KnownPayment::parse(&bytes), Err(Malformed));
        }
        assert_eq!(KnownPayment::parse(&[0x80, 1, 1, 0x81, 0]), Err(Malformed));
    }
}
