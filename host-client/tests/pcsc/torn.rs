//! A card that is torn out of the reader when it has paid and its till doesn't know: it comes back,
//! is asked for the same payment again, and was debited once. Programs alone take part: the card's
//! process is killed, and so is the till's.

use crate::cli_support::shop;
use crate::reader_support::{FIRST, empty_readers};
use crate::torn_support::process::TillProcess;
use crate::torn_support::{Torn, assert_paid_once, milk};

const LOST: &str = "the card was gone while it signed, and may have paid";

/// What a till says that waited for the card.
#[track_caller]
fn assert_asked_again(told: &[String]) {
    let count = |line: &str| told.iter().filter(|l| l.starts_with(line)).count();
    assert_eq!(count("waiting for PIN"), 1, "{told:#?}");
    assert_eq!(count(LOST), 1, "{told:#?}");
    assert_eq!(count(&format!("card in “{FIRST}”")), 2, "{told:#?}");
    assert_eq!(count("the card gave the payment"), 1, "{told:#?}");
}

/// As after a loose contact: pcscd has never seen the slot empty.
#[test]
fn a_card_that_is_back_before_the_service_looks() {
    let _readers = empty_readers();
    let torn = Torn::out();
    let emulator = torn.card.insert();
    assert_asked_again(&torn.till.settled());
    assert_paid_once(&torn.user);
    emulator.kill();
}

/// As a holder does who reads what the till says.
#[test]
fn a_card_that_is_back_when_the_till_asks_for_it() {
    let _readers = empty_readers();
    let mut torn = Torn::out();
    torn.till.until(LOST);
    let emulator = torn.card.insert();
    assert_asked_again(&torn.till.settled());
    assert_paid_once(&torn.user);
    emulator.kill();
}

/// The till's power fails as well. When it is on again, a new payment isn't confused with that one.
#[test]
fn a_card_that_is_back_when_the_till_has_stopped() {
    let _readers = empty_readers();
    let Torn {
        user,
        card,
        mut till,
    } = Torn::out();
    till.until(LOST);
    till.kill();
    let shop = shop();
    let mut till = TillProcess::start(&user, &milk(&shop), "");
    till.until("These payments of this till are open");
    till.until("waiting for card");
    till.kill();

    let mut till = TillProcess::start(&user, &["till", "resume"], "");
    till.until("waiting for card");
    let emulator = card.insert();
    let told = till.settled();
    assert!(!told.iter().any(|line| line.starts_with("waiting for PIN")));
    assert_paid_once(&user);
    emulator.kill();
}
