//! The primary wallet's way to a card's coins: the one script leaf of their outputs
//! (`docs/protocol.md` §3.2 and §3.3).

use std::fmt;

use bitcoin::opcodes::all::{OP_CHECKSIG, OP_CHECKSIGVERIFY, OP_CSV};
use bitcoin::script::Builder;
use bitcoin::{ScriptBuf, Sequence, XOnlyPublicKey};
use serde::{Deserialize, Serialize};
use tillcard_protocol::command;

/// Who besides the card can spend its coins, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Leaf {
    /// Nobody but who has the account key; for imported keys only.
    None,
    /// `pk(PRIMARY)`: the owner, at any time.
    Key {
        /// PRIMARY.
        key: XOnlyPublicKey,
    },
    /// `and_v(v:pk(PRIMARY),older(n))`: the owner, once a coin is n blocks deep (BIP68, BIP112).
    Delayed {
        /// PRIMARY.
        key: XOnlyPublicKey,
        /// n, from 1.
        blocks: u16,
    },
}

impl Leaf {
    /// The leaf of a card whose coins wait `delay` blocks for the owner; 0 for not at all.
    pub fn with_delay(key: XOnlyPublicKey, delay: u16) -> Self {
        match delay {
            0 => Self::Key { key },
            blocks => Self::Delayed { key, blocks },
        }
    }

    /// The primary wallet's key, if it has one.
    pub fn key(&self) -> Option<XOnlyPublicKey> {
        match self {
            Self::None => None,
            Self::Key { key } | Self::Delayed { key, .. } => Some(*key),
        }
    }

    /// Blocks that must bury a coin before the owner can take it; 0 when there is no delay.
    pub fn delay(&self) -> u16 {
        match self {
            Self::None | Self::Key { .. } => 0,
            Self::Delayed { blocks, .. } => *blocks,
        }
    }

    /// The leaf's script, the same at every index.
    pub(super) fn script(&self) -> Option<ScriptBuf> {
        Some(match self {
            Self::None => return None,
            Self::Key { key } => Builder::new()
                .push_x_only_key(key)
                .push_opcode(OP_CHECKSIG)
                .into_script(),
            Self::Delayed { key, blocks } => Builder::new()
                .push_x_only_key(key)
                .push_opcode(OP_CHECKSIGVERIFY)
                .push_int(i64::from(*blocks))
                .push_opcode(OP_CSV)
                .into_script(),
        })
    }

    /// The sequence of an input that spends by this leaf. It says by BIP125 that the transaction
    /// may be replaced: the owner may have to raise the fee.
    pub(super) fn sequence(&self) -> Sequence {
        match self {
            Self::None | Self::Key { .. } => Sequence::ENABLE_RBF_NO_LOCKTIME,
            Self::Delayed { blocks, .. } => Sequence::from_height(*blocks),
        }
    }

    /// As ISSUE takes it.
    pub fn to_card(&self) -> command::Leaf {
        match self {
            Self::None => command::Leaf::None,
            Self::Key { key } => command::Leaf::Key(key.serialize()),
            Self::Delayed { key, blocks } => command::Leaf::Delayed {
                blocks: *blocks,
                key: key.serialize(),
            },
        }
    }

    /// As a card answered it; none when its key is no key.
    pub(crate) fn from_card(leaf: &command::Leaf) -> Option<Self> {
        let read = |key: &[u8; 32]| XOnlyPublicKey::from_slice(key).ok();
        Some(match leaf {
            command::Leaf::None => Self::None,
            command::Leaf::Key(key) => Self::Key { key: read(key)? },
            command::Leaf::Delayed { blocks, key } => Self::Delayed {
                key: read(key)?,
                blocks: *blocks,
            },
        })
    }
}

/// The second argument of the descriptor's `tr`, with its comma; nothing without a leaf.
impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Key { key } => write!(f, ",pk({key})"),
            Self::Delayed { key, blocks } => write!(f, ",and_v(v:pk({key}),older({blocks}))"),
        }
    }
}
