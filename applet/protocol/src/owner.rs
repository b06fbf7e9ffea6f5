//! What the owner signs, and what he is told when his card is issued
//! (`docs/protocol.md`, sections 3.2, 5.2 and 5.4).

use crate::VERSION;
use crate::command::{
    AccountRecord, CHALLENGE_LENGTH, Header, Leaf, Network, Point, Provenance, SALT_LENGTH,
    XOnlyKey,
};
use crate::hash::{Hash, tagged_hash};
use crate::session::Session;

/// Bytes in a card id.
pub const CARD_ID_LENGTH: usize = 16;

/// Stands for the card id in READ ACCOUNT, whose answer tells it (section 8.7).
pub const ANY_CARD: [u8; CARD_ID_LENGTH] = [0; CARD_ID_LENGTH];

/// The first 16 bytes of `TH("Tillcard/card-id", P ‖ chain code)`.
pub fn card_id(public_key: &Point, chain_code: &[u8; 32]) -> [u8; CARD_ID_LENGTH] {
    let hash = tagged_hash("Tillcard/card-id", &[public_key, chain_code]);
    let mut id = [0; CARD_ID_LENGTH];
    id.copy_from_slice(&hash[..CARD_ID_LENGTH]);
    id
}

/// The message that authorises a command with this header and body.
pub fn message(
    network: Network,
    card_id: &[u8; CARD_ID_LENGTH],
    session: &Session,
    challenge: &[u8; CHALLENGE_LENGTH],
    header: &Header,
    body: &[u8],
) -> Hash {
    tagged_hash(
        "Tillcard/owner",
        &[
            &[network.to_byte()],
            card_id,
            &session.to_bytes(),
            challenge,
            header,
            body,
        ],
    )
}

/// What the new key signs when it takes the place of the owner key
/// (section 5.4).
pub fn key_proof_message(
    network: Network,
    card_id: &[u8; CARD_ID_LENGTH],
    session: &Session,
    challenge: &[u8; CHALLENGE_LENGTH],
    new_key: &XOnlyKey,
) -> Hash {
    tagged_hash(
        "Tillcard/owner-key",
        &[
            &[network.to_byte()],
            card_id,
            &session.to_bytes(),
            challenge,
            new_key,
        ],
    )
}

/// The issue record: what a card believes of itself, signed by its identity
/// key. From it the owner's wallet derives every script itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssueRecord<'a> {
    /// The chain that the card is for.
    pub network: Network,
    /// Where its account key comes from.
    pub provenance: Provenance,
    /// The account's public key, `P`.
    pub public_key: &'a Point,
    /// The account's chain code.
    pub chain_code: &'a [u8; 32],
    /// Who may give owner commands.
    pub owner_key: &'a XOnlyKey,
    /// The primary wallet's leaf.
    pub leaf: &'a Leaf,
    /// The key that opens the card's channels.
    pub agreement_key: &'a Point,
    /// Of this card and no other.
    pub salt: &'a [u8; SALT_LENGTH],
}

impl IssueRecord<'_> {
    /// The 32 bytes that ECDSA takes as the hash of its message.
    pub fn digest(&self) -> Hash {
        tagged_hash(
            "Tillcard/issue",
            &[
                &VERSION,
                &[self.network.to_byte(), self.provenance.to_byte()],
                self.public_key,
                self.chain_code,
                self.owner_key,
                &self.leaf.to_bytes(),
                self.agreement_key,
                self.salt,
            ],
        )
    }
}

impl AccountRecord {
    /// The record that [`Issued::signature`](crate::command::Issued::signature) is over.
    pub fn record(&self) -> IssueRecord<'_> {
        IssueRecord {
            network: self.network,
            provenance: self.provenance,
            public_key: &self.issued.public_key,
            chain_code: &self.issued.chain_code,
            owner_key: &self.owner_key,
            leaf: &self.leaf,
            agreement_key: &self.issued.agreement_key,
            salt: &self.issued.salt,
        }
    }
}
