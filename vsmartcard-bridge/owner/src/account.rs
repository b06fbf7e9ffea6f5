//! A card's account: its public key, and the scripts that follow from it (`docs/protocol.md`,
//! section 3).

use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::opcodes::all::OP_CHECKSIG;
use bitcoin::secp256k1::{PublicKey, Secp256k1, VerifyOnly};
use bitcoin::taproot::{ControlBlock, LeafVersion, TaprootBuilder, TaprootSpendInfo};
use bitcoin::{Address, NetworkKind, ScriptBuf, XOnlyPublicKey};
use tillcard_protocol::command::{Issued, Network};
use tillcard_protocol::owner::{CARD_ID_LENGTH, card_id};

use crate::OwnerError;

/// An account, public to its owner: `tr(CARD/<0;1>/*,pk(PRIMARY))`.
#[derive(Clone, Debug)]
pub struct Account {
    network: Network,
    xpub: Xpub,
    leaf: XOnlyPublicKey,
    card_id: [u8; CARD_ID_LENGTH],
    secp: Secp256k1<VerifyOnly>,
}

impl Account {
    pub(crate) fn new(
        network: Network,
        issued: &Issued,
        leaf: XOnlyPublicKey,
    ) -> Result<Self, OwnerError> {
        let malformed = OwnerError::Malformed("ISSUE");
        let public_key = PublicKey::from_slice(&issued.public_key).map_err(|_| malformed)?;
        Ok(Self {
            network,
            xpub: Xpub {
                network: NetworkKind::Test,
                depth: 0,
                parent_fingerprint: Fingerprint::default(),
                child_number: ChildNumber::Normal { index: 0 },
                public_key,
                chain_code: ChainCode::from(issued.chain_code),
            },
            leaf,
            card_id: card_id(&issued.public_key, &issued.chain_code),
            secp: Secp256k1::verification_only(),
        })
    }

    /// The chain that the card is for.
    #[must_use]
    pub fn network(&self) -> Network {
        self.network
    }

    /// What the owner's signatures are bound to (section 5.2).
    #[must_use]
    pub fn card_id(&self) -> &[u8; CARD_ID_LENGTH] {
        &self.card_id
    }

    /// The descriptor of all its scripts (BIP386, BIP389), without a checksum.
    #[must_use]
    pub fn descriptor(&self) -> String {
        format!("tr({}/<0;1>/*,pk({}))", self.xpub, self.leaf)
    }

    /// The script (scriptPubKey) at an index of chain 0 (receive) or 1 (change). Indexes are below
    /// 2^31: of a larger one the lower 31 bits count.
    #[must_use]
    pub fn script(&self, chain: u32, index: u32) -> ScriptBuf {
        ScriptBuf::new_p2tr_tweaked(self.spend_info(chain, index).output_key())
    }

    /// `pk(PRIMARY)`
    pub(crate) fn leaf_script(&self) -> ScriptBuf {
        let script = ScriptBuf::builder().push_x_only_key(&self.leaf);
        script.push_opcode(OP_CHECKSIG).into_script()
    }

    /// What stands beside the leaf in a spend by it, at a receive index.
    pub(crate) fn control_block(&self, index: u32) -> ControlBlock {
        let leaf = (self.leaf_script(), LeafVersion::TapScript);
        let control = self.spend_info(0, index).control_block(&leaf);
        control.expect("the one leaf that there is")
    }

    fn spend_info(&self, chain: u32, index: u32) -> TaprootSpendInfo {
        let path = [chain, index].map(|number| ChildNumber::Normal {
            index: number & 0x7FFF_FFFF,
        });
        let child = self.xpub.derive_pub(&self.secp, &path);
        let child = child.expect("a key at each index below 2^31, but for one of 2^127");
        let internal = child.public_key.x_only_public_key().0;
        TaprootBuilder::with_huffman_tree([(1, self.leaf_script())])
            .expect("one leaf")
            .finalize(&self.secp, internal)
            .expect("a tree of one leaf is whole")
    }

    /// The address at a receive index.
    ///
    /// # Panics
    /// Never: each script here has an address.
    #[must_use]
    pub fn address(&self, index: u32) -> Address {
        let network = match self.network {
            Network::Mainnet => bitcoin::Network::Bitcoin,
            Network::Testnet => bitcoin::Network::Testnet,
            Network::Signet => bitcoin::Network::Signet,
            Network::Regtest => bitcoin::Network::Regtest,
        };
        Address::from_script(&self.script(0, index), network).expect("a P2TR script")
    }
}
