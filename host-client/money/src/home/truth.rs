//! What must hold at home when a story is at rest.

use std::collections::HashSet;

use bitcoin::{Amount, ScriptBuf};
use tillcard_client::account::{CardAccount, CardChain};
use tillcard_client::card;

use super::facts::{BLANK, FORMER};
use super::script::Home;
use crate::invariants::Violation;

/// Scripts of each chain of a card that are known to be its own: more than any story uses.
const SCRIPTS: u32 = 24;
/// The last top-up of a story.
const LAST_TOP_UP: Amount = Amount::from_sat(15_000);

/// All that is wrong. Each card of the owner's is taken up, told of its coins, and topped up.
pub fn violations(home: &mut Home<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut own = home.facts.folder.wallet.clone();
    let mut numbers = HashSet::new();
    for card in [FORMER, BLANK[0], BLANK[1]] {
        if !is_issued(home, card) {
            continue;
        }
        home.computer
            .steps
            .note(format_args!("card {card} at home"));
        let mut add = |what: &str| {
            found.push(Violation {
                rule: "every card obeys its owner afterwards",
                what: format!("card {card}: {what}"),
            });
        };
        let Some((number, account)) = taken_up(home, card) else {
            add("it isn't in the owner's books, and can't be adopted");
            continue;
        };
        if !numbers.insert(number) {
            add("it has the number of another card");
        }
        match account {
            Some(account) => own.extend(scripts(&account)),
            None => add("it doesn't say what its account is"),
        }
        if let Some(wrong) = topped_up(home, card, number) {
            add(wrong);
        }
    }
    found.extend(strayed(home, &own));
    found
}

/// Whether the card was issued to the owner.
fn is_issued(home: &Home<'_>, card: usize) -> bool {
    if card == FORMER && !home.lost {
        return false;
    }
    home.expect_honest(card);
    let contact = home.computer.reader.connect();
    contact.is_some_and(|contact| card::open(contact).is_ok_and(|opened| opened.issued().is_ok()))
}

/// The card's number, as the folder knows it or learns it now, and the account that the card says
/// it has.
fn taken_up(home: &Home<'_>, card: usize) -> Option<(u32, Option<CardAccount>)> {
    for record in home.computer.cards() {
        home.expect_honest(card);
        if let Some(Ok(account)) = home.computer.read_account(record.number) {
            return Some((record.number, Some(account)));
        }
    }
    home.expect_honest(card);
    let number = home.computer.adopt(false)?.ok()?;
    home.expect_honest(card);
    let account = home.computer.read_account(number);
    Some((number, account.and_then(Result::ok)))
}

fn scripts(account: &CardAccount) -> Vec<ScriptBuf> {
    let chains = [CardChain::Receive, CardChain::Change].into_iter();
    let places = chains.flat_map(|chain| (0..SCRIPTS).map(move |index| (chain, index)));
    places
        .filter_map(|(chain, index)| account.script(chain, index).ok())
        .collect()
}

/// What is wrong with the card's top-ups: those that were sent, and another one.
fn topped_up(home: &Home<'_>, card: usize, number: u32) -> Option<&'static str> {
    let tell = || {
        home.network.ledger().mine();
        home.expect_honest(card);
        home.computer.tell(number).and_then(Result::ok)
    };
    // Those that weren't sent yet are sent, and come into a block before the card is told.
    tell();
    if tell() != Some(0) {
        return Some("it isn't told of its top-ups");
    }
    home.expect_honest(card);
    match home.computer.top_up(number, LAST_TOP_UP) {
        Some(Ok(())) => {}
        _ => return Some("it can't be topped up any more"),
    }
    (tell() != Some(0)).then_some("it isn't told of its last top-up")
}

/// Money at scripts that neither the owner's words nor his cards give.
fn strayed(home: &Home<'_>, own: &HashSet<ScriptBuf>) -> Vec<Violation> {
    let mut ledger = home.network.ledger();
    ledger.send_all();
    let first = home.facts.granted;
    let young = ledger.confirmed().filter(|(height, _)| *height > first);
    let outputs = young.flat_map(|(_, transaction)| transaction.output.iter());
    let strayed = outputs
        .filter(|output| output.value > Amount::ZERO && !own.contains(&output.script_pubkey));
    strayed
        .map(|output| Violation {
            rule: "no coin leaves its owner",
            what: format!("{} sat went to a script of nobody's", output.value.to_sat()),
        })
        .collect()
}
