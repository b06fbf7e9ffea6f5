//! READ LOG, ACKNOWLEDGE LOG, RESOLVE (`docs/protocol.md`, sections 8.1, 8.2
//! and 8.5).

use super::apdu::Header;
use super::place::put_outpoints;
use super::place::{Outpoint, Outpoints};
use super::request::optional_hash;
use super::request::{IDENTITY_LENGTH, MERCHANT_MAX};
use super::signed::body;
use super::signed::{Body, OwnerCommand};
use super::types::Txid;
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// READ LOG of the payment with this number. Answered by a
/// [`LoggedPayment`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLog(pub u32);

impl ReadLog {
    pub(super) const CODE: [u8; 2] = [0x80, 0x42];
}

impl OwnerCommand for ReadLog {
    const HEADER: Header = [0x80, 0x42, 0x00, 0x00];
    const BODY_LENGTH: usize = NUMBER_LENGTH;
    const ANSWERED: bool = true;

    fn body(&self) -> Body {
        number_body(self.0)
    }

    fn parse_body(body: &[u8]) -> Result<Self, Malformed> {
        parse_number(body).map(Self)
    }
}

/// RESOLVE: a transaction that conflicts with the payment of this
/// number is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolve(pub u32);

impl Resolve {
    pub(super) const CODE: [u8; 2] = [0x80, 0x4A];
}

impl OwnerCommand for Resolve {
    const HEADER: Header = [0x80, 0x4A, 0x00, 0x00];
    const BODY_LENGTH: usize = NUMBER_LENGTH;
    const ANSWERED: bool = false;

    fn body(&self) -> Body {
        number_body(self.0)
    }

    fn parse_body(body: &[u8]) -> Result<Self, Malformed> {
        parse_number(body).map(Self)
    }
}

const NUMBER_LENGTH: usize = 2 + 4;

fn number_body(number: u32) -> Body {
    body([(0x80, &number.to_be_bytes())])
}

fn parse_number(body: &[u8]) -> Result<u32, Malformed> {
    let mut objects = Objects::new(body);
    let number = objects.u32(0x80)?;
    objects.end()?;
    Ok(number)
}

/// ACKNOWLEDGE LOG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcknowledgeLog {
    /// The owner has read all payments below this number.
    pub seen: u32,
    /// He knows those below this one to be final.
    pub settled: u32,
}

impl AcknowledgeLog {
    pub(super) const CODE: [u8; 2] = [0x80, 0x44];
}

impl OwnerCommand for AcknowledgeLog {
    const HEADER: Header = [0x80, 0x44, 0x00, 0x00];
    const BODY_LENGTH: usize = 2 * NUMBER_LENGTH;
    const ANSWERED: bool = false;

    fn body(&self) -> Body {
        body([
            (0x80, &self.seen.to_be_bytes()),
            (0x81, &self.settled.to_be_bytes()),
        ])
    }

    fn parse_body(body: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(body);
        let acknowledged = Self {
            seen: objects.u32(0x80)?,
            settled: objects.u32(0x81)?,
        };
        objects.end()?;
        Ok(acknowledged)
    }
}

/// Whether a payment may still come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// It may, or has.
    Standing,
    /// The owner reported that it never will.
    Cancelled,
}

impl PaymentState {
    /// The byte that stands for it in the protocol.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Standing => 0,
            Self::Cancelled => 1,
        }
    }

    /// The state that a byte stands for.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Standing),
            1 => Some(Self::Cancelled),
            _ => None,
        }
    }
}

/// Who allowed a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// The holder, by the PIN.
    Pin,
    /// Nobody: the owner's limits without PIN did.
    None,
}

impl Authority {
    /// The byte that stands for it in the protocol.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Pin => 0,
            Self::None => 1,
        }
    }

    /// The authority that a byte stands for.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Pin),
            1 => Some(Self::None),
            _ => None,
        }
    }
}

/// The answer to READ LOG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedPayment<'a, O> {
    /// The payment number: the card counts its payments from 0.
    pub number: u32,
    /// Whether it may still come to be.
    pub state: PaymentState,
    /// The payment's txid.
    pub txid: Txid,
    /// The payee's scriptPubKey.
    pub payee_script: &'a [u8],
    /// Amount to the payee, in sat.
    pub amount: u64,
    /// Fee, in sat.
    pub fee: u64,
    /// Change, in sat; 0 when there is none.
    pub change: u64,
    /// Fee rate of the request, in sat/kvB.
    pub fee_rate: u32,
    /// Who allowed it.
    pub authority: Authority,
    /// The payment identity.
    pub identity: [u8; IDENTITY_LENGTH],
    /// The merchant, claimed by the terminal: UTF-8.
    pub merchant: &'a [u8],
    /// The invoice hash, claimed by the terminal.
    pub invoice: Option<&'a [u8; 32]>,
    /// The coins spent, in the order of the inputs.
    pub outpoints: O,
    /// How often the transaction was given again to a till that lost it.
    pub given_again: u8,
    /// How often it was given as an ancestor of a coin offered.
    pub given_as_ancestor: u8,
}

impl<'a> LoggedPayment<'a, Outpoints<'a>> {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let byte = |objects: &mut Objects<'a>, tag| objects.fixed::<1>(tag).map(|byte| byte[0]);
        let mut payment = Self {
            number: objects.u32(0x80)?,
            state: PaymentState::from_byte(byte(&mut objects, 0x81)?).ok_or(Malformed)?,
            txid: *objects.fixed(0x82)?,
            payee_script: objects.next(0x83)?,
            amount: objects.u64(0x84)?,
            fee: objects.u64(0x85)?,
            change: objects.u64(0x86)?,
            fee_rate: objects.u32(0x87)?,
            authority: Authority::from_byte(byte(&mut objects, 0x88)?).ok_or(Malformed)?,
            identity: *objects.fixed(0x89)?,
            merchant: objects.next(0x8A)?,
            invoice: optional_hash(objects.next(0x8B)?)?,
            outpoints: Outpoints::new(objects.next(0x8C)?).ok_or(Malformed)?,
            given_again: 0,
            given_as_ancestor: 0,
        };
        [payment.given_again, payment.given_as_ancestor] = *objects.fixed(0x8D)?;
        objects.end()?;
        if (22..=34).contains(&payment.payee_script.len()) && payment.merchant.len() <= MERCHANT_MAX
        {
            Ok(payment)
        } else {
            Err(Malformed)
        }
    }
}

impl<O: ExactSizeIterator<Item = Outpoint>> LoggedPayment<'_, O> {
    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &self.number.to_be_bytes())?;
        tlv::put(out, 0x81, &[self.state.to_byte()])?;
        tlv::put(out, 0x82, &self.txid)?;
        tlv::put(out, 0x83, self.payee_script)?;
        tlv::put(out, 0x84, &self.amount.to_be_bytes())?;
        tlv::put(out, 0x85, &self.fee.to_be_bytes())?;
        tlv::put(out, 0x86, &self.change.to_be_bytes())?;
        tlv::put(out, 0x87, &self.fee_rate.to_be_bytes())?;
        tlv::put(out, 0x88, &[self.authority.to_byte()])?;
        tlv::put(out, 0x89, &self.identity)?;
        tlv::put(out, 0x8A, self.merchant)?;
        tlv::put(out, 0x8B, self.invoice.map_or(&[][..], |hash| hash))?;
        put_outpoints(out, 0x8C, self.outpoints)?;
        tlv::put(out, 0x8D, &[self.given_again, self.given_as_ancestor])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn payments_read_back(
            numbers: [u32; 2],
            amounts: [u64; 3],
            choices: [bool; 2],
            txid: [u8; 32],
            identity: [u8; 16],
            payee_script in proptest::collection::vec(any::<u8>(), 22..=34),
            merchant in proptest::collection::vec(any::<u8>(), 0..=32),
            invoice: Option<[u8; 32]>,
            given: [u8; 2],
            outpoints in proptest::collection::vec((any::<[u8; 32]>(), any::<u32>()), 1..=16),
        ) {
            let outpoints: Vec<_> =
                outpoints.into_iter().map(|(txid, vout)| Outpoint { txid, vout }).collect();
            let payment = LoggedPayment {
                number: numbers[0],
                state: PaymentState::from_byte(choices[0].into()).unwrap(),
                txid,
                payee_script: &payee_script,
                amount: amounts[0],
                fee: amounts[1],
                change: amounts[2],
                fee_rate: numbers[1],
                authority: Authority::from_byte(choices[1].into()).unwrap(),
                identity,
                merchant: &merchant,
                invoice: invoice.as_ref(),
                outpoints: outpoints.iter().copied(),
                given_again: given[0],
                given_as_ancestor: given[1],
            };
            let mut bytes = heapless::Vec::<u8, 2048>::new();
            payment.write(&mut bytes).unwrap();
            let read = LoggedPayment::parse(&bytes).unwrap();
            prop_assert_eq!(read.outpoints.clone().collect::<Vec<_>>(), outpoints);
            let mut again = heapless::Vec::<u8, 2048>::new();
            read.write(&mut again).unwrap();
            prop_assert_eq!(again, bytes);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = LoggedPayment::parse(&bytes);
        }
    }
}
