//! Two hundred payments of the real card, to every kind of payee, at every kind of rate, each taken
//! by a real `bitcoind` into its mempool.

use std::collections::BTreeMap;

use bitcoin::hashes::Hash;
use bitcoin::{Amount, Network, PubkeyHash, ScriptBuf, ScriptHash, Transaction, WPubkeyHash};
use bitcoin::{WScriptHash, XOnlyPublicKey, consensus};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tillcard::chain::FeeRate;
use tillcard_client::account::CardChain;
use tillcard_client::card::{self, Holder, Limits, PaymentOrder, PinBlock, Session};

use crate::bitcoind::Bitcoind;
use crate::owner_support::{RATE, Regtest};
use crate::till_support::{PIN, Purse, Scene};

const PAYMENTS: u32 = 200;
/// After so many the owner reads the log, renews the limits and tops up.
const VISIT: u32 = 10;
/// After so many a block is mined: no node takes endless chains of unconfirmed change.
const BLOCK: u32 = 5;

fn payee(dice: &mut ChaCha20Rng) -> (&'static str, ScriptBuf) {
    let mut bytes = [0; 32];
    dice.fill_bytes(&mut bytes);
    let [short @ .., _, _, _, _, _, _, _, _, _, _, _, _] = bytes;
    match dice.next_u32() % 5 {
        0 => (
            "P2PKH",
            ScriptBuf::new_p2pkh(&PubkeyHash::from_byte_array(short)),
        ),
        1 => (
            "P2SH",
            ScriptBuf::new_p2sh(&ScriptHash::from_byte_array(short)),
        ),
        2 => (
            "P2WPKH",
            ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array(short)),
        ),
        3 => (
            "P2WSH",
            ScriptBuf::new_p2wsh(&WScriptHash::from_byte_array(bytes)),
        ),
        _ => loop {
            if let Ok(key) = XOnlyPublicKey::from_slice(&bytes) {
                let key = bitcoin::key::TweakedPublicKey::dangerous_assume_tweaked(key);
                return ("P2TR", ScriptBuf::new_p2tr_tweaked(key));
            }
            dice.fill_bytes(&mut bytes);
        },
    }
}

/// The owner at home: reads and settles the log, renews the limits, and puts ten more coins on
/// the card.
fn visit(scene: &mut Scene<'_>, dice: &mut ChaCha20Rng, paid: u32) {
    let regtest = scene.regtest;
    regtest.confirm();
    scene.someone.sync(regtest);
    let owner = &mut scene.someone.owner;
    let top_ups: Vec<_> = (0..10)
        .map(|_| {
            let amount = Amount::from_sat(5_000 + u64::from(dice.next_u32() % 60_000));
            let top_up = owner.top_up(regtest.chain(), scene.number, amount, RATE);
            top_up.expect("a top-up")
        })
        .collect();
    regtest.confirm();
    let record = owner.card(scene.number).expect("the card");
    let authority = owner.authority(&record).expect("a key");
    let session = card::open(scene.purse.clone()).expect("a card");
    let mut session = session.issued().expect("issued").as_owner(authority);
    session.acknowledge(paid, paid).expect("acknowledged");
    session
        .set_limits(Limits {
            per_payment: 1_000_000,
            cumulative: 10_000_000,
            payments: u16::MAX,
            fee_cap: 100_000,
            least_fee_rate: 100,
            highest_fee_rate: 100_000,
            least_coin: 330,
            without_pin_amount: 0,
            without_pin_payments: 0,
        })
        .expect("limits");
    for top_up in top_ups {
        session
            .enter_coin(
                &top_up.transaction,
                top_up.vout,
                CardChain::Receive,
                top_up.index,
            )
            .expect("entered");
        owner
            .mark_entered(scene.number, &top_up.txid())
            .expect("noted");
    }
}

/// The card, put in anew, and the PIN typed.
fn verified(scene: &Scene<'_>, pin: &PinBlock) -> Session<Purse, Holder> {
    let holder = scene.session().verify(pin);
    holder
        .map_err(|failed| failed.error)
        .expect("the right PIN")
}

#[test]
fn a_node_takes_two_hundred_payments() {
    let regtest = Bitcoind::start();
    let mut scene = Scene::new(&regtest, Network::Regtest);
    let mut dice = ChaCha20Rng::seed_from_u64(200);
    let pin = PinBlock::from_digits(PIN.as_bytes()).expect("a PIN");
    let mut kinds = BTreeMap::<_, u32>::new();
    let mut shapes = BTreeMap::<_, u32>::new();
    let mut paid = 0;
    while paid < PAYMENTS {
        if paid % VISIT == 0 {
            visit(&mut scene, &mut dice, paid);
        }
        let (kind, script) = payee(&mut dice);
        // Mostly for milk, now and then for all that a few coins hold.
        let most = [120_000, 3_000, 3_000, 3_000, 3_000][dice.next_u32() as usize % 5];
        let amount = Amount::from_sat(600 + u64::from(dice.next_u32()) % most);
        let rate = FeeRate::from_sat_per_kvb(100 + dice.next_u32() % 4_900);
        let mut order = PaymentOrder::new(amount, rate, script.clone()).expect("an order");
        if dice.next_u32() % 8 == 0 {
            // So much that what is left over isn't worth an output.
            let preview = verified(&scene, &pin).preview(order);
            let asked = preview.map_err(|failed| failed.error).expect("a preview");
            let (change, change_size) = (asked.preview().change, 43);
            let most = amount + change + rate.fee(change_size) - Amount::from_sat(200);
            order = PaymentOrder::new(most, rate, script.clone()).expect("an order");
        }
        let bytes = match verified(&scene, &pin).pay(&order) {
            Ok((bytes, _)) => bytes,
            Err(failed) => panic!("payment {paid} of {}: {}", order.amount, failed.error),
        };
        let transaction: Transaction = consensus::deserialize(&bytes).expect("a transaction");
        if let Err(refused) = regtest.chain().broadcast(&transaction) {
            panic!(
                "payment {paid} of {} at {rate:?} to {script}: {refused}",
                order.amount
            );
        }
        *kinds.entry(kind).or_default() += 1;
        *shapes
            .entry((transaction.input.len(), transaction.output.len()))
            .or_default() += 1;
        paid += 1;
        if paid % BLOCK == 0 {
            regtest.confirm();
        }
    }
    println!("{PAYMENTS} payments in the mempool: to {kinds:?}, inputs and outputs {shapes:?}");
    assert_eq!(kinds.len(), 5, "every kind of payee");
    assert!(
        shapes.keys().any(|(inputs, _)| *inputs > 2),
        "several inputs"
    );
    assert!(
        shapes.keys().any(|(_, outputs)| *outputs == 1),
        "without change"
    );
}
