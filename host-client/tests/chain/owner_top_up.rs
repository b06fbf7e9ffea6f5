//! Top-ups that go wrong: one bad coin never ends them, and nothing is sent that the card wouldn't
//! take.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use tillcard::owner::{Limits, OwnerError, PlaceUse, SweepOptions, TopUp, Visit};
use tillcard_client::account::CardChain;
use tillcard_client::card::{Derivation, SigningOrder};

use crate::chain_support::{Payer, coinbase, output};
use crate::embedded::Embedded;
use crate::owner_held::{MADE, Shared, adopt, issue};
use crate::owner_support::{RATE, Regtest, Someone};

const AMOUNT: Amount = Amount::from_sat(50_000);

fn at_home(seed: u64, regtest: &Embedded) -> (Someone, Shared) {
    let mut someone = Someone::with_funds(regtest);
    let card = Shared::fresh(seed);
    issue(&mut someone.owner, regtest, card.clone(), MADE).expect("issued");
    (someone, card)
}

impl Someone {
    fn visit(&mut self, card: &Shared) -> Visit<Shared> {
        let visit = self.owner.visit(Some(0), card.clone());
        visit.expect("this card")
    }

    /// Tops the card up at hand, and mines.
    fn fill(&mut self, card: &Shared, regtest: &Embedded) -> TopUp {
        let mut visit = self.visit(card);
        let top_up = self
            .owner
            .top_up_at_hand(&mut visit, regtest.chain(), AMOUNT, RATE)
            .expect("a top-up");
        regtest.confirm();
        self.sync(regtest);
        top_up
    }

    /// Tells the card of all its coins: how many it took, and how many not.
    fn enter_all(&mut self, card: &Shared) -> (usize, usize) {
        let record = self.owner.card(0).expect("a card");
        let pending: Vec<TopUp> = record.pending_top_ups().cloned().collect();
        let mut visit = self.visit(card);
        let mut taken = 0;
        let refused = self
            .owner
            .enter_top_ups(&mut visit, &pending, &mut |_, _| taken += 1)
            .expect("an answer");
        (taken, refused.len())
    }

    /// Has the card spend a coin at a receive index, so that it never takes one there again. Whatever
    /// the chain knows of the coin, the card signs for its owner.
    fn retire(&mut self, card: &Shared, index: u32, coin: Option<(OutPoint, Amount)>) {
        let record = self.owner.card(0).expect("a card");
        let script = record.account.script(CardChain::Receive, index);
        let (outpoint, value) = coin.unwrap_or((
            OutPoint::new(Txid::from_byte_array([index as u8 + 1; 32]), 7),
            Amount::from_sat(10_000),
        ));
        let order = SigningOrder {
            transaction: Transaction {
                version: Version::TWO,
                lock_time: LockTime::ZERO,
                input: vec![TxIn {
                    previous_output: outpoint,
                    sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                    witness: Witness::new(),
                    ..TxIn::default()
                }],
                output: vec![TxOut {
                    value: value - Amount::from_sat(1_000),
                    script_pubkey: Payer::new(5).script(),
                }],
            },
            coins: vec![(
                TxOut {
                    value,
                    script_pubkey: script.expect("a script"),
                },
                Derivation {
                    chain: CardChain::Receive,
                    index,
                },
            )],
            payees: vec![None],
        };
        self.visit(card).card.sign(&order).expect("signed");
    }
}

#[test]
fn a_top_up_goes_to_an_index_that_the_card_takes() {
    let regtest = Embedded::start();
    let (mut someone, card) = at_home(31, &regtest);
    for index in 0..3 {
        someone.retire(&card, index, None);
    }
    let top_up = someone.fill(&card, &regtest);
    assert_eq!(top_up.index, 3);
    assert_eq!(someone.enter_all(&card), (1, 0));
}

#[test]
fn one_bad_coin_does_not_stop_the_others() {
    let regtest = Embedded::start();
    let (mut someone, card) = at_home(32, &regtest);
    let first = someone.fill(&card, &regtest);
    someone.retire(&card, first.index, None);
    let second = someone.fill(&card, &regtest);
    assert!(second.index > first.index);
    assert_eq!(someone.enter_all(&card), (1, 1));
    // It is tried again, and stays alone in that.
    someone.fill(&card, &regtest);
    assert_eq!(someone.enter_all(&card), (1, 1));
    let left = someone.owner.resend_top_ups(regtest.chain(), 0);
    assert!(left.expect("a chain").is_empty());

    // Consolidated, it is nothing to tell the card of any more.
    let visit = someone.visit(&card);
    let one = someone
        .owner
        .consolidate(visit, RATE, regtest.chain(), &mut |_, _| ())
        .expect("consolidated");
    assert_eq!(one.coins, 3);
    regtest.confirm();
    someone.sync(&regtest);
    let left = someone.owner.resend_top_ups(regtest.chain(), 0);
    assert!(left.expect("a chain").is_empty());
    assert_eq!(someone.enter_all(&card), (1, 0));
}

#[test]
fn a_top_up_whose_answer_was_lost_is_known_by_the_card() {
    let regtest = Embedded::start();
    let (mut someone, card) = at_home(33, &regtest);
    let top_up = someone.fill(&card, &regtest);
    let mut visit = someone.visit(&card);
    let (transaction, vout) = (&top_up.transaction, top_up.vout);
    let entered = visit
        .card
        .enter_coin(transaction, vout, CardChain::Receive, top_up.index);
    entered.expect("taken");
    assert_eq!(someone.enter_all(&card), (1, 0));
}

#[test]
fn too_little_for_the_card_is_not_sent() {
    let regtest = Embedded::start();
    let (mut someone, card) = at_home(34, &regtest);
    let before = someone.owner.balance();
    let little = Limits::DEFAULT.least_coin - Amount::from_sat(1);
    let mut visit = someone.visit(&card);
    let refused = someone
        .owner
        .top_up_at_hand(&mut visit, regtest.chain(), little, RATE);
    assert!(matches!(refused, Err(OwnerError::BelowLeastCoin { .. })));
    let absent = someone.owner.top_up(regtest.chain(), 0, little, RATE);
    assert!(matches!(absent, Err(OwnerError::BelowLeastCoin { .. })));
    someone.sync(&regtest);
    assert_eq!(someone.owner.balance(), before);
}

#[test]
fn coins_at_used_addresses_are_for_signing_only() {
    let regtest = Embedded::start();
    let (mut someone, card) = at_home(35, &regtest);
    let first = someone.fill(&card, &regtest);
    assert_eq!(someone.enter_all(&card), (1, 0));
    let compare = |someone: &mut Someone| {
        let visit = someone.visit(&card);
        let compared = someone
            .owner
            .compare_coins(visit, regtest.chain(), &mut |_, _| ());
        compared.expect("compared")
    };
    let before = compare(&mut someone);
    assert_eq!(
        (before.spendable(), before.for_signing()),
        (AMOUNT, Amount::ZERO)
    );

    // Another coin at the same address is spent by the owner's signing.
    someone.retire(&card, first.index, None);
    let after = compare(&mut someone);
    assert_eq!(after.known.len(), 1);
    assert_eq!(after.known[0].place, PlaceUse::SignOnlyBySaying);
    assert_eq!(
        (after.spendable(), after.for_signing()),
        (Amount::ZERO, AMOUNT)
    );
}

const SWEEP: SweepOptions = SweepOptions {
    fee_rate: RATE,
    replace_unconfirmed: false,
};

#[test]
fn a_restore_knows_that_a_card_was_blocked() {
    let regtest = Embedded::start();
    for confirmed in [true, false] {
        let (mut someone, card) = at_home(36, &regtest);
        someone.fill(&card, &regtest);
        let swept = someone
            .owner
            .block(regtest.chain(), 0, SWEEP, &mut |_, _| ())
            .expect("swept");
        if confirmed {
            regtest.confirm();
        }
        let (mut restored, _) = someone.restored(&regtest);
        let record = restored.card(0).expect("found");
        let sweeps = swept.transactions.iter().map(Transaction::compute_txid);
        assert_eq!(record.swept_by, Some(sweeps.collect()));
        let paid = restored.top_up(regtest.chain(), 0, AMOUNT, RATE);
        assert!(matches!(paid, Err(OwnerError::CardBlocked(0))));
        regtest.confirm();
    }
}

#[test]
fn a_restored_card_is_paid_once_it_was_at_home() {
    let regtest = Embedded::start();
    let (mut someone, card) = at_home(37, &regtest);
    someone.fill(&card, &regtest);
    // Its holder paid, which is no sweep; its owner blocked it when it had no coins, which leaves no
    // trace.
    let (mut restored, _) = someone.restored(&regtest);
    let record = restored.card(0).expect("found");
    assert!(record.unmet && !record.is_blocked());
    let paid = restored.top_up(regtest.chain(), 0, AMOUNT, RATE);
    assert!(matches!(paid, Err(OwnerError::CardUnmet(0))));
    let adopted = adopt(&mut restored, &regtest, card.clone()).expect("ours");
    assert!(!adopted.unmet);
    let mut visit = restored.visit(Some(0), card).expect("this card");
    let top_up = restored.top_up_at_hand(&mut visit, regtest.chain(), AMOUNT, RATE);
    assert_eq!(top_up.expect("a top-up").index, 1);
}

/// While a top-up waits for its block, the folder is free: a lost card is blocked.
#[test]
fn a_card_is_blocked_while_a_top_up_waits() {
    let regtest = Embedded::start();
    let (mut someone, card) = at_home(38, &regtest);
    someone.fill(&card, &regtest);
    let mut visit = someone.visit(&card);
    let top_up = someone
        .owner
        .top_up_at_hand(&mut visit, regtest.chain(), AMOUNT, RATE)
        .expect("a top-up");
    drop((someone.owner, visit));
    let folder = someone.folder.path().join("owner");
    let mut swept = None;
    let interval = std::time::Duration::from_millis(1);
    let awaited = tillcard::owner::await_top_ups(
        regtest.chain(),
        std::slice::from_ref(&top_up),
        interval,
        &mut || {
            let mut owner = tillcard::owner::Owner::open(&folder).expect("nobody uses the folder");
            let sweep = owner.block(regtest.chain(), 0, SWEEP, &mut |_, _| ());
            swept = Some(sweep.expect("swept"));
            regtest.confirm();
        },
    );
    let awaited = awaited.expect("a chain");
    assert_eq!(awaited.unknown, [top_up]);
    assert_eq!(swept.expect("blocked").transactions[0].input.len(), 2);
}

/// Somebody pays the card's address a second time: nothing that the folder sent, and nothing that
/// stands in the way.
#[test]
fn a_stranger_s_coin_does_not_stop_top_ups() {
    let regtest = Embedded::start();
    let payer = Payer::new(1);
    regtest.mine(1, &payer.address());
    let height = regtest.chain().tip().expect("a tip").height;
    let (mut someone, card) = at_home(39, &regtest);
    let first = someone.fill(&card, &regtest);
    assert_eq!(someone.enter_all(&card), (1, 0));
    let record = someone.owner.card(0).expect("a card");
    let script = record.account.script(CardChain::Receive, first.index + 1);
    let coin = coinbase(regtest.chain(), height);
    let gift = payer.pay(&coin, script.expect("a script"), 20_000, RATE);
    regtest.chain().broadcast(&gift).expect("a gift");
    regtest.confirm();
    let (outpoint, given) = output(&gift, 0);
    someone.retire(&card, first.index + 1, Some((outpoint, given.value)));
    let second = someone.fill(&card, &regtest);
    assert_eq!(second.index, first.index + 2);
    assert_eq!(someone.enter_all(&card), (1, 0));
}
