//! ISSUE (`docs/protocol.md`, section 3.2).

use super::apdu::Apdu;
use super::leaf::Leaf;
use super::limits::Limits;
use super::network::Network;
use super::policy::Policy;
use super::signed::SIGNATURE_LENGTH;
use super::types::{Point, XOnlyKey, expect_length};
use crate::pin::{BLOCK_LENGTH, PinBlock};
use crate::status::{self, Status};
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// Bytes of salt in an issue record.
pub const SALT_LENGTH: usize = 16;

/// Where a card's account key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// Made by card and host together.
    Made,
    /// Given to the card.
    Imported,
}

impl Provenance {
    /// The byte that stands for it in the protocol.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Made => 0,
            Self::Imported => 1,
        }
    }

    /// The provenance that a byte stands for.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Made),
            1 => Some(Self::Imported),
            _ => None,
        }
    }
}

/// What the host contributes to the account key.
#[derive(Clone, Copy)]
pub enum KeySource<'a> {
    /// The host's share `h`, a number below the curve's order.
    Made(&'a [u8; 32]),
    /// A BIP32 node.
    Imported {
        /// The private key.
        secret: &'a [u8; 32],
        /// The chain code.
        chain_code: &'a [u8; 32],
    },
}

impl<'a> KeySource<'a> {
    /// Which of the two it is.
    pub const fn provenance(&self) -> Provenance {
        match self {
            Self::Made(_) => Provenance::Made,
            Self::Imported { .. } => Provenance::Imported,
        }
    }

    fn parse(provenance: Provenance, objects: &mut Objects<'a>) -> Result<Self, Malformed> {
        Ok(match provenance {
            Provenance::Made => Self::Made(objects.fixed(TAG_KEY)?),
            Provenance::Imported => {
                let node: &[u8; 64] = objects.fixed(TAG_KEY)?;
                let (secret, chain_code) = node.split_first_chunk().ok_or(Malformed)?;
                Self::Imported {
                    secret,
                    chain_code: chain_code.try_into().map_err(|_| Malformed)?,
                }
            }
        })
    }

    fn put(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        match self {
            Self::Made(share) => tlv::put(out, TAG_KEY, *share),
            Self::Imported { secret, chain_code } => {
                tlv::open(out, TAG_KEY, 64)?;
                tlv::append(out, *secret)?;
                tlv::append(out, *chain_code)
            }
        }
    }
}

const TAG_KEY: u8 = 0x81;

/// Everything that makes a factory card an owner's.
///
/// Whether keys are on the curve, and network, leaf, PIN and limits are
/// possible, is checked by the card when it executes the command, since a
/// failure there ends the key generation (`[ISS-2]`).
pub struct Issue<'a> {
    network: u8,
    /// What becomes the account key.
    pub key: KeySource<'a>,
    /// The owner's key, which authorises owner commands.
    pub owner_key: &'a XOnlyKey,
    leaf: [u8; Leaf::LENGTH],
    pin_block: &'a [u8; BLOCK_LENGTH],
    limits: Limits,
    policy: u8,
}

impl<'a> Issue<'a> {
    pub(super) const CODE: [u8; 2] = [0x80, 0x10];
    const MADE_LENGTH: usize = 171;
    const IMPORTED_LENGTH: usize = 203;

    /// A command to be sent.
    pub fn new(
        network: Network,
        key: KeySource<'a>,
        owner_key: &'a XOnlyKey,
        leaf: Leaf,
        pin: &'a PinBlock,
        limits: Limits,
        policy: Policy,
    ) -> Self {
        Self {
            network: network.to_byte(),
            key,
            owner_key,
            leaf: leaf.to_bytes(),
            pin_block: pin.as_bytes(),
            limits,
            policy: policy.to_byte(),
        }
    }

    pub(super) fn parse(parameters: [u8; 2], data: &'a [u8]) -> Result<Self, Status> {
        let [p1, 0] = parameters else {
            return Err(status::INCORRECT_P1_P2);
        };
        let provenance = Provenance::from_byte(p1).ok_or(status::INCORRECT_P1_P2)?;
        let length = match provenance {
            Provenance::Made => Self::MADE_LENGTH,
            Provenance::Imported => Self::IMPORTED_LENGTH,
        };
        expect_length(data, length..=length)?;
        let mut objects = Objects::new(data);
        let issue = Self {
            network: objects.fixed::<1>(0x80)?[0],
            key: KeySource::parse(provenance, &mut objects)?,
            owner_key: objects.fixed(0x82)?,
            leaf: *objects.fixed(0x83)?,
            pin_block: objects.fixed(0x84)?,
            limits: Limits::from_bytes(objects.fixed(0x85)?),
            policy: objects.fixed::<1>(0x86)?[0],
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

    /// The leaf, when it is in the protocol's table for this kind of key.
    ///
    /// # Errors
    /// `6A80`
    pub fn leaf(&self) -> Result<Leaf, Status> {
        match (Leaf::from_bytes(&self.leaf), self.key.provenance()) {
            (Some(Leaf::None), Provenance::Made) | (None, _) => Err(status::INCORRECT_DATA),
            (Some(leaf), _) => Ok(leaf),
        }
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
        self.limits.validate()
    }

    /// The policy, when its bits have a meaning.
    ///
    /// # Errors
    /// `6A80`
    pub fn policy(&self) -> Result<Policy, Status> {
        Policy::from_byte(self.policy).ok_or(status::INCORRECT_DATA)
    }

    /// The command in bytes.
    pub fn to_apdu(&self) -> Apdu {
        let [cla, ins] = Self::CODE;
        Apdu::build(
            [cla, ins, self.key.provenance().to_byte(), 0],
            true,
            |out| {
                tlv::put(out, 0x80, &[self.network])?;
                self.key.put(out)?;
                tlv::put(out, 0x82, self.owner_key)?;
                tlv::put(out, 0x83, &self.leaf)?;
                tlv::put(out, 0x84, self.pin_block)?;
                tlv::put(out, 0x85, &self.limits.to_bytes())?;
                tlv::put(out, 0x86, &[self.policy])
            },
        )
        .expect("203 bytes fit")
    }
}

/// The answer to ISSUE: the account, to be checked against the commitment, and
/// the issue record (see [`crate::owner::IssueRecord`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// `P`; made: `C + h·G`, imported: `a·G`.
    pub public_key: Point,
    /// The chain code; made: `TH("Tillcard/chaincode", C ‖ h)`.
    pub chain_code: [u8; 32],
    /// The card's P-256 key that signs, compressed (SEC 1).
    pub identity_key: Point,
    /// The card's P-256 key that opens channels, compressed (SEC 1).
    pub agreement_key: Point,
    /// Of this card and no other.
    pub salt: [u8; SALT_LENGTH],
    /// r ‖ s of the identity key's ECDSA signature of the issue record.
    pub signature: [u8; SIGNATURE_LENGTH],
}

impl Issued {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let issued = Self::take(&mut objects)?;
        objects.end()?;
        Ok(issued)
    }

    /// Reads it off the front of an answer that goes on.
    pub(super) fn take(objects: &mut Objects<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            public_key: *objects.fixed(0x80)?,
            chain_code: *objects.fixed(0x81)?,
            identity_key: *objects.fixed(0x82)?,
            agreement_key: *objects.fixed(0x83)?,
            salt: *objects.fixed(0x84)?,
            signature: *objects.fixed(0x85)?,
        })
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &self.public_key)?;
        tlv::put(out, 0x81, &self.chain_code)?;
        tlv::put(out, 0x82, &self.identity_key)?;
        tlv::put(out, 0x83, &self.agreement_key)?;
        tlv::put(out, 0x84, &self.salt)?;
        tlv::put(out, 0x85, &self.signature)
    }
}
