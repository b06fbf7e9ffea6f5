//! Tagged hashes (BIP340).

use bitcoin::hashes::{Hash, HashEngine, sha256};

/// SHA256(SHA256(tag) ‖ SHA256(tag) ‖ parts), as `docs/protocol.md` §1 writes `TH`.
pub fn tagged_hash(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let tag = sha256::Hash::hash(tag.as_bytes());
    let mut engine = sha256::Hash::engine();
    engine.input(tag.as_byte_array());
    engine.input(tag.as_byte_array());
    for part in parts {
        engine.input(part);
    }
    sha256::Hash::from_engine(engine).to_byte_array()
}

#[cfg(test)]
mod tests {
    use bitcoin::taproot::TapLeafHash;
    use bitcoin::{ScriptBuf, taproot::LeafVersion};

    use super::*;

    #[test]
    fn as_bip341_hashes_leaves() {
        let script = ScriptBuf::from_bytes(vec![0x51]);
        let leaf = TapLeafHash::from_script(&script, LeafVersion::TapScript);
        assert_eq!(
            tagged_hash("TapLeaf", &[&[0xc0, 0x01], script.as_bytes()]),
            leaf.to_byte_array()
        );
    }
}
