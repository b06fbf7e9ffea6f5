//! The owner of the cards, who takes payments back, blocks cards, fills them, sets their limits, looks
//! at their coins and loses his folder, while shops wait for their money.

use std::cell::RefCell;

use bitcoin::{Amount, TxOut};
use tillcard::owner::Limits;
use tillcard_client::account::CardChain;

use super::stage::Stage;
use crate::chain::{Node, Temper};
use crate::fuse::Fuse;
use crate::home::Computer;
use crate::invariants::Violation;
use crate::wire::{Contacts, Hostility};

/// His cards that have certificates: the others can't be taken up again once the folder is lost,
/// unless he says that he takes whatever is in his reader.
const CARDS: [usize; 3] = [0, 1, 2];

/// What a card is filled up with before it pays at the next shop.
const LAST_TOP_UP: Amount = Amount::from_sat(15_000);

/// Addresses of a card that it has given out before: those of its first coins, and the next one.
const OLD_ADDRESSES: u32 = 4;

/// Coins of a blocked card below this may not be worth their fee.
const WORTH_TAKING: Amount = Amount::from_sat(2_000);

/// Blocks that bury what the owner has his card forget.
const SETTLED: u32 = 6;

/// The rule about lost cards.
const COMES_HOME: &str = "what a blocked card had comes home";

impl Stage<'_> {
    /// The owner's computer; it is put up when it is first used.
    pub fn computer(&mut self) -> &Computer {
        let (world, network, steps) = (self.world, &self.network, &self.steps);
        let (cards, folder, dice) = (&self.cards, self.folder.path(), &mut self.dice);
        self.computer.get_or_insert_with(|| {
            let (fuse, folder) = (Fuse::new(), folder.join("owner"));
            world.folder.copy_to(&folder);
            let (name, cards) = ("home".to_owned(), cards.clone());
            Computer {
                folder,
                reader: Contacts::new(name, cards, dice.split(), steps.clone(), fuse.clone()),
                node: Node::new(network.clone(), dice.split(), fuse.clone()),
                checker: world.checker.clone(),
                fuse,
                steps: steps.clone(),
                known: RefCell::default(),
            }
        })
    }

    /// The same, with this card in his reader, when nobody cheats.
    pub fn honest_computer(&mut self, card: usize) -> &Computer {
        let computer = self.computer();
        computer.reader.expect(&[card], Hostility::default());
        computer.node.set(Temper::HONEST);
        computer.fuse.set(None);
        computer
    }
}

/// Before anybody pays: each card is paid at an old address, and told of it.
pub fn begin(stage: &mut Stage<'_>) {
    for card in CARDS {
        let choice = stage.dice.below(10_000);
        stage.tended.insert(card);
        pay_old_address(stage, card, choice);
        stage.honest_computer(card).enter(card as u32);
    }
}

/// The owner does something, over such a wire and with such a node; he may lose his power.
pub fn tend(stage: &mut Stage<'_>, hostility: Hostility, temper: Temper, fuse: Option<u32>) {
    let card = stage.dice.pick(&CARDS);
    let what = stage.dice.below(100);
    let choice = stage.dice.below(10_000);
    stage
        .steps
        .note(format_args!("  the owner, with card {card}"));
    stage.tended.insert(card);
    if choice.is_multiple_of(4) {
        // Days have passed.
        (0..SETTLED).for_each(|_| stage.network.ledger().mine());
    }
    let is_lost = stage.blocked.contains(&card);
    let number = card as u32;
    let computer = stage.computer();
    computer.reader.expect(&[card], hostility);
    computer.node.set(temper);
    computer.fuse.set(fuse);
    match what {
        0..28 => drop(computer.cancel(number)),
        28..40 => {
            computer.block(number, choice.is_multiple_of(2));
            stage.blocked.insert(card);
        }
        40..52 if !is_lost => {
            computer.top_up(number, Amount::from_sat(u64::from(5_000 + choice)));
        }
        52..60 => drop(computer.tell(number)),
        60..69 => drop(computer.read_log(number, SETTLED)),
        69..81 => pay_old_address(stage, card, choice),
        81..87 => drop(computer.enter(number)),
        87..91 => drop(computer.consolidate(number)),
        91..96 => {
            let limits = Limits {
                per_payment: Amount::from_sat(u64::from(5_000 + choice)),
                ..Limits::DEFAULT
            };
            computer.set_limits(number, limits);
        }
        _ => lose_folder(stage, card, hostility),
    }
}

/// Somebody pays an address that the card has given out before, with a coin of its own in a block.
fn pay_old_address(stage: &mut Stage<'_>, card: usize, choice: u32) {
    let (index, account) = (choice % OLD_ADDRESSES, &stage.world.cards[card].account);
    let script = account.script(CardChain::Receive, index);
    stage.steps.note(format_args!(
        "  somebody pays address {index} of card {card}"
    ));
    stage.network.ledger().grant(vec![TxOut {
        value: Amount::from_sat(u64::from(5_000 + choice)),
        script_pubkey: script.expect("an index of the card's"),
    }]);
}

/// The folder is lost and restored, and a card taken up.
fn lose_folder(stage: &mut Stage<'_>, card: usize, hostility: Hostility) {
    stage.tended.extend(CARDS);
    stage.honest_computer(card).restore();
    let computer = stage.computer();
    computer.reader.expect(&[card], hostility);
    computer.adopt(false);
}

/// At rest: the owner knows the cards that he tended, and fills up those that he hasn't blocked.
pub fn put_in_order(stage: &mut Stage<'_>) {
    for card in stage.tended.clone() {
        if !is_taken_up(stage, card) {
            saw(
                stage,
                card,
                "it isn't in the owner's books, and can't be adopted",
            );
        } else if !stage.blocked.contains(&card) {
            // The card learns what never will be.
            stage.honest_computer(card).read_log(card as u32, 1);
            if let Some(wrong) = filled_up(stage, card) {
                saw(stage, card, wrong);
            }
        }
    }
}

fn saw(stage: &mut Stage<'_>, card: usize, what: &str) {
    stage.seen.push(Violation {
        rule: "every card obeys its owner afterwards",
        what: format!("card {card}: {what}"),
    });
}

fn is_taken_up(stage: &mut Stage<'_>, card: usize) -> bool {
    let number = card as u32;
    let computer = stage.honest_computer(card);
    if matches!(computer.read_account(number), Some(Ok(_))) {
        return true;
    }
    let computer = stage.honest_computer(card);
    computer.adopt(false).and_then(Result::ok) == Some(number)
}

/// What is wrong with the card's top-ups: those that were sent, and another one.
fn filled_up(stage: &mut Stage<'_>, card: usize) -> Option<&'static str> {
    let tell = |stage: &mut Stage<'_>| {
        stage.network.ledger().mine();
        let told = stage.honest_computer(card).tell(card as u32);
        told.and_then(Result::ok)
    };
    // Those that weren't sent yet are sent, and come into a block before the card is told.
    tell(stage);
    if tell(stage) != Some(0) {
        return Some("it isn't told of its top-ups");
    }
    let sent = stage.honest_computer(card).top_up(card as u32, LAST_TOP_UP);
    if !matches!(sent, Some(Ok(()))) {
        return Some("it can't be topped up any more");
    }
    (tell(stage) != Some(0)).then_some("it isn't told of its last top-up")
}

/// The owner looks at the coins of the cards that he tended, and still has.
pub fn look_at_cards(stage: &mut Stage<'_>) {
    for card in stage.tended.clone() {
        if !stage.blocked.contains(&card) {
            look_at_coins(stage, card);
        }
    }
}

/// The owner's tool says what the card can spend in shops: no more than it can.
fn look_at_coins(stage: &mut Stage<'_>, card: usize) {
    let Some(Ok(compared)) = stage.honest_computer(card).coins(card as u32) else {
        return saw(stage, card, "it doesn't say what coins it has");
    };
    let ledger = stage.network.ledger();
    let retired = ledger.spent_scripts();
    let spendable = compared.known.iter().filter(|known| {
        let coin = ledger.coin(&tillcard::owner::outpoint(&known.coin));
        known.coin.spent_by.is_none()
            && coin.is_some_and(|coin| {
                coin.spent.is_none() && !retired.contains(&coin.output.script_pubkey)
            })
    });
    let spendable: Amount = spendable
        .map(|known| Amount::from_sat(known.coin.amount))
        .sum();
    drop(ledger);
    let called = compared.spendable();
    if called > spendable {
        stage.seen.push(Violation {
            rule: "what is called spendable is",
            what: format!(
                "card {card}: {} sat, called {}",
                spendable.to_sat(),
                called.to_sat()
            ),
        });
    }
}

/// When everybody has sent all that he has: the owner takes what lost cards still have.
pub fn take_home(stage: &mut Stage<'_>) {
    for card in stage.blocked.clone() {
        for _ in 0..2 {
            stage.honest_computer(card).block(card as u32, true);
            stage.network.ledger().mine();
        }
        let ledger = stage.network.ledger();
        let scripts = &stage.world.scripts;
        let left: Amount = ledger
            .unspent()
            .filter(|output| scripts.get(&output.script_pubkey) == Some(&card))
            .map(|output| output.value)
            .filter(|value| *value > WORTH_TAKING)
            .sum();
        drop(ledger);
        if left > Amount::ZERO {
            stage.seen.push(Violation {
                rule: COMES_HOME,
                what: format!("card {card}: {} sat are left on it", left.to_sat()),
            });
        }
    }
}
