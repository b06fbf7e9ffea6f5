//! What a card's statement on a payment is worth (`docs/protocol.md`, section 7.8).

use std::fmt;

use bitcoin::key::TweakedPublicKey;
use bitcoin::{Network, OutPoint, ScriptBuf, Transaction, Txid};
use serde::Serialize;

use crate::chain::{Chain, ChainError, OutputState};
use tillcard_client::account::Provenance;
use tillcard_client::card::{IdentityKey, Issued, NONCE_LENGTH, Session, SessionId};
use tillcard_client::genuine::{StatedInput, StatedLeaf, Statement, check_statement};
use tillcard_client::transport::Transport;

/// Blocks that have to come before the owner's leaf can be spent: a payment may wait for its block.
pub const SPARE_BLOCKS: u32 = 6;

/// What a card says of the payment that it just made, unchecked.
pub(super) struct StatementAnswer {
    session: SessionId,
    nonce: [u8; NONCE_LENGTH],
    /// None when it refused.
    answer: Option<Vec<u8>>,
}

impl StatementAnswer {
    /// Asks the card.
    pub(super) fn ask<T: Transport>(session: &mut Session<T, Issued>, txid: &Txid) -> Option<Self> {
        let mut nonce = [0; NONCE_LENGTH];
        getrandom::fill(&mut nonce).ok()?;
        Some(Self {
            session: session.id(),
            nonce,
            answer: session.ask_statement(&nonce, txid).ok(),
        })
    }
}

/// Why a statement promises nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Missing {
    /// The card gave none.
    NotGiven,
    /// Nobody believed vouches for the card.
    NotVouchedFor,
    /// The card's identity key didn't sign it, or it is on another payment.
    NotSigned,
    /// The card's key came from elsewhere.
    ImportedKey,
    /// The owner's own key spends the coins at any moment, or the card has no such key of his.
    NoDelay,
    /// A coin isn't in a block, or isn't there.
    Unconfirmed {
        /// The coin.
        outpoint: OutPoint,
    },
    /// The card said another key of a coin than the chain has.
    OtherKey {
        /// The coin.
        outpoint: OutPoint,
    },
    /// The owner's own key spends a coin now, or in a few blocks.
    TooDeep {
        /// The coin.
        outpoint: OutPoint,
    },
    /// The chain can't be asked about the coins.
    ChainUnavailable {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGiven => write!(f, "the card gives none"),
            Self::NotVouchedFor => write!(f, "nobody vouches for the card"),
            Self::NotSigned => write!(f, "it isn't the card's word on this payment"),
            Self::ImportedKey => write!(f, "others may have the card's key"),
            Self::NoDelay => write!(f, "the owner can spend the coins at any moment"),
            Self::Unconfirmed { outpoint } => write!(f, "coin {outpoint} isn't in a block"),
            Self::OtherKey { outpoint } => write!(f, "coin {outpoint} has another key"),
            Self::TooDeep { outpoint } => write!(
                f,
                "the owner can spend coin {outpoint} himself, now or in a few blocks"
            ),
            Self::ChainUnavailable { reason } => write!(f, "{reason}"),
        }
    }
}

/// The last block up to which nobody but the card can spend the payment's coins. `identity` is the key
/// of a card that somebody believed vouches for.
///
/// # Errors
/// Which condition of section 7.8 doesn't hold.
pub(super) fn worth(
    said: Option<&StatementAnswer>,
    identity: Option<IdentityKey>,
    payment: &Transaction,
    chain: &dyn Chain,
) -> Result<u32, Missing> {
    let unseen = |error: ChainError| Missing::ChainUnavailable {
        reason: error.to_string(),
    };
    // What one that is behind says of depths proves nothing.
    chain.expect_complete().map_err(unseen)?;
    // Before the coins: a block that comes meanwhile makes them look younger, never older.
    let tip = chain.tip().map_err(unseen)?.height;
    let network = chain.network().map_err(unseen)?;
    let statement = believe(said, identity, payment, network)?;
    let StatedLeaf::Delayed { blocks } = statement.leaf else {
        return Err(Missing::NoDelay);
    };
    let mut fewest = u32::from(blocks);
    for StatedInput {
        outpoint,
        output_key,
    } in statement.inputs
    {
        let OutputState::Unspent {
            confirmations: confirmations @ 1..,
            output,
        } = chain.output(&outpoint).map_err(unseen)?
        else {
            return Err(Missing::Unconfirmed { outpoint });
        };
        let key = TweakedPublicKey::dangerous_assume_tweaked(output_key);
        if output.script_pubkey != ScriptBuf::new_p2tr_tweaked(key) {
            return Err(Missing::OtherKey { outpoint });
        }
        // Spendable by the leaf in the next block when it is so deep (BIP68, BIP112).
        let left = u32::from(blocks).saturating_sub(confirmations);
        if left < SPARE_BLOCKS {
            return Err(Missing::TooDeep { outpoint });
        }
        fewest = fewest.min(left);
    }
    Ok(tip + fewest)
}

/// The statement, if it is the word of a card that is believed, and promises what it can't break.
fn believe(
    said: Option<&StatementAnswer>,
    identity: Option<IdentityKey>,
    payment: &Transaction,
    network: Network,
) -> Result<Statement, Missing> {
    let said = said.ok_or(Missing::NotGiven)?;
    let answer = said.answer.as_ref().ok_or(Missing::NotGiven)?;
    let IdentityKey(identity) = identity.ok_or(Missing::NotVouchedFor)?;
    let txid = payment.compute_txid();
    let statement = check_statement(&identity, &said.session, &said.nonce, &txid, answer)
        .map_err(|_| Missing::NotSigned)?;
    let spent = payment.input.iter().map(|input| input.previous_output);
    let stated = statement.inputs.iter().map(|input| input.outpoint);
    if statement.network != network || !spent.eq(stated) {
        return Err(Missing::NotSigned);
    }
    match statement.provenance {
        Provenance::Made => Ok(statement),
        Provenance::Imported => Err(Missing::ImportedKey),
    }
}
