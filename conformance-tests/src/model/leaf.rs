//! The leaf that an owner gives a card: sections 3.2 and 3.3.

use bitcoin::ScriptBuf;
use bitcoin::opcodes::all::{OP_CHECKSIG, OP_CHECKSIGVERIFY, OP_CSV};
use bitcoin::script::Builder;
use bitcoin::secp256k1::Keypair;

/// How the owner spends without the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    /// He doesn't: `tr(CARD/<0;1>/*)`, for imported keys only.
    None,
    /// With his key: `tr(CARD/<0;1>/*,pk(PRIMARY))`.
    Key(Keypair),
    /// With his key, when so many blocks have passed:
    /// `tr(CARD/<0;1>/*,and_v(v:pk(PRIMARY),older(n)))`.
    Older(Keypair, u16),
}

impl Leaf {
    /// The 35 bytes of ISSUE's data object `83`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, blocks, key) = match self {
            Self::None => (0, 0, [0; 32]),
            Self::Key(key) => (1, 0, key.x_only_public_key().0.serialize()),
            Self::Older(key, blocks) => (2, *blocks, key.x_only_public_key().0.serialize()),
        };
        [&[kind][..], &u16::to_be_bytes(blocks), &key].concat()
    }

    /// The leaf script, if there is a leaf.
    #[must_use]
    pub fn script(&self) -> Option<ScriptBuf> {
        match self {
            Self::None => None,
            Self::Key(key) => Some(
                Builder::new()
                    .push_x_only_key(&key.x_only_public_key().0)
                    .push_opcode(OP_CHECKSIG)
                    .into_script(),
            ),
            Self::Older(key, blocks) => Some(
                Builder::new()
                    .push_x_only_key(&key.x_only_public_key().0)
                    .push_opcode(OP_CHECKSIGVERIFY)
                    .push_int(i64::from(*blocks))
                    .push_opcode(OP_CSV)
                    .into_script(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Leaf;
    use crate::keys::keypair;

    #[test]
    fn the_number_of_blocks_is_pushed_as_bip342_wants_it() {
        let key = keypair(&[7; 32]).unwrap();
        for (blocks, push) in [
            (1, "51"),
            (16, "60"),
            (17, "0111"),
            (127, "017f"),
            (128, "028000"),
            (255, "02ff00"),
            (256, "020001"),
            (32_767, "02ff7f"),
            (32_768, "03008000"),
            (65_535, "03ffff00"),
        ] {
            let script = Leaf::Older(key, blocks).script().unwrap().to_hex_string();
            assert!(script.starts_with("20") && script[66..].starts_with("ad"));
            assert_eq!(&script[68..], format!("{push}b2"), "{blocks}");
        }
        assert!(Leaf::None.script().is_none());
    }
}
