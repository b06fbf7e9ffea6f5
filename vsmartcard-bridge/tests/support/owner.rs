//! An owner of a card, who remembers the coins that it had, and a shop that looks at what it is paid.

use std::collections::HashMap;

use bitcoin::secp256k1::{Message, Secp256k1, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, XOnlyPublicKey, consensus};
use tillcard_protocol::command::{
    Apdu, EnterCoin, Issue, KeySource, Leaf, Limits, Network, Pay, PaymentRequest, Policy, Source,
    Verify,
};
use tillcard_protocol::pin::PinBlock;
use tillcard_test_owner::{
    Coin, Owner as TestOwner, SHOP_SCRIPT, ShopRequest, Terms, funding_transaction,
};

use super::contacts::{Answer, Contacts};

pub const PIN: &str = "271828";
pub const WRONG_PIN: &str = "314159";

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
    let request = ShopRequest {
        amount,
        fee_rate: 2_000,
        source: Source::Rooted,
    };
    request.with_identity(identity)
}

pub fn pay(amount: u64) -> Apdu {
    Pay::to_apdu(request(amount)).unwrap()
}

/// ISSUE for a network, with keys of nobody.
pub fn issue_for(network: Network) -> Apdu {
    let secp = Secp256k1::new();
    let key = bitcoin::secp256k1::SecretKey::from_slice(&[0x11; 32]).unwrap();
    let key = key.x_only_public_key(&secp).0.serialize();
    Issue::new(
        network,
        KeySource::Made(&[0x33; 32]),
        &key,
        Leaf::Key(key),
        &PinBlock::from_digits(PIN.as_bytes()).unwrap(),
        LIMITS,
        POLICY,
    )
    .to_apdu()
}

/// What an owner knows of a card that he issued.
#[derive(Clone)]
pub struct Owner {
    owner: TestOwner,
    /// Every coin that the card ever had.
    outputs: HashMap<OutPoint, TxOut>,
    /// Payments asked for, so that each has an identity of its own.
    payments: u64,
}

impl Owner {
    /// Selects and issues a card that has left its factory.
    pub fn issue(card: &mut impl Contacts) -> Self {
        let terms = Terms {
            network: Network::Regtest,
            pin: PIN.into(),
            limits: LIMITS,
            policy: POLICY,
        };
        let mut contact = |command: &[u8]| card.exchange(command);
        Self {
            owner: TestOwner::issue(&mut contact, &terms, [0x11; 32]).unwrap(),
            outputs: HashMap::new(),
            payments: 0,
        }
    }

    /// The card's script at an index of a chain.
    pub fn script(&self, chain: u32, index: u32) -> ScriptBuf {
        self.owner.account().script(chain, index)
    }

    /// A transaction that pays the card at a receive index, from an outpoint that nobody has.
    pub fn funding(&self, index: u32, amount: u64, salt: u32) -> Transaction {
        let mut source = [0xAB; 32];
        source[..4].copy_from_slice(&salt.to_be_bytes());
        funding_transaction(source, self.script(0, index), Amount::from_sat(amount))
    }

    /// Announces output 0 of `transaction` to the card, which was asked for a challenge.
    pub fn begin(&self, transaction: &Transaction, index: u32, challenge: &[u8]) -> Apdu {
        let announced = coin(transaction, index).announced();
        let signature = self.owner.sign(challenge.try_into().unwrap(), &announced);
        EnterCoin::begin(&announced, &signature)
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
        let mut contact = |command: &[u8]| card.exchange(command);
        let entered = self.owner.enter(&mut contact, &coin(&transaction, index));
        assert_eq!(entered.unwrap(), Amount::from_sat(amount));
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
        let paid = |output: &&TxOut| output.script_pubkey.as_bytes() == SHOP_SCRIPT;
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
        let secp = Secp256k1::verification_only();
        let mut cache = SighashCache::new(&transaction);
        for (at, input) in transaction.input.iter().enumerate() {
            let prevouts = Prevouts::All(&spent);
            let hash = cache
                .taproot_key_spend_signature_hash(at, &prevouts, TapSighashType::Default)
                .unwrap();
            let key = &spent[at].script_pubkey.as_bytes()[2..];
            let key = XOnlyPublicKey::from_slice(key).unwrap();
            let signature = schnorr::Signature::from_slice(&input.witness[0]).unwrap();
            secp.verify_schnorr(&signature, &Message::from(hash), &key)
                .unwrap();
        }
        self.note(&transaction);
    }
}

/// Output 0 of a transaction, at a receive index.
fn coin(transaction: &Transaction, index: u32) -> Coin {
    Coin {
        transaction: transaction.clone(),
        vout: 0,
        index,
    }
}
