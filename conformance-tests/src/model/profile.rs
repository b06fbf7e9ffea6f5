//! How a card is issued for a test.

use super::{Limits, Pin};
use crate::keys::keypair;
use crate::outcome::Step;
use crate::tlv;
use crate::values::Values;
use bitcoin::secp256k1::Keypair;

/// Regtest, in ISSUE and GET DATA.
const REGTEST: u8 = 3;

/// What the owner gives a card with ISSUE.
#[derive(Clone)]
pub struct Profile {
    /// 0 mainnet, 1 testnet, 2 signet, 3 regtest.
    pub network: u8,
    /// `h`.
    pub share: [u8; 32],
    /// Signs owner commands.
    pub owner: Keypair,
    /// PRIMARY, the key of the one leaf.
    pub leaf: Keypair,
    /// The PIN.
    pub pin: Pin,
    /// The limits.
    pub limits: Limits,
}

impl Profile {
    /// A profile of test values under a name: regtest, eight digits, wide limits.
    ///
    /// # Errors
    /// [`crate::outcome::Stop::Error`] when the seed gives an impossible key.
    pub fn new(values: &Values, name: &str) -> Step<Self> {
        let mut stream = values.stream(&format!("profile {name}"));
        let mut share: [u8; 32] = stream.bytes();
        share[0] &= 0x7F;
        let owner = keypair(&stream.bytes())?;
        let leaf = keypair(&stream.bytes())?;
        let digits: Vec<u8> = (0..8).map(|_| stream.below(10) as u8).collect();
        Ok(Self {
            network: REGTEST,
            share,
            owner,
            leaf,
            pin: Pin::new(&digits),
            limits: Limits::WIDE,
        })
    }

    /// The same with other limits.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The data field of ISSUE, data object by data object, for cases that spoil one.
    #[must_use]
    pub fn objects(&self) -> [(u16, Vec<u8>); 6] {
        [
            (0x80, vec![self.network]),
            (0x81, self.share.to_vec()),
            (0x82, self.owner.x_only_public_key().0.serialize().to_vec()),
            (0x83, self.leaf.x_only_public_key().0.serialize().to_vec()),
            (0x84, self.pin.block().to_vec()),
            (0x85, self.limits.encode()),
        ]
    }

    /// The data field of ISSUE.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.objects()
            .iter()
            .flat_map(|(tag, value)| tlv::object(*tag, value))
            .collect()
    }
}
