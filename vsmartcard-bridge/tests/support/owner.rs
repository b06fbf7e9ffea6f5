//! An owner and a shop, on rust-bitcoin.

use std::collections::HashMap;

use bitcoin::absolute::LockTime;
use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::hashes::Hash;
use bitcoin::key::{Keypair, TapTweak};
use bitcoin::opcodes::all::OP_CHECKSIG;
use bitcoin::secp256k1::{All, Message, PublicKey, Secp256k1, SecretKey, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::taproot::{LeafVersion, TapLeafHash, TapNodeHash};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, NetworkKind, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness,
    XOnlyPublicKey, consensus,
};
use tillcard_protocol::command::{
    Announced, Apdu, EnterCoin, GenerateKey, GetChallenge, Issue, Issued, KeySource, Leaf, Limits,
    Network, OwnerCommand, PIECE_MAX, Pay, PaymentRequest, Place, Policy, Select, Source, Verify,
};
use tillcard_protocol::owner;
use tillcard_protocol::pin::PinBlock;
use tillcard_protocol::session::Session;

use super::contacts::{Answer, Contacts};

pub const PIN: &str = "271828";
pub const WRONG_PIN: &str = "314159";

/// A P2WPKH output of a shop.
pub const PAYEE: [u8; 22] = *b"\x00\x14the-shop's-key-hash!";

/// These tests are of readers and memories, and pay without a channel.
pub const POLICY: Policy = Policy {
    plain_sessions: true,
    statements: false,
};

const LIMITS: Limits = Limits {
    per_payment: 1_000_000,
    cumulative: 100_000_000,
    payments: 1_000,
    fee_cap: 50_000,
    least_fee_rate: 100,
    highest_fee_rate: 100_000,
    least_coin: 330,
    without_pin_amount: 0,
    without_pin_payments: 0,
};

pub fn verify(digits: &str) -> Apdu {
    Verify::to_apdu(&PinBlock::from_digits(digits.as_bytes()).unwrap())
}

/// A request of the shop's, with an identity of its own for each amount.
pub fn request(amount: u64) -> PaymentRequest<'static> {
    let mut identity = [0x7E; 16];
    identity[8..].copy_from_slice(&amount.to_be_bytes());
    PaymentRequest {
        amount,
        fee_rate: 2_000,
        payee_script: &PAYEE,
        source: Source::Rooted,
        identity,
        merchant: b"The shop",
        invoice: None,
    }
}

pub fn pay(amount: u64) -> Apdu {
    Pay::to_apdu(request(amount)).unwrap()
}

/// What an owner knows of a card that he issued.
#[derive(Clone)]
pub struct Owner {
    secp: Secp256k1<All>,
    key: Keypair,
    leaf: XOnlyPublicKey,
    issued: Issued,
    account: Xpub,
    /// Every coin that the card ever had.
    outputs: HashMap<OutPoint, TxOut>,
    /// Payments asked for, so that each has an identity of its own.
    payments: u64,
}

fn issue(network: Network, key: &Keypair, leaf: &XOnlyPublicKey) -> Apdu {
    Issue::new(
        network,
        KeySource::Made(&[0x33; 32]),
        &key.x_only_public_key().0.serialize(),
        Leaf::Key(leaf.serialize()),
        &PinBlock::from_digits(PIN.as_bytes()).unwrap(),
        LIMITS,
        POLICY,
    )
    .to_apdu()
}

fn keys() -> (Secp256k1<All>, Keypair, XOnlyPublicKey) {
    let secp = Secp256k1::new();
    let secret = |byte| SecretKey::from_slice(&[byte; 32]).unwrap();
    let key = Keypair::from_secret_key(&secp, &secret(0x11));
    let leaf = secret(0x22).x_only_public_key(&secp).0;
    (secp, key, leaf)
}

/// ISSUE for a network, with keys of nobody.
pub fn issue_for(network: Network) -> Apdu {
    let (_, key, leaf) = keys();
    issue(network, &key, &leaf)
}

impl Owner {
    /// Selects and issues a card that has left its factory.
    pub fn issue(card: &mut impl Contacts) -> Self {
        let (secp, key, leaf) = keys();
        card.done(&Select::to_apdu());
        card.done(&GenerateKey::to_apdu());
        let issued = Issued::parse(&card.done(&issue(Network::Regtest, &key, &leaf))).unwrap();
        let account = Xpub {
            network: NetworkKind::Test,
            depth: 0,
            parent_fingerprint: Fingerprint::default(),
            child_number: ChildNumber::from_normal_idx(0).unwrap(),
            public_key: PublicKey::from_slice(&issued.public_key).unwrap(),
            chain_code: ChainCode::from(issued.chain_code),
        };
        Self {
            secp,
            key,
            leaf,
            issued,
            account,
            outputs: HashMap::new(),
            payments: 0,
        }
    }

    /// `tr(CARD/chain/index, pk(PRIMARY))`
    pub fn script(&self, chain: u32, index: u32) -> ScriptBuf {
        let path = [chain, index].map(|number| ChildNumber::from_normal_idx(number).unwrap());
        let child = self.account.derive_pub(&self.secp, &path).unwrap();
        let leaf = ScriptBuf::builder()
            .push_x_only_key(&self.leaf)
            .push_opcode(OP_CHECKSIG);
        let leaf = TapLeafHash::from_script(&leaf.into_script(), LeafVersion::TapScript);
        let internal = child.public_key.x_only_public_key().0;
        let output = internal
            .tap_tweak(&self.secp, Some(TapNodeHash::from(leaf)))
            .0;
        ScriptBuf::new_p2tr_tweaked(output)
    }

    /// A transaction that pays the card at a receive index, from an outpoint that nobody has.
    pub fn funding(&self, index: u32, amount: u64, salt: u32) -> Transaction {
        Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: OutPoint::new(Txid::from_byte_array([0xAB; 32]), salt),
                script_sig: ScriptBuf::new(),
                sequence: Sequence::MAX,
                witness: Witness::new(),
            }],
            output: vec![TxOut {
                value: Amount::from_sat(amount),
                script_pubkey: self.script(0, index),
            }],
        }
    }

    /// Announces output 0 of `transaction` to the card, which was asked for a challenge.
    pub fn begin(&self, transaction: &Transaction, index: u32, challenge: &[u8]) -> Apdu {
        let announced = Announced {
            txid: transaction.compute_txid().to_byte_array(),
            vout: 0,
            place: Place::receive(index),
        };
        let message = owner::message(
            Network::Regtest,
            &owner::card_id(&self.issued.public_key, &self.issued.chain_code),
            &Session::Plain,
            challenge.try_into().unwrap(),
            &Announced::HEADER,
            &announced.body(),
        );
        let signature = self
            .secp
            .sign_schnorr_no_aux_rand(&Message::from_digest(message), &self.key);
        EnterCoin::begin(&announced, &signature.serialize())
    }

    /// The preimage of a txid, which is what the card is given.
    pub fn stripped(transaction: &Transaction) -> Vec<u8> {
        assert!(
            transaction
                .input
                .iter()
                .all(|input| input.witness.is_empty())
        );
        consensus::serialize(transaction)
    }

    /// The command that gives the card the next bytes of a transaction.
    pub fn piece(bytes: &[u8]) -> Apdu {
        EnterCoin::piece(bytes).unwrap()
    }

    /// Remembers the coins that a transaction makes for the card, whether it gets them or not.
    pub fn note(&mut self, transaction: &Transaction) {
        for (output, vout) in transaction.output.iter().zip(0..) {
            let outpoint = OutPoint::new(transaction.compute_txid(), vout);
            self.outputs.insert(outpoint, output.clone());
        }
    }

    /// Gives the card a coin at a receive index.
    pub fn enter(&mut self, card: &mut impl Contacts, index: u32, amount: u64, salt: u32) {
        let transaction = self.funding(index, amount, salt);
        let challenge = card.done(&GetChallenge::to_apdu());
        card.done(&self.begin(&transaction, index, &challenge));
        for piece in Self::stripped(&transaction).chunks(PIECE_MAX) {
            card.done(&Self::piece(piece));
        }
        self.note(&transaction);
    }

    /// Has the card pay, and checks what it answers: paid, and signed with this card's keys.
    pub fn pay(&mut self, card: &mut impl Contacts, amount: u64) -> Answer {
        assert_eq!(card.send(&verify(PIN)).1, 0x9000);
        self.payments += 1;
        let mut asked = request(amount);
        asked.identity[..8].copy_from_slice(&self.payments.to_be_bytes());
        let (answer, status) = card.send(&Pay::to_apdu(asked).unwrap());
        if status == 0x9000 {
            self.check_payment(&answer, amount);
        }
        (answer, status)
    }

    /// Checks that a transaction pays `amount` to the shop and spends coins of the card's with the
    /// card's keys.
    pub fn check_payment(&mut self, answer: &[u8], amount: u64) {
        let transaction: Transaction = consensus::deserialize(answer).unwrap();
        let paid = |output: &&TxOut| output.script_pubkey.as_bytes() == PAYEE;
        let paid: u64 = transaction
            .output
            .iter()
            .filter(paid)
            .map(|o| o.value.to_sat())
            .sum();
        assert_eq!(paid, amount);
        let spent: Vec<TxOut> = transaction
            .input
            .iter()
            .map(|input| self.outputs[&input.previous_output].clone())
            .collect();
        let mut cache = SighashCache::new(&transaction);
        for (at, input) in transaction.input.iter().enumerate() {
            let prevouts = Prevouts::All(&spent);
            let hash = cache
                .taproot_key_spend_signature_hash(at, &prevouts, TapSighashType::Default)
                .unwrap();
            let key = &spent[at].script_pubkey.as_bytes()[2..];
            let key = XOnlyPublicKey::from_slice(key).unwrap();
            let signature = schnorr::Signature::from_slice(&input.witness[0]).unwrap();
            self.secp
                .verify_schnorr(&signature, &Message::from(hash), &key)
                .unwrap();
        }
        self.note(&transaction);
    }
}
