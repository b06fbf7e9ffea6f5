//! Limits, SET LIMITS and READ LIMITS (`docs/protocol.md`, sections 7.1, 8.3 and
//! 8.6).

use super::apdu::Header;
use super::policy::Policy;
use super::signed::{Body, OwnerCommand};
use super::signed::{body, empty_body};
use crate::status::{self, Status};
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// The most that can ever exist, in sat.
pub const MAX_MONEY: u64 = 2_100_000_000_000_000;
/// The lowest fee rate of any payment, in sat/kvB: Bitcoin Core's
/// `-minrelaytxfee` since 30.0.
pub const MIN_FEE_RATE: u32 = 100;
/// The smallest amount of a coin that enters, in sat: Bitcoin Core's dust
/// threshold of a P2TR output at 3000 sat/kvB.
pub const MIN_COIN: u32 = 330;

/// What the owner allows in shops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Highest amount of one payment, in sat.
    pub per_payment: u64,
    /// Highest sum of amounts and fees of all payments, in sat.
    pub cumulative: u64,
    /// Highest number of payments.
    pub payments: u16,
    /// Highest fee of one payment, in sat.
    pub fee_cap: u64,
    /// Least fee rate, in sat/kvB.
    pub least_fee_rate: u32,
    /// Highest fee rate, in sat/kvB.
    pub highest_fee_rate: u32,
    /// Smallest amount of a coin that enters, in sat.
    pub least_coin: u32,
    /// Highest amount of a payment without PIN, in sat; 0 when there are none.
    pub without_pin_amount: u64,
    /// Highest number of payments without PIN.
    pub without_pin_payments: u16,
}

impl Limits {
    /// Bytes of the data object's value.
    pub const LENGTH: usize = 48;

    /// Reads the bytes, unchecked.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Self {
        fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
            let (first, rest) = bytes.split_first_chunk().expect("the lengths add up");
            *bytes = rest;
            *first
        }
        let rest = &mut &bytes[..];
        Self {
            per_payment: u64::from_be_bytes(take(rest)),
            cumulative: u64::from_be_bytes(take(rest)),
            payments: u16::from_be_bytes(take(rest)),
            fee_cap: u64::from_be_bytes(take(rest)),
            least_fee_rate: u32::from_be_bytes(take(rest)),
            highest_fee_rate: u32::from_be_bytes(take(rest)),
            least_coin: u32::from_be_bytes(take(rest)),
            without_pin_amount: u64::from_be_bytes(take(rest)),
            without_pin_payments: u16::from_be_bytes(take(rest)),
        }
    }

    /// The value of the data object.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let mut rest = &mut bytes[..];
        for piece in [
            &self.per_payment.to_be_bytes()[..],
            &self.cumulative.to_be_bytes(),
            &self.payments.to_be_bytes(),
            &self.fee_cap.to_be_bytes(),
            &self.least_fee_rate.to_be_bytes(),
            &self.highest_fee_rate.to_be_bytes(),
            &self.least_coin.to_be_bytes(),
            &self.without_pin_amount.to_be_bytes(),
            &self.without_pin_payments.to_be_bytes(),
        ] {
            let (place, behind) = rest.split_at_mut(piece.len());
            place.copy_from_slice(piece);
            rest = behind;
        }
        bytes
    }

    /// The limits, when a card takes them (`[LIM-1]`).
    ///
    /// # Errors
    /// `6A80`
    pub fn validate(self) -> Result<Self, Status> {
        let amounts = [
            self.per_payment,
            self.cumulative,
            self.fee_cap,
            self.without_pin_amount,
        ];
        if amounts.iter().all(|amount| *amount <= MAX_MONEY)
            && self.least_fee_rate >= MIN_FEE_RATE
            && self.least_fee_rate <= self.highest_fee_rate
            && self.least_coin >= MIN_COIN
        {
            Ok(self)
        } else {
            Err(status::INCORRECT_DATA)
        }
    }
}

/// SET LIMITS; the limits are unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetLimits(pub Limits);

impl SetLimits {
    pub(super) const CODE: [u8; 2] = [0x80, 0x46];
}

impl OwnerCommand for SetLimits {
    const HEADER: Header = [0x80, 0x46, 0x00, 0x00];
    const BODY_LENGTH: usize = 2 + Limits::LENGTH;
    const ANSWERED: bool = false;

    fn body(&self) -> Body {
        body([(TAG, &self.0.to_bytes())])
    }

    fn parse_body(body: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(body);
        let limits = Limits::from_bytes(objects.fixed(TAG)?);
        objects.end()?;
        Ok(Self(limits))
    }
}

const TAG: u8 = 0x85;

empty_body!(
    /// READ LIMITS. Answered by a [`LimitsAnswer`].
    ReadLimits = [0x80, 0x4E, 0x00, 0x00],
    answered: true
);

impl ReadLimits {
    pub(super) const CODE: [u8; 2] = [0x80, 0x4E];
}

/// What the owner allows at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsAnswer {
    /// The limits that he set last.
    pub limits: Limits,
    /// The policy that he set last.
    pub policy: Policy,
}

impl LimitsAnswer {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let read = Self {
            limits: Limits::from_bytes(objects.fixed(TAG)?),
            policy: Policy::take(&mut objects, 0x86)?,
        };
        objects.end()?;
        Ok(read)
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, TAG, &self.limits.to_bytes())?;
        tlv::put(out, 0x86, &[self.policy.to_byte()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POSSIBLE: Limits = Limits {
        per_payment: MAX_MONEY,
        cumulative: MAX_MONEY,
        payments: u16::MAX,
        fee_cap: MAX_MONEY,
        least_fee_rate: MIN_FEE_RATE,
        highest_fee_rate: MIN_FEE_RATE,
        least_coin: MIN_COIN,
        without_pin_amount: MAX_MONEY,
        without_pin_payments: u16::MAX,
    };

    #[test]
    fn bounds() {
        assert_eq!(POSSIBLE.validate(), Ok(POSSIBLE));
        let over = MAX_MONEY + 1;
        for limits in [
            Limits {
                per_payment: over,
                ..POSSIBLE
            },
            Limits {
                cumulative: over,
                ..POSSIBLE
            },
            Limits {
                fee_cap: over,
                ..POSSIBLE
            },
            Limits {
                without_pin_amount: over,
                ..POSSIBLE
            },
            Limits {
                least_fee_rate: MIN_FEE_RATE - 1,
                ..POSSIBLE
            },
            Limits {
                least_fee_rate: MIN_FEE_RATE + 1,
                ..POSSIBLE
            },
            Limits {
                least_coin: MIN_COIN - 1,
                ..POSSIBLE
            },
        ] {
            assert_eq!(limits.validate(), Err(status::INCORRECT_DATA), "{limits:?}");
        }
    }

    proptest! {
        #[test]
        fn bytes_read_back(head: [u8; 32], tail: [u8; 16]) {
            let mut bytes = [0; Limits::LENGTH];
            bytes[..32].copy_from_slice(&head);
            bytes[32..].copy_from_slice(&tail);
            prop_assert_eq!(Limits::from_bytes(&bytes).to_bytes(), bytes);
        }
    }
}
