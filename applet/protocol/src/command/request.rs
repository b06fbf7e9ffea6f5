//! Payment requests: PREVIEW and PAY (`docs/protocol.md`, sections 7.2 and 7.3).

use super::apdu::{Apdu, Header};
use super::place::put_outpoints;
use super::place::{Outpoint, Outpoints};
use super::types::{expect_length, expect_parameters};
use crate::hash::{self, Hash};
use crate::status::Status;
use crate::tlv::{self, Malformed, Objects, Overflow};
use core::convert::Infallible;
use heapless::VecView;
use sha2::{Digest, Sha256};

/// Bytes of a payment identity.
pub const IDENTITY_LENGTH: usize = 16;
/// Most bytes of a merchant's name.
pub const MERCHANT_MAX: usize = 32;

/// Which coins a payment may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Coins that the owner entered, and the change of those.
    Rooted,
    /// Credits, and the change of those.
    Unrooted,
}

impl Source {
    /// The byte that stands for it in the protocol.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Rooted => 0,
            Self::Unrooted => 1,
        }
    }

    /// The source that a byte stands for.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Rooted),
            1 => Some(Self::Unrooted),
            _ => None,
        }
    }
}

/// What a terminal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentRequest<'a> {
    /// Amount to the payee, in sat.
    pub amount: u64,
    /// Fee rate, in sat/kvB.
    pub fee_rate: u32,
    /// The payee's scriptPubKey.
    pub payee_script: &'a [u8],
    /// Which coins are spent.
    pub source: Source,
    /// Chosen at random by the till, for this payment.
    pub identity: [u8; IDENTITY_LENGTH],
    /// The merchant, as claimed by the terminal: UTF-8, at most
    /// [`MERCHANT_MAX`] bytes; see [`super::merchant`].
    pub merchant: &'a [u8],
    /// The invoice hash, as claimed by the terminal.
    pub invoice: Option<&'a [u8; 32]>,
}

const SCRIPT_LENGTHS: core::ops::RangeInclusive<usize> = 22..=42;
/// Length of the data field without script, merchant and invoice hash.
const FIXED_LENGTH: usize = 10 + 6 + 2 + 3 + (2 + IDENTITY_LENGTH) + 2 + 2;

impl<'a> PaymentRequest<'a> {
    pub(super) fn parse(data: &'a [u8]) -> Result<Self, Status> {
        expect_length(
            data,
            FIXED_LENGTH + SCRIPT_LENGTHS.start()
                ..=FIXED_LENGTH + SCRIPT_LENGTHS.end() + MERCHANT_MAX + 32,
        )?;
        Ok(Self::take(data)?)
    }

    fn take(data: &'a [u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(data);
        let request = Self {
            amount: objects.u64(0x80)?,
            fee_rate: objects.u32(0x81)?,
            payee_script: objects.next(0x82)?,
            source: Source::from_byte(objects.fixed::<1>(0x83)?[0]).ok_or(Malformed)?,
            identity: *objects.fixed(0x84)?,
            merchant: objects.next(0x85)?,
            invoice: optional_hash(objects.next(0x86)?)?,
        };
        objects.end()?;
        if SCRIPT_LENGTHS.contains(&request.payee_script.len())
            && request.merchant.len() <= MERCHANT_MAX
        {
            Ok(request)
        } else {
            Err(Malformed)
        }
    }

    /// SHA-256 of the data field. Since a request has one encoding only, two with
    /// the same digest are byte for byte the same.
    pub fn digest(&self) -> Hash {
        let mut hash = Sha256::new();
        let Ok(()) = self.objects(|tag, value| {
            // No object of a request that a card takes has 128 bytes.
            hash.update([tag, value.len() as u8]);
            hash.update(value);
            Ok::<_, Infallible>(())
        });
        hash::finish(hash)
    }

    fn objects<E>(&self, mut put: impl FnMut(u8, &[u8]) -> Result<(), E>) -> Result<(), E> {
        put(0x80, &self.amount.to_be_bytes())?;
        put(0x81, &self.fee_rate.to_be_bytes())?;
        put(0x82, self.payee_script)?;
        put(0x83, &[self.source.to_byte()])?;
        put(0x84, &self.identity)?;
        put(0x85, self.merchant)?;
        put(0x86, self.invoice.map_or(&[][..], |hash| hash))
    }

    fn to_apdu(self, header: Header) -> Result<Apdu, Overflow> {
        Apdu::build(header, true, |out| {
            self.objects(|tag, value| tlv::put(out, tag, value))
        })
    }
}

/// A hash, or nothing.
pub(super) fn optional_hash(bytes: &[u8]) -> Result<Option<&[u8; 32]>, Malformed> {
    match bytes {
        [] => Ok(None),
        hash => hash.try_into().map(Some).map_err(|_| Malformed),
    }
}

/// PREVIEW: what would PAY pay?
pub struct Preview;

impl Preview {
    pub(super) const CODE: [u8; 2] = [0x80, 0x32];

    pub(super) fn parse(parameters: [u8; 2], data: &[u8]) -> Result<PaymentRequest<'_>, Status> {
        expect_parameters(parameters, [0, 0])?;
        PaymentRequest::parse(data)
    }

    /// The command in bytes.
    ///
    /// # Errors
    /// [`Overflow`] when script or merchant are too long for any command.
    pub fn to_apdu(request: PaymentRequest<'_>) -> Result<Apdu, Overflow> {
        let [cla, ins] = Self::CODE;
        request.to_apdu([cla, ins, 0, 0])
    }
}

/// PAY: have the card write and sign the payment.
pub struct Pay;

impl Pay {
    pub(super) const CODE: [u8; 2] = [0x80, 0x30];

    pub(super) fn parse(parameters: [u8; 2], data: &[u8]) -> Result<PaymentRequest<'_>, Status> {
        expect_parameters(parameters, [0, 0])?;
        PaymentRequest::parse(data)
    }

    /// The command in bytes.
    ///
    /// # Errors
    /// [`Overflow`] when script or merchant are too long for any command.
    pub fn to_apdu(request: PaymentRequest<'_>) -> Result<Apdu, Overflow> {
        let [cla, ins] = Self::CODE;
        request.to_apdu([cla, ins, 0, 0])
    }
}

/// PAY, again only: have the card give a payment again that it wrote before, and
/// write none.
pub struct PayAgain;

impl PayAgain {
    pub(super) const PARAMETERS: [u8; 2] = [0x01, 0x00];

    /// The command in bytes.
    ///
    /// # Errors
    /// [`Overflow`] when script or merchant are too long for any command.
    pub fn to_apdu(request: PaymentRequest<'_>) -> Result<Apdu, Overflow> {
        let ([cla, ins], [p1, p2]) = (Pay::CODE, Self::PARAMETERS);
        request.to_apdu([cla, ins, p1, p2])
    }
}

/// The answer to PREVIEW.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previewed<O> {
    /// Amount to the payee, in sat.
    pub amount: u64,
    /// Fee, in sat.
    pub fee: u64,
    /// Change, in sat; 0 when there is none.
    pub change: u64,
    /// The coins that the payment would spend, in the order of its inputs.
    pub outpoints: O,
}

impl<'a> Previewed<Outpoints<'a>> {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let previewed = Self {
            amount: objects.u64(0x80)?,
            fee: objects.u64(0x81)?,
            change: objects.u64(0x82)?,
            outpoints: Outpoints::new(objects.next(0x83)?).ok_or(Malformed)?,
        };
        objects.end()?;
        Ok(previewed)
    }
}

impl<O: ExactSizeIterator<Item = Outpoint>> Previewed<O> {
    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &self.amount.to_be_bytes())?;
        tlv::put(out, 0x81, &self.fee.to_be_bytes())?;
        tlv::put(out, 0x82, &self.change.to_be_bytes())?;
        put_outpoints(out, 0x83, self.outpoints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn data(apdu: &Apdu) -> &[u8] {
        let bytes = apdu.as_bytes();
        &bytes[5..bytes.len() - 1]
    }

    const REQUEST: PaymentRequest<'_> = PaymentRequest {
        amount: 1,
        fee_rate: 2,
        payee_script: &[3; 22],
        source: Source::Rooted,
        identity: [4; 16],
        merchant: b"Corner shop",
        invoice: None,
    };

    #[test]
    fn lengths_that_no_request_has() {
        let apdu = Pay::to_apdu(PaymentRequest {
            payee_script: &[0; 42],
            merchant: &[0x61; 32],
            invoice: Some(&[5; 32]),
            ..REQUEST
        })
        .unwrap();
        let longest = data(&apdu);
        assert!(Pay::parse([0, 0], longest).is_ok());
        let longer = [longest, &[0]].concat();
        let apdu = Pay::to_apdu(PaymentRequest {
            merchant: b"",
            ..REQUEST
        })
        .unwrap();
        let shortest = data(&apdu);
        assert!(Pay::parse([0, 0], shortest).is_ok());
        for wrong in [&longer, &shortest[1..]] {
            assert_eq!(Pay::parse([0, 0], wrong), Err(status::WRONG_LENGTH));
        }
    }

    #[test]
    fn objects_of_other_lengths() {
        for wrong in [
            PaymentRequest {
                payee_script: &[0; 21],
                ..REQUEST
            },
            PaymentRequest {
                payee_script: &[0; 43],
                ..REQUEST
            },
            PaymentRequest {
                merchant: &[0x61; 33],
                ..REQUEST
            },
        ] {
            let apdu = Preview::to_apdu(wrong).unwrap();
            assert_eq!(
                Preview::parse([0, 0], data(&apdu)),
                Err(status::INCORRECT_DATA)
            );
        }
    }

    #[test]
    fn unknown_source() {
        let apdu = Pay::to_apdu(REQUEST).unwrap();
        let mut data = data(&apdu).to_vec();
        let at = 10 + 6 + 24 + 2;
        assert_eq!(data[at - 2..at], [0x83, 1]);
        data[at] = 2;
        assert_eq!(Pay::parse([0, 0], &data), Err(status::INCORRECT_DATA));
    }

    proptest! {
        #[test]
        fn requests_read_back(
            amount: u64,
            fee_rate: u32,
            payee_script in proptest::collection::vec(any::<u8>(), 22..=42),
            unrooted: bool,
            identity: [u8; 16],
            merchant in proptest::collection::vec(any::<u8>(), 0..=32),
            invoice: Option<[u8; 32]>,
        ) {
            let request = PaymentRequest {
                amount,
                fee_rate,
                payee_script: &payee_script,
                source: if unrooted { Source::Unrooted } else { Source::Rooted },
                identity,
                merchant: &merchant,
                invoice: invoice.as_ref(),
            };
            let apdu = Pay::to_apdu(request).unwrap();
            prop_assert_eq!(Pay::parse([0, 0], data(&apdu)), Ok(request));
            prop_assert_eq!(request.digest(), hash::sha256(&[data(&apdu)]));
        }

        #[test]
        fn previews_read_back(
            amount: u64,
            fee: u64,
            change: u64,
            outpoints in proptest::collection::vec((any::<[u8; 32]>(), any::<u32>()), 1..=16),
        ) {
            let outpoints: Vec<_> =
                outpoints.into_iter().map(|(txid, vout)| Outpoint { txid, vout }).collect();
            let mut bytes = heapless::Vec::<u8, 700>::new();
            let previewed = Previewed { amount, fee, change, outpoints: outpoints.iter().copied() };
            previewed.write(&mut bytes).unwrap();
            let read = Previewed::parse(&bytes).unwrap();
            prop_assert_eq!((read.amount, read.fee, read.change), (amount, fee, change));
            prop_assert_eq!(read.outpoints.collect::<Vec<_>>(), outpoints);
        }
    }
}
