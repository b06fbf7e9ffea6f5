//! What the owner's wallet learns when a card is issued, and how it checks that.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use tillcard_protocol::command::{self, Issued};
use tillcard_protocol::owner::IssueRecord;

use super::CardAccount;
use crate::card::CardKeys;

/// Where a card's account key comes from; a card remembers it for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// Card and host made it together: the words don't give it.
    Made,
    /// It came from the owner's words (BIP85, BIP86).
    Imported,
}

impl Provenance {
    /// As the card names it.
    pub fn to_card(self) -> command::Provenance {
        match self {
            Self::Made => command::Provenance::Made,
            Self::Imported => command::Provenance::Imported,
        }
    }

    /// As the card named it.
    pub(crate) fn from_card(provenance: command::Provenance) -> Self {
        match provenance {
            command::Provenance::Made => Self::Made,
            command::Provenance::Imported => Self::Imported,
        }
    }
}

/// A card that was issued, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCard {
    /// Its account.
    pub account: CardAccount,
    /// Where the account's key comes from.
    pub provenance: Provenance,
    /// The card's own keys; unknown after a restore.
    pub own_keys: Option<CardKeys>,
}

/// Whether the card's identity key signed this record (FIPS 186-5 §6.4).
pub(crate) fn is_signed(record: &IssueRecord<'_>, answer: &Issued) -> bool {
    let key = VerifyingKey::from_sec1_bytes(&answer.identity_key);
    let signature = Signature::from_slice(&answer.signature);
    match (key, signature) {
        (Ok(key), Ok(signature)) => key.verify_prehash(&record.digest(), &signature).is_ok(),
        _ => false,
    }
}
