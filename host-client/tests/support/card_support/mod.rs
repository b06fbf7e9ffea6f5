//! A card in process, its owner's keys, and coins for it.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test program uses its own part of this"
)]

mod between;

pub use between::{Between, Middle};

use crate::in_process::InProcess;
use bitcoin::absolute::LockTime;
use bitcoin::bip32::{ChildNumber, Xpub};
use bitcoin::hashes::Hash;
use bitcoin::key::{Keypair, Secp256k1};
use bitcoin::secp256k1::{Message, SecretKey};
use bitcoin::taproot::TaprootBuilder;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, Network, NetworkKind, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid,
    Witness, XOnlyPublicKey,
};
use tillcard_client::account::{CardAccount, Leaf};
use tillcard_client::card::{
    self, CardError, CardKeys, Factory, Failed, IssueOrder, Issued, Limits, OwnerAuthority,
    PinBlock, Policy, Session,
};
use tillcard_client::transport::Transport;
use tillcard_emu::card::EmulatedCard;
use tillcard_emu::seed::Seed;
use tillcard_runtime::nvm::RamNvm;

pub type TestCard = InProcess<EmulatedCard<RamNvm>>;

pub const PIN: &[u8] = b"4071";

pub const LIMITS: Limits = Limits {
    per_payment: 100_000,
    cumulative: 500_000,
    payments: 60,
    fee_cap: 10_000,
    least_fee_rate: 1_000,
    highest_fee_rate: 50_000,
    least_coin: 1_000,
    without_pin_amount: 0,
    without_pin_payments: 0,
};

/// Readers that know no channels are allowed.
pub const PLAIN: Policy = Policy {
    plain_sessions: true,
    statements: false,
};

pub fn fresh_card(seed: u64) -> TestCard {
    let card = EmulatedCard::ephemeral(Seed::Number(seed)).expect("a seeded card");
    InProcess::connect(card)
}

/// A card that nobody has personalised.
pub fn blank_card(seed: u64) -> TestCard {
    let card = EmulatedCard::ephemeral_blank(Seed::Number(seed)).expect("a seeded card");
    InProcess::connect(card)
}

pub fn pin(digits: &[u8]) -> PinBlock {
    PinBlock::from_digits(digits).expect("a PIN")
}

/// Signs owner commands for the card of an id.
pub struct Authority(pub Keypair, pub [u8; 16]);

impl OwnerAuthority for Authority {
    fn card_id(&self) -> [u8; 16] {
        self.1
    }

    fn sign(&self, message: &[u8; 32]) -> Result<[u8; 64], CardError> {
        let message = Message::from_digest(*message);
        let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&message, &self.0);
        Ok(signature.serialize())
    }
}

/// What the owner of a test card has.
pub struct TestOwner {
    pub owner_key: Keypair,
    pub leaf_key: Keypair,
    pub account: CardAccount,
    pub card_keys: CardKeys,
}

fn keypair(byte: u8) -> Keypair {
    let secret = SecretKey::from_slice(&[byte; 32]).expect("a key");
    Keypair::from_secret_key(&Secp256k1::new(), &secret)
}

/// Issues a fresh card.
pub fn issue<T: Transport>(transport: T) -> (TestOwner, Session<T, Issued>) {
    try_issue(transport).expect("issued")
}

/// An owner, and a card that was issued to him.
type IssuedTo<T> = (TestOwner, Session<T, Issued>);

/// Issues a fresh card that may lie.
pub fn try_issue<T: Transport>(transport: T) -> Result<IssuedTo<T>, Failed<Session<T, Factory>>> {
    let (owner_key, leaf_key) = (keypair(0x11), keypair(0x22));
    let order = IssueOrder {
        network: Network::Regtest,
        owner_key: owner_key.x_only_public_key().0,
        leaf: Leaf::with_delay(leaf_key.x_only_public_key().0, 0),
        import: None,
        pin: &pin(PIN),
        limits: LIMITS,
        policy: PLAIN,
    };
    let session = card::open(transport)
        .expect("a card")
        .factory()
        .expect("a fresh one");
    let (issued, session) = session.issue(&order)?;
    let owner = TestOwner {
        owner_key,
        leaf_key,
        account: issued.account,
        card_keys: issued.card_keys.expect("told when it was issued"),
    };
    Ok((owner, session))
}

impl TestOwner {
    pub fn authority(&self) -> Authority {
        Authority(self.owner_key, self.account.card_id())
    }

    /// The card's script `CARD/chain/index`, by rust-bitcoin.
    pub fn script(&self, chain: u32, index: u32) -> ScriptBuf {
        let secp = Secp256k1::new();
        let account = Xpub {
            network: NetworkKind::Test,
            depth: 0,
            parent_fingerprint: Default::default(),
            child_number: ChildNumber::Normal { index: 0 },
            public_key: self.account.account_key(),
            chain_code: self.account.chain_code().into(),
        };
        let path = [chain, index].map(|index| ChildNumber::Normal { index });
        let child = account.derive_pub(&secp, &path).expect("a child");
        let leaf = ScriptBuf::builder()
            .push_x_only_key(&self.leaf_key.x_only_public_key().0)
            .push_opcode(bitcoin::opcodes::all::OP_CHECKSIG)
            .into_script();
        let tree = TaprootBuilder::new()
            .add_leaf(0, leaf)
            .expect("one leaf")
            .finalize(&secp, XOnlyPublicKey::from(child.public_key))
            .expect("a tree");
        ScriptBuf::new_p2tr_tweaked(tree.output_key())
    }

    /// A transaction that pays `amount` to the card's receive script at `index`, in output 1.
    pub fn funding(&self, index: u32, amount: u64) -> Transaction {
        let other = TxOut {
            value: Amount::from_sat(5_000),
            script_pubkey: payee(0x33),
        };
        let coin = TxOut {
            value: Amount::from_sat(amount),
            script_pubkey: self.script(0, index),
        };
        let salt = [index as u8 + 1; 32];
        Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: OutPoint::new(Txid::from_byte_array(salt), 0),
                script_sig: ScriptBuf::new(),
                sequence: Sequence::MAX,
                witness: Witness::from_slice(&[[7; 64]]),
            }],
            output: vec![other, coin],
        }
    }
}

/// A P2WPKH script.
pub fn payee(byte: u8) -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::from_byte_array([byte; 20]))
}
