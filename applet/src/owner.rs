//! What the owner signs (`docs/protocol.md`, section 5.2).

use crate::command::{CHALLENGE_LENGTH, Header, Network, Point};
use crate::hash::{Hash, tagged_hash};

/// Bytes in a card id.
pub const CARD_ID_LENGTH: usize = 16;

/// Length of the secure channel's receipt: there is no channel in this version.
const NO_RECEIPT: [u8; 1] = [0];

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
    challenge: &[u8; CHALLENGE_LENGTH],
    header: &Header,
    body: &[u8],
) -> Hash {
    tagged_hash(
        "Tillcard/owner",
        &[
            &[network.to_byte()],
            card_id,
            &NO_RECEIPT,
            challenge,
            header,
            body,
        ],
    )
}
