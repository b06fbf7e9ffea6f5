//! A card that has paid and was torn out before its till heard of it.

pub(crate) mod process;
pub(crate) mod tear;

use std::path::PathBuf;

use serde_json::Value;

use self::process::{Emulator, TillProcess};
use self::tear::Tear;
use crate::cli_support::{PIN, User, shop, words_and_address};
use crate::reader_support::{DEADLINE, readers};

/// The card is out, its payment is in its memory, and the till waits.
pub(crate) struct Torn {
    pub(crate) user: User,
    pub(crate) card: Card,
    pub(crate) till: TillProcess,
}

impl Torn {
    /// An owner, a card with coins, a till; and the card's process is killed when it has answered
    /// PAY, and nobody but the reader's slot has the answer.
    pub(crate) fn out() -> Self {
        let user = User::new();
        let (_, address) = words_and_address(&user.tillcard(&["owner", "new"], ""));
        user.tillcard(&["mine", "--blocks", "101", "--to", &address], "");
        let card = Card(user.home.path().join("cards"));
        let slot = Tear::new();
        let emulator = Emulator::start_in(&slot, &card.0);
        drop(readers(None).wait_for_card(Some(DEADLINE)).unwrap());
        user.tillcard(&["owner", "issue"], &format!("{PIN}\n{PIN}\n"));
        let top_up = ["owner", "topup", "--unconfirmed", "--amount", "100,000 sat"];
        user.tillcard(&top_up, "");
        user.mine();

        let till = TillProcess::start(&user, &milk(&shop()), &format!("{PIN}\n"));
        slot.wait_for_payment();
        emulator.kill();
        Self { user, card, till }
    }
}

/// A card in the folder where it is kept.
pub(crate) struct Card(PathBuf);

impl Card {
    /// Puts it into the reader.
    pub(crate) fn insert(&self) -> Emulator {
        Emulator::start(&self.0)
    }
}

/// What the till is told for a bottle of milk.
pub(crate) fn milk(shop: &str) -> [&str; 8] {
    [
        "till",
        "pay",
        "--amount",
        "21,000 sat",
        "--to",
        shop,
        "--confirmations",
        "0",
    ]
}

/// The card's log has the one payment, given twice and debited once, and the chain has it too.
#[track_caller]
pub(crate) fn assert_paid_once(user: &User) {
    user.mine();
    let log = user.tillcard(&["owner", "log", "--json"], "");
    let log: Value = serde_json::from_str(&log).expect("JSON");
    let payments = log["payments"].as_array().expect("payments");
    assert_eq!(payments.len(), 1, "{log:#}");
    assert_eq!(payments[0]["facts"]["amount_sat"], 21_000);
    assert_eq!(payments[0]["facts"]["given_again"], 1);
    assert_eq!(payments[0]["chain"]["state"], "confirmed");
    let limits = user.tillcard(&["owner", "limits"], "");
    assert!(limits.contains("in 1 payment"), "{limits}");
}
