//! ISSUE (`docs/protocol.md`, section 3.2).

use super::{Apdu, Point, XOnlyKey, expect_length, expect_parameters};
use crate::pin::{BLOCK_LENGTH, PinBlock};
use crate::status::{self, Status};
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// The most that can ever exist, in sat.
pub const MAX_MONEY: u64 = 2_100_000_000_000_000;
/// The lowest fee rate of any payment, in sat/kvB: Bitcoin Core's
/// `-minrelaytxfee` since 30.0.
pub const MIN_FEE_RATE: u32 = 100;

/// The chain that a card is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Real money.
    Mainnet,
    /// Testnet.
    Testnet,
    /// Signet.
    Signet,
    /// A private chain for tests.
    Regtest,
}

impl Network {
    /// The byte that stands for it in the protocol.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Mainnet => 0,
            Self::Testnet => 1,
            Self::Signet => 2,
            Self::Regtest => 3,
        }
    }

    /// The network that a byte stands for.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Mainnet,
            1 => Self::Testnet,
            2 => Self::Signet,
            3 => Self::Regtest,
            _ => return None,
        })
    }
}

/// What the owner allows in shops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Highest amount of one payment, in sat.
    pub per_payment: u64,
    /// Highest sum of amounts and fees of all payments, in sat.
    pub cumulative: u64,
    /// Highest fee of one payment, in sat.
    pub fee_cap: u64,
    /// Highest fee rate, in sat/kvB.
    pub max_fee_rate: u32,
}

impl Limits {
    pub(crate) const LENGTH: usize = 28;

    /// Reads the 28 bytes, unchecked.
    pub(crate) fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Self {
        let amount = |at: usize| {
            let mut amount = [0; 8];
            amount.copy_from_slice(&bytes[at..at + 8]);
            u64::from_be_bytes(amount)
        };
        Self {
            per_payment: amount(0),
            cumulative: amount(8),
            fee_cap: amount(16),
            max_fee_rate: u32::from_be_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]),
        }
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.per_payment.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.cumulative.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.fee_cap.to_be_bytes());
        bytes[24..].copy_from_slice(&self.max_fee_rate.to_be_bytes());
        bytes
    }

    fn is_possible(&self) -> bool {
        [self.per_payment, self.cumulative, self.fee_cap]
            .iter()
            .all(|amount| *amount <= MAX_MONEY)
            && self.max_fee_rate >= MIN_FEE_RATE
    }
}

/// Everything that makes a factory card an owner's.
///
/// Whether keys are on the curve, and PIN, limits and network are possible, is
/// checked by the card when it executes the command, since a failure there ends
/// the key generation (`[ISS-2]`).
pub struct Issue<'a> {
    network: u8,
    /// The host's share `h` of the account key, a number below the curve's order.
    pub host_share: &'a [u8; 32],
    /// The owner's key, which authorises owner commands.
    pub owner_key: &'a XOnlyKey,
    /// The primary wallet's leaf key.
    pub leaf_key: &'a XOnlyKey,
    pin_block: &'a [u8; BLOCK_LENGTH],
    limits: Limits,
}

impl<'a> Issue<'a> {
    pub(super) const CODE: [u8; 2] = [0x80, 0x10];
    const DATA_LENGTH: usize = 145;

    /// A command to be sent.
    pub fn new(
        network: Network,
        host_share: &'a [u8; 32],
        owner_key: &'a XOnlyKey,
        leaf_key: &'a XOnlyKey,
        pin: &'a PinBlock,
        limits: Limits,
    ) -> Self {
        Self {
            network: network.to_byte(),
            host_share,
            owner_key,
            leaf_key,
            pin_block: pin.as_bytes(),
            limits,
        }
    }

    pub(super) fn parse(parameters: [u8; 2], data: &'a [u8]) -> Result<Self, Status> {
        expect_parameters(parameters, [0, 0])?;
        expect_length(data, Self::DATA_LENGTH..=Self::DATA_LENGTH)?;
        let mut objects = Objects::new(data);
        let issue = Self {
            network: objects.fixed::<1>(0x80)?[0],
            host_share: objects.fixed(0x81)?,
            owner_key: objects.fixed(0x82)?,
            leaf_key: objects.fixed(0x83)?,
            pin_block: objects.fixed(0x84)?,
            limits: Limits::from_bytes(objects.fixed(0x85)?),
        };
        objects.end()?;
        Ok(issue)
    }

    /// The network, when the byte stands for one.
    ///
    /// # Errors
    /// `6A80`
    pub fn network(&self) -> Result<Network, Status> {
        Network::from_byte(self.network).ok_or(status::INCORRECT_DATA)
    }

    /// The PIN, when its block is well formed.
    ///
    /// # Errors
    /// `6A80`
    pub fn pin(&self) -> Result<PinBlock, Status> {
        PinBlock::from_bytes(self.pin_block).ok_or(status::INCORRECT_DATA)
    }

    /// The limits, when they are possible.
    ///
    /// # Errors
    /// `6A80`
    pub fn limits(&self) -> Result<Limits, Status> {
        if self.limits.is_possible() {
            Ok(self.limits)
        } else {
            Err(status::INCORRECT_DATA)
        }
    }

    /// The command in bytes.
    pub fn to_apdu(&self) -> Apdu {
        let [cla, ins] = Self::CODE;
        Apdu::build([cla, ins, 0, 0], true, |out| {
            tlv::put(out, 0x80, &[self.network])?;
            tlv::put(out, 0x81, self.host_share)?;
            tlv::put(out, 0x82, self.owner_key)?;
            tlv::put(out, 0x83, self.leaf_key)?;
            tlv::put(out, 0x84, self.pin_block)?;
            tlv::put(out, 0x85, &self.limits.to_bytes())
        })
        .expect("145 bytes fit")
    }
}

/// The answer to ISSUE: the account, to be checked against the commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// `P = C + h·G`
    pub public_key: Point,
    /// `TH("Tillcard/chaincode", C ‖ h)`
    pub chain_code: [u8; 32],
}

impl Issued {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let issued = Self {
            public_key: *objects.fixed(0x80)?,
            chain_code: *objects.fixed(0x81)?,
        };
        objects.end()?;
        Ok(issued)
    }

    pub(crate) fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &self.public_key)?;
        tlv::put(out, 0x81, &self.chain_code)
    }
}
