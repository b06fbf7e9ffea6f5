//! The one leaf of the card's outputs (BIP341, BIP342, miniscript).

use heapless::Vec;
use tillcard_protocol::command::Leaf;
use tillcard_protocol::hash::{Hash, tagged_hash};

/// BIP342's leaf version.
const LEAF_VERSION: u8 = 0xC0;
const PUSH_32: u8 = 0x20;
/// OP_1 is one above.
const OP_0_BEFORE_1: u8 = 0x50;
const OP_CHECKSIG: u8 = 0xAC;
const OP_CHECKSIGVERIFY: u8 = 0xAD;
const OP_CHECKSEQUENCEVERIFY: u8 = 0xB2;

/// Push of a key, OP_CHECKSIGVERIFY, push of a number of three bytes,
/// OP_CHECKSEQUENCEVERIFY.
const SCRIPT_MAX: usize = 33 + 1 + 4 + 1;

/// What an output key commits to besides the key: the hash of the one leaf, or
/// nothing.
#[derive(Clone, Copy)]
pub struct MerkleRoot(Option<Hash>);

impl MerkleRoot {
    /// Of outputs with this leaf.
    pub fn new(leaf: &Leaf) -> Self {
        Self(script(leaf).map(|script| {
            // Scripts of fewer than 253 bytes have a CompactSize of one byte.
            let prefix = [LEAF_VERSION, script.len() as u8];
            tagged_hash("TapLeaf", &[&prefix, &script])
        }))
    }

    /// 32 bytes, or none.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |hash| hash)
    }
}

/// `pk(PRIMARY)` or `and_v(v:pk(PRIMARY),older(n))`, as a script.
fn script(leaf: &Leaf) -> Option<Vec<u8, SCRIPT_MAX>> {
    let mut script = Vec::new();
    let mut append = |bytes: &[u8]| {
        script
            .extend_from_slice(bytes)
            .expect("both scripts have SCRIPT_MAX bytes at most");
    };
    append(&[PUSH_32]);
    append(leaf.key()?);
    match leaf {
        Leaf::Delayed { blocks, .. } => {
            append(&[OP_CHECKSIGVERIFY]);
            append(&push(*blocks));
            append(&[OP_CHECKSEQUENCEVERIFY]);
        }
        _ => append(&[OP_CHECKSIG]),
    }
    Some(script)
}

/// The shortest push of a number above 0 (BIP342 demands it).
fn push(number: u16) -> Vec<u8, 4> {
    let [low, high] = number.to_le_bytes();
    let pushed: &[u8] = match number {
        0..=16 => &[OP_0_BEFORE_1 + low],
        17..=0x7F => &[1, low],
        0x80..=0x7FFF => &[2, low, high],
        // A set highest bit would be a sign.
        0x8000.. => &[3, low, high, 0],
    };
    pushed.iter().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoin::XOnlyPublicKey;
    use bitcoin::hashes::Hash as _;
    use bitcoin::taproot::{LeafVersion, TapLeafHash, TapNodeHash};
    use miniscript::{Miniscript, Tap};
    use std::format;

    const KEY: &str = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

    fn key() -> [u8; 32] {
        hex::decode(KEY).unwrap().try_into().unwrap()
    }

    fn same(leaf: &Leaf, policy: &str) {
        let expected: Miniscript<XOnlyPublicKey, Tap> = policy.parse().unwrap();
        let expected = expected.encode();
        assert_eq!(script(leaf).unwrap(), expected.as_bytes(), "{policy}");
        let root = TapNodeHash::from(TapLeafHash::from_script(&expected, LeafVersion::TapScript));
        assert_eq!(MerkleRoot::new(leaf).as_bytes(), root.to_byte_array());
    }

    #[test]
    fn leaves_are_what_miniscript_encodes() {
        same(&Leaf::Key(key()), &format!("pk({KEY})"));
        for blocks in [
            1, 2, 15, 16, 17, 126, 127, 128, 129, 255, 256, 257, 32_767, 32_768, 65_535,
        ] {
            same(
                &Leaf::Delayed { blocks, key: key() },
                &format!("and_v(v:pk({KEY}),older({blocks}))"),
            );
        }
    }

    #[test]
    fn every_delay() {
        for blocks in 1..=u16::MAX {
            let expected = bitcoin::script::Builder::new()
                .push_int(blocks.into())
                .into_script();
            assert_eq!(push(blocks), expected.as_bytes(), "{blocks}");
        }
    }

    #[test]
    fn no_leaf_commits_to_nothing() {
        assert!(MerkleRoot::new(&Leaf::None).as_bytes().is_empty());
    }
}
