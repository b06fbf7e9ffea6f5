//! What people and the adversary do, as the dice decide.

use bitcoin::Amount;
use tillcard::chain::FeeRate;

use super::attempt::Told;
use super::fingers::{Typing, typing};
use super::stage::{NEXT_SHOP, Stage};
use crate::chain::Temper;
use crate::dice::Dice;
use crate::wire::Hostility;

/// Of a hundred stories, those in which the cards' owner does something too: one takes as long as twenty
/// others.
const OWNER_CHANCE: u32 = 2;

/// Of a hundred customers, those during whose payment another one pays at another till.
const MEANWHILE_CHANCE: u32 = 10;

/// The moments of a payment, of which there are seldom more, at one of which the other begins.
const MOMENTS: u32 = 40;

/// How wild a story is.
struct Mood {
    hostility: Hostility,
    /// Of a hundred uses of a till, those in which its node isn't in order.
    bad_node: u32,
    /// Of a hundred uses of a till, those in which it loses its power.
    power_cut: u32,
}

impl Mood {
    fn choose(dice: &mut Dice) -> Self {
        Self {
            hostility: Hostility {
                at_pay: dice.pick(&[0, 40, 70, 95]),
                elsewhere: dice.pick(&[0, 0, 2, 5]),
                most: 1 + dice.below(3),
                stubborn: dice.pick(&[0, 50]),
            },
            bad_node: dice.pick(&[0, 0, 40, 80]),
            power_cut: dice.pick(&[0, 0, 20]),
        }
    }
}

/// Plays a story up to where everybody begins to be honest.
pub fn play(stage: &mut Stage<'_>) {
    let mood = Mood::choose(&mut stage.dice);
    if stage.dice.percent(1) {
        let card = stage.dice.pick(&[0, 1, 2]);
        // It has spent nearly all that the card has.
        return super::cheat::play(stage, card);
    }
    let has_owner = stage.dice.percent(OWNER_CHANCE);
    if has_owner && stage.dice.percent(50) {
        super::household::begin(stage);
    }
    sell(stage, &mood);
    let steps = if has_owner { 6 } else { 4 };
    for _ in 0..stage.dice.below(steps) {
        if has_owner && stage.dice.percent(60) {
            tend(stage, &mood);
            continue;
        }
        match stage.dice.below(100) {
            0..25 => sell(stage, &mood),
            25..60 => sell_again(stage, &mood),
            60..85 => go_on(stage, &mood),
            85..92 => {
                stage.steps.note("  a block");
                stage.network.ledger().mine();
            }
            92..96 => {
                stage.steps.note("  the last block is another");
                stage.network.ledger().reorganise(1, 1);
            }
            _ => evict(stage),
        }
    }
}

/// The owner of the cards does something.
fn tend(stage: &mut Stage<'_>, mood: &Mood) {
    let dice = &mut stage.dice;
    let temper = temper(dice, mood);
    let dies = dice.percent(mood.power_cut);
    let fuse = dies.then(|| dice.below(60));
    super::household::tend(stage, mood.hostility, temper, fuse);
}

fn evict(stage: &mut Stage<'_>) {
    let choice = stage.dice.number() as usize;
    let mut ledger = stage.network.ledger();
    if let count @ 1.. = ledger.mempool().len() {
        stage.steps.note("  the network forgets a transaction");
        let txid = ledger.mempool()[choice % count].txid;
        ledger.evict(&txid);
    }
}

/// A customer comes with a card.
fn sell(stage: &mut Stage<'_>, mood: &Mood) {
    let till = stage.dice.below(NEXT_SHOP as u32) as usize;
    let (sale, amount) = new_sale(stage);
    ask_for(stage, mood, till, sale, amount);
}

fn new_sale(stage: &mut Stage<'_>) -> (usize, Amount) {
    let sale = stage.sales;
    stage.sales += 1;
    let amount = 1_000 + u64::from(stage.dice.below(9_000));
    (sale, Amount::from_sat(amount))
}

/// A clerk was told that a sale isn't paid, and asks for it again.
fn sell_again(stage: &mut Stage<'_>, mood: &Mood) {
    let unpaid: Vec<usize> = (0..stage.sales)
        .filter(|sale| {
            let mut of_sale = stage
                .attempts
                .iter()
                .filter(|attempt| attempt.sale == *sale);
            of_sale.all(|attempt| attempt.told.is_unpaid())
        })
        .collect();
    if unpaid.is_empty() {
        return go_on(stage, mood);
    }
    let sale = stage.dice.pick(&unpaid);
    let first = stage.attempts.iter().find(|attempt| attempt.sale == sale);
    if let Some((till, amount)) = first.map(|attempt| (attempt.till, attempt.amount)) {
        ask_for(stage, mood, till, sale, amount);
    }
}

fn ask_for(stage: &mut Stage<'_>, mood: &Mood, till: usize, sale: usize, amount: Amount) {
    let (number, typing) = come(stage, mood, till, sale, amount);
    if !stage.dice.percent(MEANWHILE_CHANCE) {
        return stage.pay(number, typing);
    }
    let moments = stage.dice.below(MOMENTS);
    let (sale, amount) = new_sale(stage);
    stage.steps.note("  and meanwhile");
    let other = come(stage, mood, (till + 1) % NEXT_SHOP, sale, amount);
    stage.pay_meanwhile((number, typing), moments, other);
}

/// A customer comes to a till that is ready for him: the payment, and how he types.
fn come(
    stage: &mut Stage<'_>,
    mood: &Mood,
    till: usize,
    sale: usize,
    amount: Amount,
) -> (usize, Vec<Typing>) {
    if stage.tills[till].is_down.get() {
        // A till that is started anew first looks at what it left.
        stage.resume(till);
    }
    // Open payments are gone on with in the order of the heights at which they were asked for.
    if !stage.tills[till].asked().is_empty() {
        stage.network.ledger().mine();
    }
    let number = stage.attempt(till, sale, amount);
    stage.attempts[number].without_pin = stage.dice.percent(25);
    let card = stage.dice.pick(&[0, 0, 0, 1, 1, 2, 2, 2, 3, 3]);
    let cards = match stage.dice.percent(90) {
        true => vec![card],
        // The holder takes another card once the first one was taken out.
        false => vec![card, stage.dice.below(4) as usize],
    };
    stage
        .steps
        .note(format_args!("  cards {cards:?} at till {till}"));
    expect(stage, mood, till, &cards);
    (number, typing(&mut stage.dice))
}

/// A till is asked to go on with what is open, with the right card at hand or another one.
fn go_on(stage: &mut Stage<'_>, mood: &Mood) {
    let open = stage
        .attempts
        .iter()
        .filter(|attempt| attempt.told == Told::Open);
    let tills: Vec<usize> = open.map(|attempt| attempt.till).collect();
    if tills.is_empty() {
        return sell(stage, mood);
    }
    let till = stage.dice.pick(&tills);
    expect(stage, mood, till, &[0]);
    stage.resume(till);
    if stage.tills[till].is_down.get() {
        return;
    }
    let cards = match stage.dice.percent(60) {
        true => super::rest::right_cards(stage, till),
        false => vec![stage.dice.below(4) as usize],
    };
    if !cards.is_empty() {
        stage
            .steps
            .note(format_args!("  cards {cards:?} at till {till}"));
        expect(stage, mood, till, &cards);
        stage.ask_again(till);
    }
}

/// What the till meets when it is used next.
fn expect(stage: &mut Stage<'_>, mood: &Mood, till: usize, cards: &[usize]) {
    let dice = &mut stage.dice;
    let temper = temper(dice, mood);
    let dies = dice.percent(mood.power_cut);
    let fuse = dies.then(|| dice.below(60));
    let till = &stage.tills[till];
    till.reader.expect(cards, mood.hostility);
    till.node.set(temper);
    till.fuse.set(fuse);
}

fn temper(dice: &mut Dice, mood: &Mood) -> Temper {
    let blocks = Temper {
        mines: 60,
        evicts: dice.pick(&[0, 0, 20]),
        reorganises: dice.pick(&[0, 0, 10]),
        ..Temper::HONEST
    };
    if !dice.percent(mood.bad_node) {
        return blocks;
    }
    match dice.below(5) {
        0 => Temper {
            silent: 10,
            ..blocks
        },
        1 => Temper {
            behind: 1 + dice.below(3),
            ..blocks
        },
        2 => Temper {
            least: FeeRate::from_sat_per_kvb(1_000 + dice.below(3_000)),
            ..blocks
        },
        _ => Temper {
            refuses: true,
            ..blocks
        },
    }
}
