//! What a test has the node do that no rule of Bitcoin makes it do: fall behind, refuse, lose an
//! answer, say nothing; and the bounds of its mempool.

use serde::{Deserialize, Serialize};

use super::mempool::MempoolPolicy;

/// How the served node behaves. What a JSON object leaves out is as it is at the start, so that the
/// empty object switches all off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Switches {
    /// How `sendrawtransaction` is answered, in the place of the mempool's own answer.
    pub refuse: Option<Refusal>,
    /// How many blocks the node has heard of and doesn't have yet. It is in its initial download
    /// then, as `getblockchaininfo` says.
    pub behind: u32,
    /// Whether it is starting: each call is answered by error -28.
    pub starting: bool,
    /// Whether it says nothing: no call is answered until this is switched off.
    pub silent: bool,
    /// What its mempool takes.
    pub mempool: MempoolPolicy,
}

/// A refusal of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The error's number, such as -26 (Bitcoin Core's `src/rpc/protocol.h`).
    pub code: i32,
    /// Its words, such as `min relay fee not met`.
    pub message: String,
    /// Whether the mempool has taken the transaction all the same: an answer that lies.
    #[serde(default)]
    pub taken: bool,
}
