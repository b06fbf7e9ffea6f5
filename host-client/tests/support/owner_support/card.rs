//! An emulated card: made by the rules of `docs/protocol.md` §3, it spends by key path.

use bitcoin::absolute::LockTime;
use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpriv};
use bitcoin::hashes::{Hash, HashEngine, sha256};
use bitcoin::key::{Keypair, Secp256k1, TapTweak};
use bitcoin::secp256k1::{Message, Scalar, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::TapNodeHash;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, Network, NetworkKind, ScriptBuf, Sequence, TapSighashType, Transaction, TxOut,
    XOnlyPublicKey,
};
use tillcard::owner::CardCoin;
use tillcard_client::account::{CardAccount, CardChain, Issue, Leaf};

pub(crate) struct Card {
    master: Xpriv,
    leaf_key: XOnlyPublicKey,
    pub(crate) account: CardAccount,
}

fn tagged_hash(tag: &str, data: &[u8]) -> [u8; 32] {
    let tag = sha256::Hash::hash(tag.as_bytes()).to_byte_array();
    let mut engine = sha256::Hash::engine();
    engine.input(&tag);
    engine.input(&tag);
    engine.input(data);
    sha256::Hash::from_engine(engine).to_byte_array()
}

impl Card {
    pub(crate) fn new(secret: u8, leaf_key: XOnlyPublicKey) -> Self {
        let secp = Secp256k1::new();
        let c = SecretKey::from_slice(&[secret; 32]).expect("a valid secret");
        let commitment = c.public_key(&secp).serialize();
        let host_share = CardAccount::new_host_share().expect("a share");
        let share = Scalar::from_be_bytes(host_share).expect("below the order");
        let private_key = c.add_tweak(&share).expect("a valid key");
        let chain_code = tagged_hash(
            "Tillcard/chaincode",
            &[commitment.as_slice(), &host_share].concat(),
        );
        let account = CardAccount::from_issue(&Issue {
            network: Network::Regtest,
            commitment,
            host_share,
            account_key: private_key.public_key(&secp).serialize(),
            chain_code,
            leaf: Leaf::with_delay(leaf_key, 0),
        })
        .expect("an honest card");
        let master = Xpriv {
            network: NetworkKind::Test,
            depth: 0,
            parent_fingerprint: Fingerprint::default(),
            child_number: ChildNumber::Normal { index: 0 },
            private_key,
            chain_code: ChainCode::from(chain_code),
        };
        Self {
            master,
            leaf_key,
            account,
        }
    }

    /// A payment: fee as given, change at `change_index`.
    pub(crate) fn pay(
        &self,
        coins: &[CardCoin],
        to: ScriptBuf,
        amount: Amount,
        fee: Amount,
        change_index: u32,
    ) -> Transaction {
        let secp = Secp256k1::new();
        let total: Amount = coins.iter().map(|coin| coin.output.value).sum();
        let change = self
            .account
            .script(CardChain::Change, change_index)
            .expect("a script");
        let mut transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: coins
                .iter()
                .map(|coin| coin.input(Sequence::ENABLE_RBF_NO_LOCKTIME))
                .collect(),
            output: vec![
                TxOut {
                    value: amount,
                    script_pubkey: to,
                },
                TxOut {
                    value: total - amount - fee,
                    script_pubkey: change,
                },
            ],
        };
        let spent: Vec<&TxOut> = coins.iter().map(|coin| &coin.output).collect();
        let leaf = [
            &[0xc0, 0x22, 0x20],
            self.leaf_key.serialize().as_slice(),
            &[0xac],
        ]
        .concat();
        let root = TapNodeHash::from_byte_array(tagged_hash("TapLeaf", &leaf));
        let signatures: Vec<_> = coins
            .iter()
            .enumerate()
            .map(|(input, coin)| {
                let path = [coin.chain as u32, coin.index]
                    .map(|index| ChildNumber::from_normal_idx(index).expect("below 2^31"));
                let child = self.master.derive_priv(&secp, &path).expect("a child key");
                let key = Keypair::from_secret_key(&secp, &child.private_key)
                    .tap_tweak(&secp, Some(root));
                let hash = SighashCache::new(&transaction)
                    .taproot_key_spend_signature_hash(
                        input,
                        &Prevouts::All(&spent),
                        TapSighashType::Default,
                    )
                    .expect("an input of the transaction");
                secp.sign_schnorr(&Message::from(hash), &key.to_keypair())
            })
            .collect();
        for (input, signature) in transaction.input.iter_mut().zip(signatures) {
            input.witness.push(signature.as_ref());
        }
        transaction
    }
}
