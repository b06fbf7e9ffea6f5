//! The primary wallet's way to a card's coins (`docs/protocol.md`, section 3.2).

use super::types::XOnlyKey;

/// The one script leaf of the card's outputs, in which the primary wallet can
/// spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// None: `tr(CARD/<0;1>/*)`, for imported keys only.
    None,
    /// `pk(PRIMARY)`
    Key(XOnlyKey),
    /// `and_v(v:pk(PRIMARY),older(blocks))`
    Delayed {
        /// How many blocks deep a coin must be (BIP68, BIP112); 1 at least.
        blocks: u16,
        /// The primary wallet's key.
        key: XOnlyKey,
    },
}

impl Leaf {
    /// Bytes of a leaf in the protocol.
    pub const LENGTH: usize = 35;
    /// Bytes of a leaf without its key: kind ‖ n.
    pub const POLICY_LENGTH: usize = 3;

    /// The primary wallet's key, if there is one.
    pub const fn key(&self) -> Option<&XOnlyKey> {
        match self {
            Self::None => None,
            Self::Key(key) | Self::Delayed { key, .. } => Some(key),
        }
    }

    /// kind ‖ n ‖ PRIMARY
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let (kind, blocks) = match self {
            Self::None => (0, 0),
            Self::Key(_) => (1, 0),
            Self::Delayed { blocks, .. } => (2, *blocks),
        };
        let mut bytes = [0; Self::LENGTH];
        bytes[0] = kind;
        bytes[1..3].copy_from_slice(&blocks.to_be_bytes());
        bytes[3..].copy_from_slice(self.key().unwrap_or(&[0; 32]));
        bytes
    }

    /// kind ‖ n, which don't tell whose wallet it is.
    pub fn policy(&self) -> [u8; Self::POLICY_LENGTH] {
        let [kind, high, low, ..] = self.to_bytes();
        [kind, high, low]
    }

    /// Reads a leaf; `None` when it isn't in the protocol's table. Whether the
    /// key is on the curve isn't looked at.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Option<Self> {
        let [kind, high, low, key @ ..] = bytes;
        let blocks = u16::from_be_bytes([*high, *low]);
        match (kind, blocks) {
            (0, 0) if *key == [0; 32] => Some(Self::None),
            (1, 0) => Some(Self::Key(*key)),
            (2, 1..) => Some(Self::Delayed { blocks, key: *key }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_isn_t_in_the_table() {
        for (kind, blocks, key) in [
            (0, 1, 0),
            (0, 0, 7),
            (1, 1, 7),
            (2, 0, 7),
            (3, 0, 7),
            (0xFF, 1, 7),
        ] {
            let mut bytes = [key; Leaf::LENGTH];
            bytes[..3].copy_from_slice(&[kind, 0, blocks]);
            assert_eq!(Leaf::from_bytes(&bytes), None, "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn leaves_read_back(kind in 0..3, key: [u8; 32], blocks in 1u16..) {
            let leaf = match kind {
                0 => Leaf::None,
                1 => Leaf::Key(key),
                _ => Leaf::Delayed { blocks, key },
            };
            prop_assert_eq!(Leaf::from_bytes(&leaf.to_bytes()), Some(leaf));
        }
    }
}
