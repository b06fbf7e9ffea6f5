//! The account key (`docs/protocol.md`, section 3): its secret, and what of it is public.

use super::bip32::{Node, Step, compress, step};
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
        compress(&ProjectivePoint::mul_by_generator(&self.0).to_affine())
    }

    /// The account `c + h`.
    ///
    /// # Errors
    /// `6A80` when `h` isn't below the curve's order or cancels `c`.
    pub fn combine(&self, host_share: &[u8; 32]) -> Result<Account, Status> {
        let h = scalar(host_share).ok_or(status::INCORRECT_DATA)?;
        let chain_code = tagged_hash("Tillcard/chaincode", &[&self.commitment(), host_share]);
        let secret = Zeroizing::new(self.0 + *h);
        Account::new(&secret, chain_code).ok_or(status::INCORRECT_DATA)
    }
}

/// A number below the curve's order; no other copy of it stays behind.
fn scalar(bytes: &[u8; 32]) -> Option<Zeroizing<Scalar>> {
    let mut repr = FieldBytes::from(*bytes);
    let scalar = Option::<Scalar>::from(Scalar::from_repr(repr));
    repr.as_mut_slice().zeroize();
    scalar.map(Zeroizing::new)
}

/// An account as it is made: both parts of it.
pub struct Account {
    secret: AccountSecret,
    public: PublicAccount,
}

impl Account {
    /// `None` for a secret of zero.
    fn new(secret: &Scalar, chain_code: [u8; 32]) -> Option<Self> {
        let is_key = !bool::from(secret.is_zero());
        is_key.then(|| Self {
            public: PublicAccount {
                chain_code,
                public_key: compress(&ProjectivePoint::mul_by_generator(secret).to_affine()),
            },
            secret: AccountSecret(*secret),
        })
    }

    /// The account of a BIP32 node that was given to the card.
    ///
    /// # Errors
    /// `6A80` when the secret is zero or not below the curve's order.
    pub fn import(secret: &[u8; 32], chain_code: &[u8; 32]) -> Result<Self, Status> {
        let secret = scalar(secret).ok_or(status::INCORRECT_DATA)?;
        Account::new(&secret, *chain_code).ok_or(status::INCORRECT_DATA)
    }

    /// The private key, from which those of all coins are derived (BIP32).
    pub fn secret(&self) -> &AccountSecret {
        &self.secret
    }

    /// The public key and chain code, from which all scripts are derived (BIP32); no secret among them.
    pub fn public(&self) -> &PublicAccount {
        &self.public
    }
}

/// The secret of an account. It is loaded to sign, and for nothing else.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct AccountSecret(Scalar);

impl AccountSecret {
    /// Bytes of a secret at rest.
    pub const LENGTH: usize = 32;

    /// Reads a secret at rest.
    ///
    /// # Errors
    /// `6581` when the bytes can't be a key.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Result<Self, Status> {
        let secret = scalar(bytes).ok_or(status::MEMORY_FAILURE)?;
        Ok(Self(*secret))
    }

    /// The secret at rest.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LENGTH]> {
        let mut repr = self.0.to_repr();
        let bytes = Zeroizing::new(repr.into());
        repr.as_mut_slice().zeroize();
        bytes
    }

    pub(super) fn scalar(&self) -> &Scalar {
        &self.0
    }
}

/// What of an account makes scripts: its public key and chain code.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicAccount {
    chain_code: [u8; 32],
    public_key: Point,
}

impl PublicAccount {
    /// Bytes of it at rest.
    pub const LENGTH: usize = 32 + 33;

    /// Chain code ‖ public key. Whether that is a point is found out when it is used.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Self {
        let mut account = Self {
            chain_code: [0; 32],
            public_key: [0; 33],
        };
        account.chain_code.copy_from_slice(&bytes[..32]);
        account.public_key.copy_from_slice(&bytes[32..]);
        account
    }

    /// Chain code ‖ public key.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..32].copy_from_slice(&self.chain_code);
        bytes[32..].copy_from_slice(&self.public_key);
        bytes
    }

    /// `P`
    pub fn public_key(&self) -> &Point {
        &self.public_key
    }

    /// The chain code, which children are derived with (BIP32).
    pub fn chain_code(&self) -> &[u8; 32] {
        &self.chain_code
    }

    /// The card id (section 3.2).
    pub fn card_id(&self) -> [u8; 16] {
        tillcard_protocol::owner::card_id(&self.public_key, &self.chain_code)
    }

    /// The node of a chain. `None` when the public key isn't a point, and as with [`step`].
    pub(super) fn chain(&self, chain: u32) -> Option<Node> {
        Node::from_bytes(&self.public_key, self.chain_code)?.child(chain)
    }

    /// What the secret key is to add for a chain.
    pub(super) fn step(&self, chain: u32) -> Option<Step> {
        step(&self.public_key, &self.chain_code, chain)
    }
}
