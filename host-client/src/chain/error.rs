//! What can go wrong between us and the chain.

use bitcoin::Network;

/// Why a question to the chain has no answer, or a transaction wasn't taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The backend looked at the transaction and refused it. Sending it again won't help.
    #[error("the transaction was rejected: {reason}")]
    Rejected {
        /// The backend's words; Bitcoin Core's reject reason where there is one.
        reason: String,
    },
    /// Nobody answered, or not in time. Trying again later may help.
    #[error(
        "no answer from the Bitcoin node at {url}: {cause}. Start it, or correct its address \
         (RPC host and port)"
    )]
    Unavailable {
        /// Where the node was sought.
        url: String,
        /// What the attempt ended with.
        cause: String,
    },
    /// The node is starting and doesn't answer questions yet.
    #[error("the Bitcoin node at {url} is still starting: {message} Try again in a moment")]
    WarmingUp {
        /// The node's address.
        url: String,
        /// What it is doing, in its own words.
        message: String,
    },
    /// The node refuses our credentials.
    #[error("the Bitcoin node at {url} refuses the credentials: {hint}")]
    Unauthorized {
        /// The node's address.
        url: String,
        /// What to look at.
        hint: String,
    },
    /// The node is on another network than the caller's.
    #[error("the Bitcoin node is on {found}, not on {expected}: give the address of another node")]
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
    #[error("the Bitcoin node doesn't have {what}: it may be pruned, or on another chain")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The backend has no fee estimate, and this is mainnet, where none is made up.
    #[error(
        "the Bitcoin node has no fee estimate yet: give the fee rate yourself, or wait until it \
         has seen more blocks"
    )]
    NoFeeEstimate,
    /// The backend answered something else than its interface promises.
    #[error("the Bitcoin node's answer to {method} can't be used: {cause}")]
    Protocol {
        /// The question.
        method: String,
        /// What was wrong with the answer.
        cause: String,
    },
}
