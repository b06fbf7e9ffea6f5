//! The till's worst hour over real programs: pcscd, Bitcoin Core, and somebody between card and reader
//! who lets PAY through and writes his own refusals.

use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tillcard::chain::{Auth, Chain};
use tillcard_emu::slot::{Layer, SlotError};

use crate::cli_support::{PIN, User, run, shop, words_and_address};
use crate::node::Node;
use crate::reader_support::{
    DEADLINE, FIRST, Inserted, TestCard, Tillcard, empty_readers, readers,
};
use crate::torn_support::milk;

/// A card and a shim on its contacts: while the shim is on, PAY (`84 30`) and PAYMENT STATE (`84 38`)
/// come to the card, and `6985` goes back.
struct Shimmed {
    card: Tillcard,
    is_on: Arc<AtomicBool>,
}

impl Layer for Shimmed {
    type Inner = Tillcard;

    fn inner(&self) -> &Tillcard {
        &self.card
    }

    fn inner_mut(&mut self) -> &mut Tillcard {
        &mut self.card
    }

    fn on_transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        let is_asked = command.starts_with(&[0x84, 0x30]) || command.starts_with(&[0x84, 0x38]);
        let answer = tillcard_emu::CardInSlot::transmit(&mut self.card, command)?;
        match is_asked && self.is_on.load(Ordering::SeqCst) {
            true => Ok(&[0x69, 0x85]),
            false => Ok(answer),
        }
    }
}

impl TestCard for Shimmed {}

/// A user whose node is Bitcoin Core.
struct Someone {
    user: User,
    node: Node,
}

impl Someone {
    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let config = self.node.config();
        let Auth::Cookie(cookie) = config.auth else {
            panic!("a node writes a cookie");
        };
        let cookie: PathBuf = cookie;
        let chain = format!("core:{}?cookie={}", config.url, cookie.display());
        let mut command = self.user.command(arguments);
        run(command.env("TILLCARD_CHAIN", chain), input)
    }

    /// Runs `tillcard`, which must end with this code. Returns what it printed.
    #[track_caller]
    fn expect(&self, code: i32, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "tillcard {arguments:?}: {told}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        told
    }
}

fn insert<C: TestCard>(card: C) -> Inserted<C> {
    let inserted = Inserted::put(card, FIRST);
    drop(readers(None).wait_for_card(Some(DEADLINE)).unwrap());
    inserted
}

fn take_out<C: TestCard>(inserted: Inserted<C>) -> C {
    let card = inserted.take_out();
    let empty = readers(None).wait_for_removal(FIRST, Some(DEADLINE));
    empty.unwrap();
    card
}

#[test]
fn nobody_who_was_told_a_refusal_pays() {
    let _readers = empty_readers();
    let someone = Someone {
        user: User::new(),
        node: Node::start(),
    };
    let (_, address) = words_and_address(&someone.expect(0, &["owner", "new"], ""));
    let mine = ["mine", "--blocks", "101", "--to", &address];
    someone.expect(0, &mine, "");
    let is_on = Arc::new(AtomicBool::new(false));
    let card = Shimmed {
        card: Tillcard::fresh(1),
        is_on: Arc::clone(&is_on),
    };
    let inserted = insert(card);
    let pin_twice = format!("{PIN}\n{PIN}\n");
    someone.expect(0, &["owner", "issue"], &pin_twice);
    let top_up = ["owner", "topup", "--unconfirmed", "--amount", "100,000 sat"];
    someone.expect(0, &top_up, "");
    someone.expect(0, &["mine", "--to", &address], "");

    // The card pays, and somebody refuses in its name, whatever it is asked.
    is_on.store(true, Ordering::SeqCst);
    let shop = shop();
    let told = someone.expect(4, &milk(&shop), &format!("{PIN}\n"));
    let last = told.lines().last().unwrap();
    assert!(last.starts_with("open[card-lost-repeatedly]: "), "{told}");
    assert!(last.contains("don't take a second payment"), "{told}");
    assert!(!told.contains("declined"), "{told}");
    let mempool = someone.node.rpc().mempool().unwrap();
    assert!(mempool.is_empty(), "nobody but the card has the payment");
    let card = take_out(inserted);

    // Another card is asked for nothing, though it is its owner's too.
    let inserted = insert(Tillcard::fresh(2));
    someone.expect(0, &["owner", "issue"], &pin_twice);
    let told = someone.expect(4, &["till", "resume"], "");
    assert!(told.contains("open[other-card]: "), "{told}");
    take_out(inserted);

    // The first one, and nobody between.
    is_on.store(false, Ordering::SeqCst);
    let inserted = insert(card);
    let told = someone.expect(0, &["till", "resume"], "");
    assert!(told.contains("the card gave the payment"), "{told}");
    assert!(told.ends_with("settled\n"), "{told}");
    assert!(!told.contains("waiting for PIN"), "{told}");
    someone.expect(0, &["mine", "--to", &address], "");
    let log = someone.expect(0, &["owner", "log", "--card", "0", "--json"], "");
    let log: Value = serde_json::from_str(&log).unwrap();
    let payments = log["payments"].as_array().unwrap();
    assert_eq!(payments.len(), 1, "{log:#}");
    assert_eq!(payments[0]["chain"]["state"], "confirmed");
    take_out(inserted);
}
