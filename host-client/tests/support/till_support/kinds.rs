//! Cards of every kind: imported keys, delayed leaves, none.

use bitcoin::{Amount, Network, Transaction};
use tillcard::chain::FeeRate;
use tillcard::owner::{KEY_PATH_INPUT_WEIGHT, Owner, SWEEP_INPUT_WEIGHT, Sweep, SweepOptions};
use tillcard_client::account::{CardChain, Provenance};

use super::{Kind, PIN, Scene};
use crate::owner_support::Regtest;

const SWEEP: SweepOptions = SweepOptions {
    fee_rate: FeeRate::from_sat_per_kvb(10_000),
    replace_unconfirmed: false,
};

fn block(owner: &mut Owner, regtest: &dyn Regtest, number: u32) -> Sweep {
    let (chain, progress) = (regtest.chain(), &mut |_: u32, _: u32| ());
    owner.sync(chain, progress).expect("the chain answers");
    owner
        .block(chain, number, SWEEP, progress)
        .expect("a sweep")
}

#[track_caller]
fn assert_input_weight(transaction: &Transaction, weight: u64) {
    for input in &transaction.input {
        let witness = bitcoin::consensus::serialize(&input.witness).len() as u64;
        assert_eq!(4 * 41 + witness, weight);
    }
}

fn has_data(transaction: &Transaction) -> bool {
    let mut outputs = transaction.output.iter();
    outputs.any(|output| output.script_pubkey.is_op_return())
}

/// A card whose key comes from the words pays, is found again by words and chain though nothing was
/// written for it, and is blocked by key path.
pub(crate) fn imported_cards_come_back_from_words_alone(regtest: &dyn Regtest) {
    for leaf_delay in [None, Some(0)] {
        let kind = Kind {
            import: true,
            leaf_delay,
            ..Kind::default()
        };
        let mut scene = Scene::issued(regtest, Network::Regtest, kind);
        scene.top_up(60_000);
        let record = scene.someone.owner.card(scene.number).unwrap();
        assert_eq!(record.provenance, Provenance::Imported);
        assert!(record.identity_key.is_some());
        assert!(!has_data(&record.top_ups[0].transaction));
        scene.pay(&[PIN]).settled();

        let (mut restored, report) = scene.someone.restored(regtest);
        assert_eq!(report.cards.len(), 1);
        assert_eq!(report.cards[0].issued.account, record.account);
        assert_eq!(report.cards[0].issued.provenance, Provenance::Imported);
        let sweep = block(&mut restored, regtest, scene.number);
        assert_eq!(sweep.transactions.len(), 1, "the change of the milk");
        assert_input_weight(&sweep.transactions[0], KEY_PATH_INPUT_WEIGHT);
        regtest.confirm();
        scene.pay(&[PIN]).declined();
    }
}

/// With `older(5)` in the leaf, the owner takes a coin back when it is five blocks deep and not
/// before; words and chain tell of the delay.
pub(crate) fn coins_wait_for_their_owner(regtest: &dyn Regtest) {
    const DELAY: u16 = 5;
    let kind = Kind {
        leaf_delay: Some(DELAY),
        ..Kind::default()
    };
    let mut scene = Scene::issued(regtest, Network::Regtest, kind);
    scene.top_up(60_000);
    let record = scene.someone.owner.card(scene.number).unwrap();
    assert!(has_data(&record.top_ups[0].transaction));
    scene.pay(&[PIN]).settled();
    // The change is two blocks deep.
    let (mut restored, report) = scene.someone.restored(regtest);
    assert_eq!(report.cards[0].issued.account, record.account);
    assert_eq!(report.cards[0].issued.account.leaf().delay(), DELAY);
    for depth in 2..DELAY {
        let sweep = block(&mut restored, regtest, scene.number);
        assert!(sweep.transactions.is_empty(), "{depth} deep");
        assert_eq!(sweep.too_young.len(), 1);
        assert_eq!(sweep.too_young[0].chain, CardChain::Change);
        regtest.confirm();
    }
    // Five deep: the next block may have the sweep.
    let sweep = block(&mut restored, regtest, scene.number);
    let [transaction] = &sweep.transactions[..] else {
        panic!("{sweep:?}");
    };
    assert_eq!(transaction.input[0].sequence.0, u32::from(DELAY));
    assert_input_weight(transaction, SWEEP_INPUT_WEIGHT + 2);
    regtest.confirm();
    restored
        .sync(regtest.chain(), &mut |_, _| ())
        .expect("the chain answers");
    assert!(restored.balance().confirmed > Amount::ZERO);
    scene.pay(&[PIN]).declined();
}
