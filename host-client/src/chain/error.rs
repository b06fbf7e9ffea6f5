//! What can go wrong between us and the chain.

use bitcoin::Network;
use tillcard_client::Untrusted;
use tillcard_client::advice::{Advice, Explain};

use super::SourceProgress;

/// Why a question to the chain has no answer, or a transaction wasn't taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The backend looked at the transaction and refused it. Sending it again won't help.
    #[error("the transaction was rejected: {reason}")]
    Rejected {
        /// The backend's words; Bitcoin Core's reject reason where there is one.
        reason: Untrusted,
    },
    /// Nobody answered, or not in time. Trying again later may help.
    #[error("no answer from the Bitcoin node at {url}: {cause}")]
    Unavailable {
        /// Where the node was sought.
        url: String,
        /// What the attempt ended with.
        cause: Untrusted,
    },
    /// The node is starting and doesn't answer questions yet.
    #[error("the Bitcoin node at {url} is still starting: {message}")]
    WarmingUp {
        /// The node's address.
        url: String,
        /// What it is doing, in its own words.
        message: Untrusted,
    },
    /// The node hasn't come as far as its chain: what it doesn't know says nothing.
    #[error("the Bitcoin node hasn't synced: {0}")]
    Behind(SourceProgress),
    /// The node refuses our credentials.
    #[error("the Bitcoin node at {url} refuses the credentials: {hint}")]
    Unauthorized {
        /// The node's address.
        url: String,
        /// What to look at.
        hint: String,
    },
    /// The node is on another network than the caller's.
    #[error("the Bitcoin node is on {found}, not on {expected}")]
    WrongNetwork {
        /// The caller's network.
        expected: Network,
        /// The node's network.
        found: Network,
    },
    /// The node's genesis block belongs to no network known here.
    #[error("the Bitcoin node is on a network unknown here (genesis block {genesis})")]
    UnknownNetwork {
        /// Its genesis block's hash.
        genesis: bitcoin::BlockHash,
    },
    /// The backend doesn't have the block asked for (pruned, or of another chain).
    #[error("the Bitcoin node doesn't have {what}")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The backend has no fee estimate, and this is mainnet, where none is made up.
    #[error("the Bitcoin node has no fee estimate yet")]
    NoFeeEstimate,
    /// The backend answered something else than its interface promises.
    #[error("the Bitcoin node's answer to {method} can't be used: {cause}")]
    Protocol {
        /// The question.
        method: String,
        /// What was wrong with the answer.
        cause: Untrusted,
    },
}

impl Explain for ChainError {
    fn advice(&self) -> Advice {
        const UNSENT: &str = "nothing was sent by this step";
        match self {
            Self::Rejected { .. } => Advice::new(
                "transaction-rejected",
                "the network doesn't have the transaction, and its coins weren't moved by it",
                "look at the node's reason: coins that are spent already, or a fee that is too low",
            ),
            Self::Unavailable { .. } => Advice::new(
                "node-unreachable",
                UNSENT,
                "start the node, or correct its address with --chain, then try again",
            ),
            Self::WarmingUp { .. } => Advice::new("node-starting", UNSENT, "try again in a moment"),
            Self::Behind(_) => Advice::new(
                "node-behind",
                "what has become of coins and payments since isn't known",
                "wait until the node has synced, or name another one with --chain, then run the same \
                 command again",
            ),
            Self::Unauthorized { .. } => Advice::new(
                "node-unauthorized",
                UNSENT,
                "correct the cookie file or the user and password in --chain",
            ),
            Self::WrongNetwork { .. } => Advice::new(
                "node-wrong-network",
                UNSENT,
                "name a node of the right network with --chain",
            ),
            Self::UnknownNetwork { .. } => Advice::new(
                "node-unknown-network",
                UNSENT,
                "use a node on mainnet, testnet, signet or regtest",
            ),
            Self::NotFound { .. } => Advice::new(
                "block-not-found",
                UNSENT,
                "use a node that isn't pruned, on the same chain",
            ),
            Self::NoFeeEstimate => Advice::new(
                "no-fee-estimate",
                UNSENT,
                "name the fee rate with --fee-rate, or wait until the node has seen more blocks",
            ),
            Self::Protocol { .. } => Advice::new(
                "node-answer-unusable",
                "it isn't known whether the node has done what it was asked",
                "use Bitcoin Core 24 or later, and look into its log",
            ),
        }
    }
}
