//! What must hold when a story is at rest.

use std::collections::HashMap;
use std::fmt;

use bitcoin::{Amount, ScriptBuf};

use crate::story::{Attempt, Stage, Told};

/// Something that must not happen, and did.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// How it was broken.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// A transaction in a block that pays a shop.
struct Paid {
    amount: Amount,
    /// The cards whose coins it spent.
    cards: Vec<usize>,
}

/// All that is wrong with a story at rest.
pub fn violations(stage: &Stage<'_>) -> Vec<Violation> {
    let mut found = stage.seen.clone();
    let paid = read_chain(stage, &mut found);
    for till in stage.tills.iter().filter(|till| till.fuse.was_stuck()) {
        found.push(Violation {
            rule: "every payment comes to an end",
            what: format!("{} waits for ever", till.name),
        });
    }
    let depth = stage.network.ledger().deepest_reorganisation();
    for attempt in &stage.attempts {
        let of_attempt = paid.get(&attempt.script()).map_or(&[][..], Vec::as_slice);
        let mut add = |rule, what: &str| {
            let what = format!("{attempt}: {what}");
            found.push(Violation { rule, what });
        };
        let is_buried = attempt.confirmations > depth;
        // A conflict as deep as the shop asked may be gone with its blocks, as a payment may.
        let is_unpaid = attempt.told.is_unpaid() && (attempt.told != Told::Conflicted || is_buried);
        if is_unpaid && !of_attempt.is_empty() {
            add(
                "who was told declined hasn't paid",
                &format!("told {:?}, paid", attempt.told),
            );
        }
        if attempt.told == Told::Settled && is_buried && of_attempt.is_empty() {
            add("goods handed out are paid", "told Settled, not paid");
        }
        if of_attempt.len() > 1 || of_attempt.iter().any(|paid| paid.amount != attempt.amount) {
            add("goods handed out are paid", "paid twice, or another amount");
        }
        for card in of_attempt.iter().flat_map(|paid| &paid.cards) {
            if !has_leave(stage, attempt, *card) {
                add(
                    "no card is debited without leave",
                    &format!("card {card} has paid"),
                );
            }
        }
    }
    found
}

/// Whether the card's holder typed the PIN for it, or its owner lets it pay without one.
fn has_leave(stage: &Stage<'_>, attempt: &Attempt, card: usize) -> bool {
    let without_pin = attempt.without_pin
        && attempt.asked.contains(&card)
        && stage.allows_without_pin(card, attempt.amount);
    attempt.typed.contains(&card) || without_pin
}

/// Every payment to a shop in the chain. What is spent from a card goes to shops, back to it, and to
/// its owner's wallet; what his wallet spends, to his cards and back.
fn read_chain(stage: &Stage<'_>, found: &mut Vec<Violation>) -> HashMap<ScriptBuf, Vec<Paid>> {
    let ledger = stage.network.ledger();
    let shops: Vec<ScriptBuf> = stage.attempts.iter().map(Attempt::script).collect();
    let mut paid: HashMap<ScriptBuf, Vec<Paid>> = HashMap::new();
    let first = stage.world.granted;
    for (_, transaction) in ledger.confirmed().filter(|(height, _)| *height > first) {
        let spent = transaction.input.iter().filter_map(|input| {
            let coin = ledger.coin(&input.previous_output)?;
            stage.world.scripts.get(&coin.output.script_pubkey).copied()
        });
        let cards: Vec<usize> = spent.collect();
        for output in &transaction.output {
            let script = &output.script_pubkey;
            let of_card = stage.world.scripts.get(script);
            let is_own = of_card.is_some_and(|card| cards.is_empty() || cards.contains(card))
                || stage.world.folder.wallet.contains(script);
            if shops.contains(script) {
                paid.entry(script.clone()).or_default().push(Paid {
                    amount: output.value,
                    cards: cards.clone(),
                });
            } else if !is_own && output.value > Amount::ZERO {
                found.push(Violation {
                    rule: "no coin leaves its owner",
                    what: format!("{} sat went to a script of nobody's", output.value.to_sat()),
                });
            }
        }
    }
    paid
}
