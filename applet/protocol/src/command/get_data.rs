//! GET DATA (`docs/protocol.md`, section 2.4).

use super::apdu::Apdu;
use super::card_keys::CardKey;
use super::network::Network;
use super::policy::Policy;
use super::types::expect_length;
use crate::status::{self, Status};
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// Which object is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetData {
    /// State, network, PIN tries left.
    Status,
    /// Version, capability bits, capacities.
    Capabilities,
    /// The batch's certificate and that of one of the card keys (section
    /// 3.7; X.509, DER).
    Certificates(CardKey),
}

impl GetData {
    pub(super) const CODE: [u8; 2] = [0x00, 0xCA];

    const CERTIFICATES: [u8; 2] = [0xBF, 0x21];

    const fn parameters(self) -> [u8; 2] {
        match self {
            Self::Status => [0x01, 0x00],
            Self::Capabilities => [0x01, 0x01],
            Self::Certificates(_) => Self::CERTIFICATES,
        }
    }

    pub(super) fn parse(parameters: [u8; 2], data: &[u8]) -> Result<Self, Status> {
        if parameters == Self::CERTIFICATES {
            return Self::parse_certificates(data);
        }
        let object = [Self::Status, Self::Capabilities]
            .into_iter()
            .find(|object| object.parameters() == parameters)
            .ok_or(status::DATA_NOT_FOUND)?;
        expect_length(data, 0..=0)?;
        Ok(object)
    }

    fn parse_certificates(data: &[u8]) -> Result<Self, Status> {
        expect_length(data, 6..=6)?;
        let mut outer = Objects::new(data);
        let mut template = Objects::new(outer.next(0xA6)?);
        outer.end()?;
        let reference = *template.fixed(0x83)?;
        template.end()?;
        CardKey::from_reference(reference)
            .map(Self::Certificates)
            .ok_or(status::DATA_NOT_FOUND)
    }

    /// The command in bytes.
    pub fn to_apdu(self) -> Apdu {
        let [cla, ins] = Self::CODE;
        let [p1, p2] = self.parameters();
        Apdu::build([cla, ins, p1, p2], true, |out| match self {
            Self::Status | Self::Capabilities => Ok(()),
            Self::Certificates(key) => {
                tlv::open(out, 0xA6, 4)?;
                tlv::put(out, 0x83, &key.reference())
            }
        })
        .expect("six bytes fit")
    }
}

/// The card's lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it left the manufacturer: no keys.
    Factory,
    /// Issued for this network, with so many PIN tries left.
    Issued {
        /// The chain it is for.
        network: Network,
        /// 0 when the PIN is blocked.
        tries_left: u8,
        /// What the owner allows.
        policy: Policy,
    },
    /// At the end of its life.
    Terminated,
    /// Unusable: its NVM is of another version.
    OtherVersion,
    /// Unusable: its NVM is damaged.
    Damaged,
}

const FACTORY: u8 = 0x00;
const ISSUED: u8 = 0x01;
const TERMINATED: u8 = 0x02;
const OTHER_VERSION: u8 = 0x7E;
const DAMAGED: u8 = 0x7F;

/// The status object `0100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusObject {
    /// Where the card stands in its life.
    pub state: State,
}

impl StatusObject {
    /// Reads the object.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one, or has values that this version doesn't
    /// know.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let state = match objects.fixed(0x80)? {
            [FACTORY] => State::Factory,
            [ISSUED] => State::Issued {
                network: Network::from_byte(objects.fixed::<1>(0x81)?[0]).ok_or(Malformed)?,
                tries_left: objects.fixed::<1>(0x82)?[0],
                policy: Policy::take(&mut objects, 0x83)?,
            },
            [TERMINATED] => State::Terminated,
            [OTHER_VERSION] => State::OtherVersion,
            [DAMAGED] => State::Damaged,
            _ => return Err(Malformed),
        };
        objects.end()?;
        Ok(Self { state })
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        match self.state {
            State::Factory => tlv::put(out, 0x80, &[FACTORY]),
            State::Issued {
                network,
                tries_left,
                policy,
            } => {
                tlv::put(out, 0x80, &[ISSUED])?;
                tlv::put(out, 0x81, &[network.to_byte()])?;
                tlv::put(out, 0x82, &[tries_left])?;
                tlv::put(out, 0x83, &[policy.to_byte()])
            }
            State::Terminated => tlv::put(out, 0x80, &[TERMINATED]),
            State::OtherVersion => tlv::put(out, 0x80, &[OTHER_VERSION]),
            State::Damaged => tlv::put(out, 0x80, &[DAMAGED]),
        }
    }
}

/// The capabilities object `0101`: what a card says that it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Major and minor version of the protocol.
    pub version: [u8; 2],
    /// Bits: [`Self::EXTENDED_LENGTH`] and the others.
    pub capabilities: u32,
    /// Most inputs of one payment.
    pub max_inputs: u8,
    /// Coins that the card can hold.
    pub max_coins: u16,
    /// PIN tries of a fresh card.
    pub tries: u8,
    /// Payments that the log can hold.
    pub max_log: u8,
    /// Unrooted coins that the card can hold.
    pub max_unrooted: u8,
    /// Most inputs of the owner's signing.
    pub max_signing_inputs: u8,
    /// Most outputs of the owner's signing.
    pub max_signing_outputs: u8,
}

impl Capabilities {
    /// Bit 0: extended Lc and Le.
    pub const EXTENDED_LENGTH: u32 = 1 << 0;
    /// Bit 1: the account key is made on the card.
    pub const MADE_KEY: u32 = 1 << 1;
    /// Bit 2: BIP340 nonces with auxiliary randomness.
    pub const AUXILIARY_RANDOMNESS: u32 = 1 << 2;
    /// Bit 3: the account key is imported.
    pub const IMPORTED_KEY: u32 = 1 << 3;
    /// Bit 4: payments without PIN.
    pub const WITHOUT_PIN: u32 = 1 << 4;
    /// Bit 5: credits, that is, unrooted coins.
    pub const CREDITS: u32 = 1 << 5;
    /// Bit 6: the owner's signing.
    pub const OWNER_SIGNING: u32 = 1 << 6;
    /// Bit 7: secure channel and genuineness.
    pub const CHANNEL: u32 = 1 << 7;
    /// Bit 9: statements.
    pub const STATEMENTS: u32 = 1 << 9;

    /// Reads the object.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let read = Self {
            version: *objects.fixed(0x80)?,
            capabilities: objects.u32(0x81)?,
            max_inputs: objects.fixed::<1>(0x82)?[0],
            max_coins: u16::from_be_bytes(*objects.fixed(0x83)?),
            tries: objects.fixed::<1>(0x84)?[0],
            max_log: objects.fixed::<1>(0x85)?[0],
            max_unrooted: objects.fixed::<1>(0x86)?[0],
            max_signing_inputs: objects.fixed::<1>(0x87)?[0],
            max_signing_outputs: objects.fixed::<1>(0x88)?[0],
        };
        objects.end()?;
        Ok(read)
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &self.version)?;
        tlv::put(out, 0x81, &self.capabilities.to_be_bytes())?;
        tlv::put(out, 0x82, &[self.max_inputs])?;
        tlv::put(out, 0x83, &self.max_coins.to_be_bytes())?;
        tlv::put(out, 0x84, &[self.tries])?;
        tlv::put(out, 0x85, &[self.max_log])?;
        tlv::put(out, 0x86, &[self.max_unrooted])?;
        tlv::put(out, 0x87, &[self.max_signing_inputs])?;
        tlv::put(out, 0x88, &[self.max_signing_outputs])
    }
}
