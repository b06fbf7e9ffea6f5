//! What a card's identity key signs for others (`docs/protocol.md`, sections 3.8 and 7.8).

use bitcoin::hashes::Hash;
use bitcoin::{Network, OutPoint, Txid, XOnlyPublicKey};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use tillcard_protocol::command::{self, GenuineProof, NONCE_LENGTH, Outpoint, Point};
use tillcard_protocol::proof::{Genuine, StatementFacts};
use tillcard_protocol::session::Session;

use super::GenuineError;
use crate::card::from_card_network;
use crate::owner::Provenance;

/// What a card says of a payment, and promises: that it signs nothing else for these coins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The chain.
    pub network: Network,
    /// Where the account key comes from: an imported one is the owner's to use elsewhere.
    pub provenance: Provenance,
    /// How the owner can spend the coins without the card.
    pub leaf: StatedLeaf,
    /// What the payment spends, in the order of its inputs.
    pub inputs: Vec<StatedInput>,
}

/// The owner's way to the coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatedLeaf {
    /// None but the card's key.
    None,
    /// By his own key, at any moment.
    Key,
    /// By his own key, once a coin is so many blocks deep.
    Delayed {
        /// 1 at least.
        blocks: u16,
    },
}

/// An output that the payment spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatedInput {
    /// Which one.
    pub outpoint: OutPoint,
    /// Its output key (BIP341).
    pub output_key: XOnlyPublicKey,
}

/// Checks the answer to INTERNAL AUTHENTICATE `00 88`: that the identity key, a compressed point,
/// signed this challenge in this session.
///
/// # Errors
/// [`GenuineError::Malformed`], [`GenuineError::NotSigned`].
pub fn check_proof(
    identity_key: &Point,
    session: &Session,
    challenge: &[u8; NONCE_LENGTH],
    answer: &[u8],
) -> Result<(), GenuineError> {
    let proof = GenuineProof::parse(answer).map_err(|_| GenuineError::Malformed)?;
    let signed = Genuine {
        session,
        challenge,
        salt: &proof.salt,
    };
    require_signed(identity_key, &signed.digest(), &proof.signature)
}

/// Checks the answer to STATEMENT: that the identity key, a compressed point, signed it for this
/// payment in this session. What it is worth is for the caller to see: section 7.8 says on what it
/// depends.
///
/// # Errors
/// [`GenuineError::Malformed`], [`GenuineError::NotSigned`].
pub fn check_statement(
    identity_key: &Point,
    session: &Session,
    nonce: &[u8; NONCE_LENGTH],
    txid: &Txid,
    answer: &[u8],
) -> Result<Statement, GenuineError> {
    let said = command::Statement::parse(answer).map_err(|_| GenuineError::Malformed)?;
    let facts = StatementFacts {
        session,
        nonce,
        txid: txid.as_ref(),
        network: said.network,
        provenance: said.provenance,
        leaf: &said.leaf,
        outpoints: said.outpoints,
        output_keys: said.output_keys,
        salt: &said.salt,
    };
    require_signed(identity_key, &facts.digest(), &said.signature)?;
    Statement::read(&said).ok_or(GenuineError::Malformed)
}

impl Statement {
    fn read(said: &command::Statement<'_>) -> Option<Self> {
        let outpoints = said.outpoints.chunks_exact(Outpoint::LENGTH);
        let output_keys = said.output_keys.chunks_exact(32);
        let inputs = outpoints.zip(output_keys).map(|(outpoint, key)| {
            let (txid, vout) = outpoint.split_first_chunk()?;
            Some(StatedInput {
                outpoint: OutPoint {
                    txid: Txid::from_byte_array(*txid),
                    vout: u32::from_be_bytes(vout.try_into().ok()?),
                },
                output_key: XOnlyPublicKey::from_slice(key).ok()?,
            })
        });
        Some(Self {
            network: from_card_network(said.network),
            provenance: Provenance::from_card(said.provenance),
            leaf: StatedLeaf::read(said.leaf)?,
            inputs: inputs.collect::<Option<_>>()?,
        })
    }
}

impl StatedLeaf {
    fn read([kind, high, low]: [u8; 3]) -> Option<Self> {
        match (kind, u16::from_be_bytes([high, low])) {
            (0, 0) => Some(Self::None),
            (1, 0) => Some(Self::Key),
            (2, blocks @ 1..) => Some(Self::Delayed { blocks }),
            _ => None,
        }
    }
}

/// ECDSA of a digest (FIPS 186-5 §6.4).
fn require_signed(
    key: &Point,
    digest: &[u8; 32],
    signature: &[u8; 64],
) -> Result<(), GenuineError> {
    VerifyingKey::from_sec1_bytes(key)
        .and_then(|key| key.verify_prehash(digest, &Signature::from_slice(signature)?))
        .map_err(|_| GenuineError::NotSigned)
}
