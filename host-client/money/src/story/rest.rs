//! A story comes to rest: wire, nodes and people are honest, what is open is gone on with, and an
//! adversary sends all that he has.

use bitcoin::Amount;
use bitcoin::consensus::encode::deserialize;
use tillcard_client::card::{self, CardError, Issued, Session};

use super::attempt::Told;
use super::household;
use super::stage::{NEXT_SHOP, Stage};
use crate::chain::Temper;
use crate::invariants::Violation;
use crate::wire::{Contact, Hostility};

/// How often a till is asked to go on with what is open, at most.
const ROUNDS: usize = 3;

/// What a card pays at the next shop.
const NEXT_AMOUNT: Amount = Amount::from_sat(2_500);

/// Of a hundred cards that had to do with a payment, those that pay at the next shop too: that takes
/// as long as all before.
const NEXT_SHOP_CHANCE: u32 = 60;

/// Brings the story to rest.
pub fn play(stage: &mut Stage<'_>) {
    stage.steps.note("at rest");
    for till in &stage.tills {
        till.node.set(Temper::HONEST);
        till.fuse.set(None);
    }
    for till in 0..NEXT_SHOP {
        for _ in 0..ROUNDS {
            if !is_open(stage, till) {
                break;
            }
            stage.resume(till);
            let cards = right_cards(stage, till);
            if !cards.is_empty() {
                stage.tills[till]
                    .reader
                    .expect(&cards, Hostility::default());
                stage.ask_again(till);
            }
        }
    }
    household::put_in_order(stage);
    for card in 0..stage.cards.len() {
        let is_concerned = stage.attempts.iter().any(|attempt| attempt.concerns(card));
        let is_lost = stage.blocked.contains(&card);
        if is_concerned && !is_lost && stage.dice.percent(NEXT_SHOP_CHANCE) {
            next_shop(stage, card);
        }
    }
    household::look_at_cards(stage);
    adversary(stage);
    household::take_home(stage);
}

fn is_open(stage: &Stage<'_>, till: usize) -> bool {
    let mut attempts = stage.attempts.iter();
    stage.tills[till].is_down.get()
        || attempts.any(|attempt| attempt.till == till && attempt.told == Told::Open)
}

/// For each payment that a card was asked for, in the till's order, the card that was asked.
pub fn right_cards(stage: &Stage<'_>, till: usize) -> Vec<usize> {
    let asked = stage.tills[till].asked();
    let right = asked.iter().map(|record| {
        let by_keys = stage
            .world
            .cards
            .iter()
            .position(|facts| Some(facts.keys) == record.card);
        let attempt = stage
            .attempts
            .iter()
            .find(|a| a.address.to_string() == record.to);
        let by_sight = attempt.and_then(|attempt| attempt.asked.last().copied());
        by_keys.or(by_sight).unwrap_or_default()
    });
    right.collect()
}

/// The next shop sells something to the card's holder: the card pays, if it can.
fn next_shop(stage: &mut Stage<'_>, card: usize) {
    stage
        .steps
        .note(format_args!("card {card} at the next shop"));
    if !unblock(stage, card) {
        stage.seen.push(Violation {
            rule: "every card pays afterwards",
            what: format!("card {card} doesn't obey its owner"),
        });
    }
    let sale = stage.sales;
    stage.sales += 1;
    let number = stage.attempt(NEXT_SHOP, sale, NEXT_AMOUNT);
    stage.tills[NEXT_SHOP]
        .reader
        .expect(&[card], Hostility::default());
    stage.pay(number, Vec::new());
    if stage.attempts[number].told != Told::Settled {
        stage.seen.push(Violation {
            rule: "every card pays afterwards",
            what: format!("card {card} doesn't pay at the next shop"),
        });
    }
}

/// Connects to a card over an honest wire, in a plain session.
fn connect(stage: &Stage<'_>, card: usize) -> Result<Session<Contact, Issued>, CardError> {
    let reader = &stage.tills[NEXT_SHOP].reader;
    reader.expect(&[card], Hostility::default());
    let contact = reader.connect().ok_or(CardError::NotThisCard)?;
    card::open(contact)?.issued()
}

/// The same, in a channel.
pub fn meet(stage: &Stage<'_>, card: usize) -> Result<Session<Contact, Issued>, CardError> {
    let mut session = connect(stage, card)?;
    session.open_channel(&stage.world.cards[card].keys.agreement)?;
    Ok(session)
}

/// The owner gives a PIN its tries back that was typed wrongly too often. Whether he can.
fn unblock(stage: &mut Stage<'_>, card: usize) -> bool {
    // The wire is honest, and so is what comes in a plain session.
    let tries_left = connect(stage, card).and_then(|session| {
        let tries_left = session.tries_left();
        session.close()?;
        Ok(tries_left)
    });
    match tries_left {
        Err(_) => false,
        Ok(1..) => true,
        Ok(0) => {
            let number = card as u32;
            let unblocked = stage.honest_computer(card).unblock(number);
            matches!(unblocked, Some(Ok(())))
        }
    }
}

/// An adversary asks each card for all payments that it was ever asked to make, and sends those, and
/// whatever tills ever had.
fn adversary(stage: &mut Stage<'_>) {
    let records: Vec<_> = stage.tills.iter().flat_map(|till| till.records()).collect();
    let mut found = Vec::new();
    for card in 0..stage.cards.len() {
        let orders = records.iter().filter(|record| {
            let attempt = stage
                .attempts
                .iter()
                .find(|a| a.address.to_string() == record.to);
            record.transaction.is_none() && attempt.is_some_and(|attempt| attempt.concerns(card))
        });
        let kept_back = stage.kept_back.iter().filter(|(other, _)| *other == card);
        let orders: Vec<_> = orders
            .map(|record| &record.order)
            .chain(kept_back.map(|(_, order)| order))
            .collect();
        if orders.is_empty() {
            continue;
        }
        let Ok(mut session) = meet(stage, card) else {
            continue;
        };
        for order in orders {
            if let Ok(bytes) = session.pay_again(order) {
                found.extend(deserialize(&bytes));
            }
        }
    }
    let mut ledger = stage.network.ledger();
    for transaction in records
        .into_iter()
        .filter_map(|record| record.transaction)
        .chain(found)
    {
        ledger.remember(&transaction);
    }
    ledger.send_all();
}
