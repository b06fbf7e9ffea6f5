//! A cheating terminal that has the PIN: it keeps payments back that bind all of a card's coins, and
//! takes whatever the card gives again, so that the card can be used nowhere else, if it can.

use bitcoin::consensus::encode::deserialize;
use bitcoin::{Amount, Transaction, Txid};
use tillcard_client::card::{CardError, Issued, PaymentOrder, PinBlock, Session};

use super::rest::meet;
use super::stage::Stage;
use super::till::RATE;
use crate::wire::Contact;

/// As much as the card pays at once.
const AMOUNT: Amount = Amount::from_sat(30_000);
/// So many of them bind all coins of a card that has paid nothing else.
const PAYMENTS: usize = 4;
/// How often everything is taken that a card gives again.
const TIMES: usize = 17;

/// The terminal cheats the card.
pub fn play(stage: &mut Stage<'_>, card: usize) {
    stage.steps.note(format_args!(
        "  a terminal with the PIN keeps payments of card {card} back"
    ));
    for _ in 0..PAYMENTS {
        let sale = stage.sales;
        stage.sales += 1;
        // The terminal's shop is none of the tills that keep records.
        let number = stage.attempt(0, sale, AMOUNT);
        let attempt = &mut stage.attempts[number];
        attempt.typed.insert(card);
        attempt.asked.insert(card);
        let order = PaymentOrder::new(AMOUNT, RATE, attempt.script());
        let order = order.expect("the computer's random numbers");
        stage.kept_back.push((card, order));
    }
    // A card that refuses has no more to give.
    let _ = take(stage, card);
}

fn take(stage: &Stage<'_>, card: usize) -> Result<(), CardError> {
    let of_card = stage.kept_back.iter().filter(|(other, _)| *other == card);
    let orders: Vec<&PaymentOrder> = of_card.map(|(_, order)| order).collect();
    let mut kept: Vec<Txid> = Vec::new();
    let mut session = meet(stage, card)?;
    let pin = PinBlock::from_digits(stage.world.cards[card].pin.as_bytes()).expect("a PIN");
    for order in &orders {
        let holder = session.verify(&pin)?;
        let (bytes, after) = holder.preview((*order).clone())?.pay()?;
        kept.extend(deserialize(&bytes).map(|paid: Transaction| paid.compute_txid()));
        session = after;
    }
    for _ in 0..TIMES {
        session = take_ancestors(session, &pin, &kept)?;
        for order in &orders {
            let _ = session.pay_again(order);
        }
    }
    session.close()?;
    Ok(())
}

/// With one entry of the PIN, every ancestor that the card gives.
fn take_ancestors(
    session: Session<Contact, Issued>,
    pin: &PinBlock,
    kept: &[Txid],
) -> Result<Session<Contact, Issued>, CardError> {
    let small = PaymentOrder::new(Amount::from_sat(1_000), RATE, super::attempt::no_script())?;
    let mut offering = session.verify(pin)?.preview(small)?;
    for txid in kept {
        let _ = offering.ancestor(*txid);
    }
    Ok(offering.give_up())
}
