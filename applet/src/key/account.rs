//! The account key (`docs/protocol.md`, section 3).

use super::bip32::{NODE_LENGTH, Node, compress};
use super::leaf::MerkleRoot;
use super::taproot::CoinKey;
use k256::elliptic_curve::{Generate, PrimeField};
use k256::{FieldBytes, NonZeroScalar, ProjectivePoint, Scalar};
use rand_core::TryCryptoRng;
use tillcard_protocol::command::Point;
use tillcard_protocol::hash::tagged_hash;
use tillcard_protocol::status::{self, Status};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The card's share `c` of an account key in the making.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Share(Scalar);

impl Share {
    /// A share from the random source.
    ///
    /// # Errors
    /// `6400`
    pub fn generate(rng: &mut impl TryCryptoRng) -> Result<Self, Status> {
        let mut drawn =
            NonZeroScalar::try_generate_from_rng(rng).map_err(|_| status::EXECUTION_ERROR)?;
        let share = Self(*drawn);
        drawn.zeroize();
        Ok(share)
    }

    /// `C = c·G`
    pub fn commitment(&self) -> Point {
        compress(&ProjectivePoint::mul_by_generator(&self.0))
    }

    /// The account `c + h`.
    ///
    /// # Errors
    /// `6A80` when `h` isn't below the curve's order or cancels `c`.
    pub fn combine(&self, host_share: &[u8; 32]) -> Result<Account, Status> {
        let h = scalar(host_share).ok_or(status::INCORRECT_DATA)?;
        let chain_code = tagged_hash("Tillcard/chaincode", &[&self.commitment(), host_share]);
        let secret = Zeroizing::new(self.0 + *h);
        Node::new(&secret, chain_code)
            .map(Account)
            .ok_or(status::INCORRECT_DATA)
    }
}

/// A number below the curve's order; no other copy of it stays behind.
fn scalar(bytes: &[u8; 32]) -> Option<Zeroizing<Scalar>> {
    let mut repr = FieldBytes::from(*bytes);
    let scalar = Option::<Scalar>::from(Scalar::from_repr(repr));
    repr.as_mut_slice().zeroize();
    scalar.map(Zeroizing::new)
}

/// The account: a BIP32 node.
pub struct Account(Node);

impl Account {
    /// Bytes of an account at rest: secret, chain code, public key.
    pub const LENGTH: usize = NODE_LENGTH;

    /// The account of a BIP32 node that was given to the card.
    ///
    /// # Errors
    /// `6A80` when the secret is zero or not below the curve's order.
    pub fn import(secret: &[u8; 32], chain_code: &[u8; 32]) -> Result<Self, Status> {
        let secret = scalar(secret).ok_or(status::INCORRECT_DATA)?;
        Node::new(&secret, *chain_code)
            .map(Self)
            .ok_or(status::INCORRECT_DATA)
    }

    /// Reads an account at rest.
    ///
    /// # Errors
    /// `6581` when the bytes can't be a key.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Result<Self, Status> {
        Node::from_bytes(bytes)
            .map(Self)
            .ok_or(status::MEMORY_FAILURE)
    }

    /// The account at rest.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LENGTH]> {
        self.0.to_bytes()
    }

    /// `P`
    pub fn public_key(&self) -> &Point {
        self.0.public()
    }

    /// The chain code of the account, which children are derived with (BIP32).
    pub fn chain_code(&self) -> &[u8; 32] {
        self.0.chain_code()
    }

    /// The card id (section 3.2).
    pub fn card_id(&self) -> [u8; 16] {
        tillcard_protocol::owner::card_id(self.public_key(), self.chain_code())
    }

    /// All keys of one chain, derived on demand.
    ///
    /// # Errors
    /// `6400` where BIP32 has no such child (probability below 2⁻¹²⁷).
    pub fn chain(&self, chain: u32) -> Result<Chain, Status> {
        self.0
            .child(chain)
            .map(Chain)
            .ok_or(status::EXECUTION_ERROR)
    }
}

/// One chain of indexes of an account.
pub struct Chain(Node);

impl Chain {
    /// The key at an index, of outputs with this merkle root.
    ///
    /// # Errors
    /// `6400` where there is none (probability below 2⁻¹²⁶).
    pub fn key(&self, index: u32, merkle_root: &MerkleRoot) -> Result<CoinKey, Status> {
        self.0
            .child(index)
            .and_then(|child| CoinKey::new(&child, merkle_root))
            .ok_or(status::EXECUTION_ERROR)
    }
}
