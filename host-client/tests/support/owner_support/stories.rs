//! What must hold on every chain, the embedded one and Bitcoin Core's alike.

use bitcoin::{Amount, OutPoint, TxOut};
use tillcard::chain::{ChainError, FeeRate, OutputState};
use tillcard::owner::{CardCoin, Owner, OwnerError, SWEEP_INPUT_WEIGHT, SweepOptions, TopUp};
use tillcard_client::account::CardChain;

use super::{RATE, Regtest, Someone, fee};
use crate::chain_support::{Payer, coinbase, output};

/// Makes each story a test of the program that calls this, told on a chain of its own that `$chain`
/// starts.
macro_rules! tests {
    ($chain:path) => {
        $crate::owner_support::stories::tests! { $chain:
            primary_pays
            top_ups_reach_the_card
            a_lost_card_is_blocked
            a_thief_is_outbid
            many_coins_are_swept
            words_and_chain_suffice
            without_the_copy_nothing_is_found
        }
    };
    ($chain:path: $($story:ident)+) => {
        $(
            #[test]
            fn $story() {
                $crate::owner_support::stories::$story(&$chain());
            }
        )+
    };
}
pub(crate) use tests;

const SWEEP: SweepOptions = SweepOptions {
    fee_rate: FeeRate::from_sat_per_kvb(10_000),
    replace_unconfirmed: false,
};

fn sat(amount: u64) -> Amount {
    Amount::from_sat(amount)
}

fn coins(someone: &Someone, regtest: &dyn Regtest, number: u32) -> Vec<CardCoin> {
    let view = someone
        .owner
        .card_coins(regtest.chain(), number, &mut |_, _| ())
        .expect("the chain answers");
    view.coins
}

/// The primary wallet receives, pays, and keeps its state over a restart.
pub(crate) fn primary_pays(regtest: &dyn Regtest) {
    let mut someone = Someone::with_funds(regtest);
    let before = someone.owner.balance().confirmed;
    let shop = Payer::new(2);
    let payment = someone
        .owner
        .send(regtest.chain(), shop.script(), sat(50_000), RATE)
        .expect("a payment");
    let paid = fee(&payment, before);
    let vsize = payment.vsize() as u64;
    assert!(paid >= RATE.fee(vsize) && paid <= RATE.fee(vsize + 2));
    assert_eq!(someone.owner.balance().confirmed, Amount::ZERO);

    // A change that waits can be spent too; then all is confirmed.
    someone
        .owner
        .send(regtest.chain(), shop.script(), sat(60_000), RATE)
        .expect("a second payment");
    regtest.confirm();
    let folder = someone.folder.path().join("owner");
    drop(someone.owner);
    let mut owner = Owner::open(&folder).expect("the owner again");
    owner
        .sync(regtest.chain(), &mut |_, _| ())
        .expect("the chain answers");
    let after = owner.balance().confirmed;
    assert!(after < before - sat(110_000) && after > before - sat(112_000));

    let broke = owner.send(regtest.chain(), shop.script(), before, RATE);
    assert!(matches!(broke, Err(OwnerError::InsufficientFunds { .. })));
    let mad = FeeRate::from_sat_per_kvb(500_001);
    let mad = owner.send(regtest.chain(), shop.script(), sat(1_000), mad);
    assert!(matches!(mad, Err(OwnerError::FeeRateAboveCap(_))));
}

/// The first top-up carries 80 bytes of backup, later ones don't; each can be streamed to the card.
pub(crate) fn top_ups_reach_the_card(regtest: &dyn Regtest) {
    let mut someone = Someone::with_funds(regtest);
    let (card, record) = someone.issue(regtest, true);
    let mut top_up = |amount| {
        someone
            .owner
            .top_up(regtest.chain(), record.number, sat(amount), RATE)
            .expect("a top-up")
    };
    let (first, second) = (top_up(100_000), top_up(200_000));
    let data = |top_up: &TopUp| {
        let outputs = top_up.transaction.output.iter();
        outputs
            .filter(|output| output.script_pubkey.is_op_return())
            .map(|output| (output.value, output.script_pubkey.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(data(&first), [(Amount::ZERO, 83)]);
    assert_eq!(data(&second), []);

    for (top_up, index, amount) in [(&first, 0, 100_000), (&second, 1, 200_000)] {
        assert_eq!((top_up.index, top_up.amount()), (index, sat(amount)));
        assert_eq!(
            top_up.transaction.output[top_up.vout as usize].script_pubkey,
            card.account
                .script(CardChain::Receive, index)
                .expect("a script")
        );
        // What the card hashes must be the txid's preimage.
        use bitcoin::hashes::{Hash, sha256d};
        assert_eq!(
            sha256d::Hash::hash(&top_up.stripped()),
            top_up.txid().to_raw_hash()
        );
        assert!(matches!(
            regtest.chain().output(&top_up.outpoint()),
            Ok(OutputState::Unspent { .. })
        ));
    }

    someone
        .owner
        .mark_entered(record.number, &first.txid())
        .expect("noted");
    let stored = someone.owner.card(record.number).expect("the card");
    assert_eq!(stored.pending_top_ups().collect::<Vec<_>>(), [&second]);
    someone
        .owner
        .resend_top_ups(regtest.chain(), record.number)
        .expect("nothing to send");

    regtest.confirm();
    let mut seen: Vec<_> = coins(&someone, regtest, record.number)
        .into_iter()
        .map(|coin| (coin.index, coin.output.value, coin.height.is_some()))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [(0, sat(100_000), true), (1, sat(200_000), true)]);
}

/// A lost card's coins, change included, go to the primary wallet; then the card can't pay.
pub(crate) fn a_lost_card_is_blocked(regtest: &dyn Regtest) {
    let mut someone = Someone::with_funds(regtest);
    let (card, record) = someone.issue(regtest, true);
    for amount in [100_000, 200_000, 700] {
        someone
            .owner
            .top_up(regtest.chain(), record.number, sat(amount), RATE)
            .expect("a top-up");
    }
    regtest.confirm();
    // The card paid once: its change is at index 3 since three payments were never sent.
    let mut held = coins(&someone, regtest, record.number);
    held.sort_by_key(|coin| coin.index);
    let milk = card.pay(&held[..1], Payer::new(2).script(), sat(21_000), sat(400), 3);
    regtest.chain().broadcast(&milk).expect("the milk");
    regtest.confirm();
    someone.sync(regtest);
    let before = someone.owner.balance().confirmed;

    let sweep = someone
        .owner
        .block(regtest.chain(), record.number, SWEEP, &mut |_, _| ())
        .expect("a sweep");
    assert_eq!(sweep.transactions.len(), 1);
    let transaction = &sweep.transactions[0];
    assert_eq!(transaction.input.len(), 2);
    // 700 sat aren't worth 748 of fee.
    assert_eq!(sweep.left_behind.len(), 1);
    assert_eq!(sweep.left_behind[0].output.value, sat(700));
    for input in &transaction.input {
        let weight = 4 * 41 + bitcoin::consensus::serialize(&input.witness).len() as u64;
        assert_eq!(weight, SWEEP_INPUT_WEIGHT);
        assert_eq!(weight, 299, "74.75 vbytes");
        assert!(input.sequence.is_rbf());
    }
    let swept = sat(200_000) + sat(100_000 - 21_000 - 400);
    let vsize = transaction.vsize() as u64;
    assert_eq!(vsize, (42 + 172 + 2 * 299u64).div_ceil(4));
    assert_eq!(fee(transaction, swept), SWEEP.fee_rate.fee(vsize));

    regtest.confirm();
    someone.sync(regtest);
    assert_eq!(
        someone.owner.balance().confirmed,
        before + swept - SWEEP.fee_rate.fee(vsize)
    );
    // The thief comes too late.
    let late = card.pay(
        &held[1..2],
        Payer::new(3).script(),
        sat(21_000),
        sat(400),
        4,
    );
    assert!(matches!(
        regtest.chain().broadcast(&late),
        Err(ChainError::Rejected { .. })
    ));
    assert!(
        someone
            .owner
            .card(record.number)
            .expect("the card")
            .is_blocked()
    );
    let top_up = someone
        .owner
        .top_up(regtest.chain(), record.number, sat(1_000), RATE);
    assert!(matches!(top_up, Err(OwnerError::CardBlocked(0))));
    // Nothing more to take, and no harm in asking.
    let again = someone
        .owner
        .block(regtest.chain(), record.number, SWEEP, &mut |_, _| ())
        .expect("nothing to sweep");
    assert!(again.transactions.is_empty());
}

/// A thief's unconfirmed payment is replaced when the owner says so; otherwise its change is taken.
pub(crate) fn a_thief_is_outbid(regtest: &dyn Regtest) {
    let mut someone = Someone::with_funds(regtest);
    let (card, record) = someone.issue(regtest, true);
    for amount in [100_000, 200_000] {
        someone
            .owner
            .top_up(regtest.chain(), record.number, sat(amount), RATE)
            .expect("a top-up");
    }
    regtest.confirm();
    let held = coins(&someone, regtest, record.number);
    let dear = held
        .iter()
        .max_by_key(|coin| coin.output.value)
        .cloned()
        .expect("a coin");
    // A fee rate well above the owner's.
    let theft = card.pay(&[dear], Payer::new(3).script(), sat(100_000), sat(9_000), 0);
    regtest.chain().broadcast(&theft).expect("the theft");

    let patient = someone
        .owner
        .block(regtest.chain(), record.number, SWEEP, &mut |_, _| ())
        .expect("a sweep");
    let taken: Vec<OutPoint> = patient.transactions[0]
        .input
        .iter()
        .map(|input| input.previous_output)
        .collect();
    assert_eq!(taken.len(), 2, "the other coin and the theft's change");
    assert!(taken.contains(&output(&theft, 1).0));

    // Now in earnest: the theft goes, and with it the sweep that spent its change.
    let earnest = SweepOptions {
        replace_unconfirmed: true,
        ..SWEEP
    };
    let sweep = someone
        .owner
        .block(regtest.chain(), record.number, earnest, &mut |_, _| ())
        .expect("a sweep");
    let transaction = &sweep.transactions[0];
    assert_eq!(transaction.input.len(), 1);
    assert!(fee(transaction, sat(200_000)) > sat(9_000));
    let waiting = regtest.chain().mempool().expect("the mempool");
    assert!(waiting.contains(&transaction.compute_txid()));
    assert!(!waiting.contains(&theft.compute_txid()));
    assert!(!waiting.contains(&patient.transactions[0].compute_txid()));

    // The first sweep's other coin is free again.
    let rest = someone
        .owner
        .block(regtest.chain(), record.number, earnest, &mut |_, _| ())
        .expect("a sweep");
    assert_eq!(rest.pending, [transaction.compute_txid()]);
    assert_eq!(rest.transactions.len(), 1);
    regtest.confirm();
    assert!(coins(&someone, regtest, record.number).is_empty());
    someone.sync(regtest);
    assert!(someone.owner.balance().unconfirmed == Amount::ZERO);
}

/// More than a hundred coins are swept by several transactions.
pub(crate) fn many_coins_are_swept(regtest: &dyn Regtest) {
    let payer = Payer::new(1);
    regtest.mine(1, &payer.address());
    let height = regtest.chain().tip().expect("tip").height;
    let mut someone = Someone::with_funds(regtest);
    let (card, record) = someone.issue(regtest, true);
    let coin = coinbase(regtest.chain(), height);
    // Many people paid the card at few of its indexes.
    let outputs: Vec<TxOut> = (0..120u32)
        .map(|number| TxOut {
            value: sat(20_000 + u64::from(number)),
            script_pubkey: card
                .account
                .script(CardChain::Receive, number % 7)
                .expect("a script"),
        })
        .collect();
    let total: Amount = outputs.iter().map(|output| output.value).sum();
    let mut shower = outputs.clone();
    shower.push(TxOut {
        value: coin.1.value - total - sat(20_000),
        script_pubkey: payer.script(),
    });
    let shower = payer.spend(&[coin], shower);
    regtest.chain().broadcast(&shower).expect("many coins");
    regtest.confirm();

    let sweep = someone
        .owner
        .block(regtest.chain(), record.number, SWEEP, &mut |_, _| ())
        .expect("a sweep");
    let counts: Vec<usize> = sweep.transactions.iter().map(|tx| tx.input.len()).collect();
    assert_eq!(counts, [100, 20]);
    regtest.confirm();
    assert!(coins(&someone, regtest, record.number).is_empty());
}

/// Words and chain suffice, on an empty folder, for cards whose key is on the chain; and for those
/// alone.
pub(crate) fn words_and_chain_suffice(regtest: &dyn Regtest) {
    let mut someone = Someone::with_funds(regtest);
    let (first_card, first) = someone.issue(regtest, true);
    let (_, undisclosed) = someone.issue(regtest, false);
    let (_, third) = someone.issue(regtest, true);
    for record in [&first, &undisclosed, &third] {
        someone
            .owner
            .top_up(regtest.chain(), record.number, sat(100_000), RATE)
            .expect("a top-up");
    }
    someone
        .owner
        .top_up(regtest.chain(), first.number, sat(50_000), RATE)
        .expect("a top-up");
    regtest.confirm();
    someone.sync(regtest);

    let (mut restored, report) = someone.restored(regtest);
    assert_eq!(restored.balance(), someone.owner.balance());
    let numbers: Vec<u32> = report.cards.iter().map(|card| card.number).collect();
    assert_eq!(numbers, [0, 2]);
    assert_eq!(report.cards[0].issued.account, first_card.account);
    assert_eq!(report.missing, [1]);
    let text = report.to_string();
    assert!(text.contains("Card 1: not found"), "{text}");
    assert!(text.contains("coins can't be found"), "{text}");
    assert_eq!(restored.card(0).expect("card 0").next_receive_index, 2);
    assert!(matches!(restored.card(1), Err(OwnerError::UnknownCard(1))));
    assert_eq!(
        restored.next_card_number().expect("a number"),
        3 + 10,
        "cards may have been issued that nobody paid"
    );

    // The restored owner blocks the first card, which nobody has seen since.
    let sweep = restored
        .block(regtest.chain(), 0, SWEEP, &mut |_, _| ())
        .expect("a sweep");
    assert_eq!(sweep.transactions[0].input.len(), 2);
    regtest.confirm();
    restored
        .sync(regtest.chain(), &mut |_, _| ())
        .expect("the chain answers");
    assert!(restored.balance().confirmed > someone.owner.balance().confirmed);
}

/// The control: without the data output, nothing is found, and the tool says so.
pub(crate) fn without_the_copy_nothing_is_found(regtest: &dyn Regtest) {
    let mut someone = Someone::with_funds(regtest);
    let (_, record) = someone.issue(regtest, false);
    someone
        .owner
        .top_up(regtest.chain(), record.number, sat(100_000), RATE)
        .expect("a top-up");
    regtest.confirm();
    let (restored, report) = someone.restored(regtest);
    assert!(report.cards.is_empty());
    assert!(restored.cards().expect("the cards").is_empty());
    let text = report.to_string();
    assert!(text.contains("No card was found"), "{text}");
    assert!(text.contains("coins can't be found"), "{text}");
}
