//! A host for the tests, built on rust-bitcoin: what the card computes is
//! checked against what this computes.

#![allow(dead_code)] // Each test binary uses its part.

pub mod signing;
pub mod sweep;

pub use tillcard_testkit::card::send;

use bitcoin::absolute::LockTime;
use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpriv, Xpub};
use bitcoin::hashes::Hash;
use bitcoin::key::{Keypair, TapTweak};
use bitcoin::opcodes::all::{OP_CHECKSIG, OP_CHECKSIGVERIFY, OP_CSV};
use bitcoin::secp256k1::{All, Message, PublicKey, Scalar, Secp256k1, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::taproot::{LeafVersion, TapLeafHash, TapNodeHash};
use bitcoin::{
    Amount, NetworkKind, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness,
    XOnlyPublicKey,
};
use embedded_storage::nor_flash::NorFlash;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{SeedableRng, TryCryptoRng};
use std::collections::HashMap;
use tillcard_applet::{Card, Configuration};
use tillcard_protocol::command::{
    Announced, Apdu, ChangeOwnerKey, Commitment, EnterCoin, GenerateKey, GetChallenge, Issue,
    Issued, KeySource, Leaf, Limits, Network, OwnerCommand, PIECE_MAX, Pay, PaymentRequest, Place,
    Policy, Preview, ReceiveScript, ReceiveScriptAnswer, Select, Source, Verify,
};
use tillcard_protocol::owner;
use tillcard_protocol::pin::PinBlock;
use tillcard_protocol::session::Session;
use tillcard_runtime::nvm::RamNvm;

pub const PIN: &str = "271828";
pub const LIMITS: Limits = Limits {
    per_payment: 1_000_000,
    cumulative: 3_000_000,
    payments: 60,
    fee_cap: 20_000,
    least_fee_rate: 100,
    highest_fee_rate: 100_000,
    least_coin: 1_000,
    without_pin_amount: 0,
    without_pin_payments: 0,
};

/// Plain sessions may pay; statements are given.
pub const POLICY: Policy = Policy {
    plain_sessions: true,
    statements: true,
};

pub fn pin(digits: &str) -> PinBlock {
    PinBlock::from_digits(digits.as_bytes()).unwrap()
}

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

const HOST_SHARE: [u8; 32] = [0x33; 32];

fn owner_key(secp: &Secp256k1<All>) -> Keypair {
    Keypair::from_secret_key(secp, &SecretKey::from_slice(&[0x11; 32]).unwrap())
}

fn leaf_key(secp: &Secp256k1<All>) -> XOnlyPublicKey {
    let secret = SecretKey::from_slice(&[0x22; 32]).unwrap();
    secret.x_only_public_key(secp).0
}

/// ISSUE with the keys and the PIN of these tests.
pub fn issue_apdu(limits: Limits) -> Apdu {
    let secp = Secp256k1::new();
    Issue::new(
        Network::Regtest,
        KeySource::Made(&HOST_SHARE),
        &owner_key(&secp).x_only_public_key().0.serialize(),
        Leaf::Key(leaf_key(&secp).serialize()),
        &pin(PIN),
        limits,
        POLICY,
    )
    .to_apdu()
}

/// What a host knows of a card that it issued.
#[derive(Clone)]
pub struct Owner {
    pub secp: Secp256k1<All>,
    pub key: Keypair,
    pub leaf: Leaf,
    pub account: Xpub,
    /// What the card should hold.
    pub coins: HashMap<OutPoint, TxOut>,
}

impl Owner {
    /// Of a card to which this account was imported.
    pub fn of_account(account: &Xpriv, leaf: Leaf) -> Self {
        let secp = Secp256k1::new();
        Self {
            key: owner_key(&secp),
            leaf,
            account: Xpub::from_priv(&secp, account),
            coins: HashMap::new(),
            secp,
        }
    }

    /// Selects and issues a factory card, checking the host's share.
    pub fn issue<N: NorFlash>(card: &mut Card<N, ChaCha20Rng>, limits: Limits) -> Self {
        let secp = Secp256k1::new();
        let key = owner_key(&secp);
        let leaf = Leaf::Key(leaf_key(&secp).serialize());
        let share = HOST_SHARE;
        assert_eq!(send(card, Select::to_apdu().as_bytes()).1, 0x9000);
        let (answer, status) = send(card, GenerateKey::to_apdu().as_bytes());
        assert_eq!(status, 0x9000);
        let commitment = Commitment::parse(&answer).unwrap().0;
        let issue = issue_apdu(limits);
        let (answer, status) = send(card, issue.as_bytes());
        assert_eq!(status, 0x9000);
        let issued = Issued::parse(&answer).unwrap();

        let expected = PublicKey::from_slice(&commitment)
            .unwrap()
            .add_exp_tweak(&secp, &Scalar::from_be_bytes(share).unwrap())
            .unwrap();
        assert_eq!(issued.public_key, expected.serialize());
        let chain_code = tagged_hash("Tillcard/chaincode", &[&commitment[..], &share].concat());
        assert_eq!(issued.chain_code, chain_code);
        let account = Xpub {
            network: NetworkKind::Test,
            depth: 0,
            parent_fingerprint: Fingerprint::default(),
            child_number: ChildNumber::from_normal_idx(0).unwrap(),
            public_key: expected,
            chain_code: ChainCode::from(issued.chain_code),
        };
        Self {
            secp,
            key,
            leaf,
            account,
            coins: HashMap::new(),
        }
    }

    /// The script at an index, by rust-bitcoin.
    pub fn script(&self, chain: u32, index: u32) -> ScriptBuf {
        let path = [chain, index].map(|i| ChildNumber::from_normal_idx(i).unwrap());
        let child = self.account.derive_pub(&self.secp, &path).unwrap();
        let root = self.leaf_script().map(|script| {
            TapNodeHash::from(TapLeafHash::from_script(&script, LeafVersion::TapScript))
        });
        let internal = child.public_key.x_only_public_key().0;
        let output = internal.tap_tweak(&self.secp, root).0;
        ScriptBuf::new_p2tr_tweaked(output)
    }

    /// The script of the leaf, by rust-bitcoin.
    fn leaf_script(&self) -> Option<ScriptBuf> {
        let key = XOnlyPublicKey::from_slice(self.leaf.key()?).unwrap();
        let script = ScriptBuf::builder().push_x_only_key(&key);
        Some(match self.leaf {
            Leaf::Delayed { blocks, .. } => script
                .push_opcode(OP_CHECKSIGVERIFY)
                .push_int(blocks.into())
                .push_opcode(OP_CSV)
                .into_script(),
            _ => script.push_opcode(OP_CHECKSIG).into_script(),
        })
    }

    /// A transaction with one output to the card, from nowhere in particular.
    pub fn funding(&self, index: u32, amount: u64, salt: u32) -> Transaction {
        Transaction {
            version: bitcoin::transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: OutPoint::new(bitcoin::Txid::from_byte_array([0xAB; 32]), salt),
                script_sig: ScriptBuf::new(),
                sequence: Sequence::MAX,
                witness: Witness::new(),
            }],
            output: vec![
                TxOut {
                    value: Amount::from_sat(5_000),
                    script_pubkey: ScriptBuf::from(vec![0x51; 40]),
                },
                TxOut {
                    value: Amount::from_sat(amount),
                    script_pubkey: self.script(0, index),
                },
            ],
        }
    }

    /// An owner command, signed for the card's challenge.
    pub fn command<N: NorFlash, R: TryCryptoRng, C: OwnerCommand>(
        &self,
        card: &mut Card<N, R>,
        command: &C,
    ) -> (Vec<u8>, u16) {
        match self.signed(card, command) {
            Ok(apdu) => send(card, apdu.as_bytes()),
            Err(status) => (Vec::new(), status),
        }
    }

    /// That command, not yet sent.
    pub fn signed<N: NorFlash, R: TryCryptoRng, C: OwnerCommand>(
        &self,
        card: &mut Card<N, R>,
        command: &C,
    ) -> Result<Apdu, u16> {
        let (challenge, status) = send(card, GetChallenge::to_apdu().as_bytes());
        if status != 0x9000 {
            return Err(status);
        }
        let challenge = challenge.try_into().unwrap();
        Ok(self.signed_in(&Session::Plain, &challenge, command))
    }

    /// The same, for a challenge of this session.
    pub fn signed_in<C: OwnerCommand>(
        &self,
        session: &Session,
        challenge: &[u8; 16],
        command: &C,
    ) -> Apdu {
        let id = if C::NAMES_CARD {
            self.card_id()
        } else {
            owner::ANY_CARD
        };
        let (header, body) = (&C::HEADER, command.body());
        let message = owner::message(Network::Regtest, &id, session, challenge, header, &body);
        command.to_apdu(&self.sign(&self.key, message))
    }

    /// CHANGE OWNER KEY to a key that is there to prove itself.
    pub fn change_key<N: NorFlash, R: TryCryptoRng>(
        &self,
        card: &mut Card<N, R>,
        new: &Keypair,
    ) -> (Vec<u8>, u16) {
        let (challenge, status) = send(card, GetChallenge::to_apdu().as_bytes());
        assert_eq!(status, 0x9000);
        let challenge: [u8; 16] = challenge.try_into().unwrap();
        let new_key = new.x_only_public_key().0.serialize();
        let id = self.card_id();
        let proven =
            owner::key_proof_message(Network::Regtest, &id, &Session::Plain, &challenge, &new_key);
        let change = ChangeOwnerKey {
            new_key,
            proof: self.sign(new, proven),
        };
        send(
            card,
            self.signed_in(&Session::Plain, &challenge, &change)
                .as_bytes(),
        )
    }

    fn card_id(&self) -> [u8; owner::CARD_ID_LENGTH] {
        owner::card_id(
            &self.account.public_key.serialize(),
            self.account.chain_code.as_bytes(),
        )
    }

    fn sign(&self, key: &Keypair, message: [u8; 32]) -> [u8; 64] {
        let message = Message::from_digest(message);
        self.secp
            .sign_schnorr_no_aux_rand(&message, key)
            .serialize()
    }

    /// Enters the coin that output 1 of a transaction makes.
    pub fn enter<N: NorFlash>(
        &mut self,
        card: &mut Card<N, ChaCha20Rng>,
        transaction: &Transaction,
        index: u32,
    ) -> u16 {
        let announced = announced(transaction, 1, Place::receive(index));
        self.enter_announced(card, transaction, &announced)
    }

    /// Enters a transaction's coin.
    pub fn enter_announced<N: NorFlash>(
        &mut self,
        card: &mut Card<N, ChaCha20Rng>,
        transaction: &Transaction,
        announced: &Announced,
    ) -> u16 {
        let (_, status) = self.command(card, announced);
        if status != 0x9000 {
            return status;
        }
        self.stream(card, transaction, announced)
    }

    /// Gives the card a coin without the owner.
    pub fn credit<N: NorFlash>(
        &mut self,
        card: &mut Card<N, ChaCha20Rng>,
        transaction: &Transaction,
        index: u32,
    ) -> u16 {
        let announced = announced(transaction, 1, Place::receive(index));
        let (_, status) = send(card, EnterCoin::credit(&announced).as_bytes());
        if status != 0x9000 {
            return status;
        }
        self.stream(card, transaction, &announced)
    }

    fn stream<N: NorFlash>(
        &mut self,
        card: &mut Card<N, ChaCha20Rng>,
        transaction: &Transaction,
        announced: &Announced,
    ) -> u16 {
        let bytes = stripped(transaction);
        let mut last = (Vec::new(), 0);
        for piece in bytes.chunks(PIECE_MAX) {
            last = send(card, EnterCoin::piece(piece).unwrap().as_bytes());
            if last.1 != 0x9000 {
                return last.1;
            }
        }
        assert_eq!(last.0.len(), 10);
        self.coins.insert(
            OutPoint::new(transaction.compute_txid(), announced.vout),
            transaction.output[announced.vout as usize].clone(),
        );
        last.1
    }

    pub fn verify<N: NorFlash>(&self, card: &mut Card<N, ChaCha20Rng>, digits: &str) -> u16 {
        send(card, Verify::to_apdu(&pin(digits)).as_bytes()).1
    }

    /// The card's next receive index, after the PIN was entered.
    pub fn next_index<N: NorFlash>(&self, card: &mut Card<N, ChaCha20Rng>) -> u32 {
        let (answer, status) = send(card, ReceiveScript::to_apdu().as_bytes());
        assert_eq!(status, 0x9000);
        let answer = ReceiveScriptAnswer::parse(&answer).unwrap();
        assert_eq!(answer.script[..], *self.script(0, answer.index).as_bytes());
        answer.index
    }

    /// Checks a payment and takes it into account.
    pub fn accept(&mut self, bytes: &[u8], payee: &[u8], amount: u64, change_index: u32) {
        let transaction: Transaction = bitcoin::consensus::deserialize(bytes).unwrap();
        assert_eq!(transaction.version.0, 2);
        assert_eq!(transaction.lock_time, LockTime::ZERO);
        let spent: Vec<TxOut> = transaction
            .input
            .iter()
            .map(|input| self.coins.remove(&input.previous_output).unwrap())
            .collect();
        let mut cache = SighashCache::new(&transaction);
        for (i, input) in transaction.input.iter().enumerate() {
            assert_eq!(input.sequence.0, 0xFFFF_FFFD);
            let sighash = cache
                .taproot_key_spend_signature_hash(
                    i,
                    &Prevouts::All(&spent),
                    TapSighashType::Default,
                )
                .unwrap();
            let key = XOnlyPublicKey::from_slice(&spent[i].script_pubkey.as_bytes()[2..]).unwrap();
            let signature = input.witness.nth(0).unwrap();
            assert_eq!((input.witness.len(), signature.len()), (1, 64));
            let signature = bitcoin::secp256k1::schnorr::Signature::from_slice(signature).unwrap();
            self.secp
                .verify_schnorr(&signature, &Message::from(sighash), &key)
                .unwrap();
        }
        let paid: Vec<_> = transaction
            .output
            .iter()
            .filter(|output| output.script_pubkey.as_bytes() == payee)
            .collect();
        assert_eq!(paid.len(), 1);
        assert_eq!(paid[0].value.to_sat(), amount);
        let change = self.script(1, change_index);
        for (vout, output) in transaction.output.iter().enumerate() {
            if output.script_pubkey == change {
                let outpoint = OutPoint::new(transaction.compute_txid(), vout as u32);
                self.coins.insert(outpoint, output.clone());
            } else {
                assert_eq!(output.script_pubkey.as_bytes(), payee);
            }
        }
    }
}

/// The preimage of the txid.
pub fn stripped(transaction: &Transaction) -> Vec<u8> {
    let mut transaction = transaction.clone();
    for input in &mut transaction.input {
        input.witness.clear();
    }
    bitcoin::consensus::serialize(&transaction)
}

/// A coin to be entered.
pub fn announced(transaction: &Transaction, vout: u32, place: Place) -> Announced {
    Announced {
        txid: transaction.compute_txid().to_byte_array(),
        vout,
        place,
    }
}

/// A request with an identity of its own for each payee and amount.
pub fn request(payee_script: &[u8], amount: u64) -> PaymentRequest<'_> {
    let mut identity = [payee_script[payee_script.len() - 3]; 16];
    identity[8..].copy_from_slice(&amount.to_be_bytes());
    PaymentRequest {
        amount,
        fee_rate: 2_000,
        payee_script,
        source: Source::Rooted,
        identity,
        merchant: b"Dairy",
        invoice: Some(&[0x1F; 32]),
    }
}

pub fn preview<N: NorFlash>(
    card: &mut Card<N, ChaCha20Rng>,
    request: PaymentRequest<'_>,
) -> (Vec<u8>, u16) {
    send(card, Preview::to_apdu(request).unwrap().as_bytes())
}

pub fn pay<N: NorFlash>(
    card: &mut Card<N, ChaCha20Rng>,
    request: PaymentRequest<'_>,
) -> (Vec<u8>, u16) {
    send(card, Pay::to_apdu(request).unwrap().as_bytes())
}

/// BIP340's tagged hash, by rust-bitcoin's SHA-256.
pub fn tagged_hash(tag: &str, message: &[u8]) -> [u8; 32] {
    use bitcoin::hashes::sha256;
    let tag = sha256::Hash::hash(tag.as_bytes()).to_byte_array();
    sha256::Hash::hash(&[&tag[..], &tag, message].concat()).to_byte_array()
}

/// An issued card with coins of these amounts, at receive indexes from 0.
pub fn funded(seed: u64, amounts: &[u64]) -> (Card<RamNvm, ChaCha20Rng>, Owner) {
    let mut card = Card::new(RamNvm::default(), rng(seed), Configuration::ANY_NETWORK);
    let mut owner = Owner::issue(&mut card, LIMITS);
    for (index, amount) in amounts.iter().enumerate() {
        let index = index as u32;
        let transaction = owner.funding(index, *amount, index);
        assert_eq!(owner.enter(&mut card, &transaction, index), 0x9000);
    }
    (card, owner)
}

pub fn p2wpkh(tag: u8) -> Vec<u8> {
    [&[0x00, 0x14][..], &[tag; 20]].concat()
}

/// A card on this NVM, selected.
pub fn selected<N: NorFlash>(nvm: N) -> Card<N, ChaCha20Rng> {
    let mut card = Card::new(nvm, rng(99), Configuration::ANY_NETWORK);
    assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
    card
}
