//! How a card is issued for a test.

use super::{Leaf, Limits, Pin};
use crate::keys::keypair;
use crate::outcome::Step;
use crate::tlv;
use crate::values::Values;
use bitcoin::secp256k1::Keypair;

/// Regtest, in ISSUE and GET DATA.
const REGTEST: u8 = 3;
/// The policy's bit that allows PIN and payment in plain sessions.
pub const PLAIN: u8 = 0x01;
/// The policy's bit that allows statements.
pub const STATEMENTS: u8 = 0x02;

/// Where the account key comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// The card makes it, with the host's share `h`.
    Made([u8; 32]),
    /// The host brings it.
    Imported {
        /// `a`.
        key: [u8; 32],
        /// The chain code of the BIP32 node.
        chain_code: [u8; 32],
    },
}

impl Provenance {
    /// P1 of ISSUE, and its byte in the issue record.
    #[must_use]
    pub const fn number(&self) -> u8 {
        match self {
            Self::Made(_) => 0,
            Self::Imported { .. } => 1,
        }
    }

    /// The value of ISSUE's data object `81`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Made(share) => share.to_vec(),
            Self::Imported { key, chain_code } => [*key, *chain_code].concat(),
        }
    }
}

/// What the owner gives a card with ISSUE.
#[derive(Clone)]
pub struct Profile {
    /// 0 mainnet, 1 testnet, 2 signet, 3 regtest.
    pub network: u8,
    /// Where the account key comes from.
    pub provenance: Provenance,
    /// Signs owner commands.
    pub owner: Keypair,
    /// How the owner spends without the card.
    pub leaf: Leaf,
    /// The PIN.
    pub pin: Pin,
    /// The limits.
    pub limits: Limits,
    /// [`PLAIN`] and [`STATEMENTS`], or none of them.
    pub policy: u8,
}

setters!(Profile {
    network: u8,
    leaf: Leaf,
    pin: Pin,
    limits: Limits,
    policy: u8,
});

impl Profile {
    /// A profile of test values under a name: regtest, a made key, a leaf without delay, eight
    /// digits, wide limits, plain sessions allowed.
    pub fn new(values: &Values, name: &str) -> Step<Self> {
        let mut stream = values.stream(&format!("profile {name}"));
        let mut share: [u8; 32] = stream.bytes();
        share[0] &= 0x7F;
        let owner = keypair(&stream.bytes())?;
        let leaf = keypair(&stream.bytes())?;
        let digits: Vec<u8> = (0..8).map(|_| stream.below(10) as u8).collect();
        Ok(Self {
            network: REGTEST,
            provenance: Provenance::Made(share),
            owner,
            leaf: Leaf::Key(leaf),
            pin: Pin::new(&digits),
            limits: Limits::WIDE,
            policy: PLAIN,
        })
    }

    /// The same with an imported key, made of these test bytes.
    #[must_use]
    pub const fn imported(mut self, mut key: [u8; 32], chain_code: [u8; 32]) -> Self {
        // Below the order, and not zero.
        key[0] &= 0x7F;
        key[31] |= 0x01;
        self.provenance = Provenance::Imported { key, chain_code };
        self
    }

    /// The data field of ISSUE, data object by data object, for cases that spoil one.
    #[must_use]
    pub fn objects(&self) -> [(u16, Vec<u8>); 7] {
        [
            (0x80, vec![self.network]),
            (0x81, self.provenance.encode()),
            (0x82, self.owner.x_only_public_key().0.serialize().to_vec()),
            (0x83, self.leaf.encode()),
            (0x84, self.pin.block().to_vec()),
            (0x85, self.limits.encode()),
            (0x86, vec![self.policy]),
        ]
    }

    /// The data field of ISSUE.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        tlv::objects(&self.objects())
    }
}
