//! The command line from the new wallet to the restored one, through a real reader.

use std::path::Path;
use std::process::Stdio;

use crate::cli_support::terminal::Terminal;
use crate::cli_support::{PIN, User, shop, words_and_address};
use crate::reader_support::{DEADLINE, FIRST, Inserted, Tillcard, empty_readers, readers};

#[test]
fn from_new_words_to_restored_ones() {
    let _readers = empty_readers();
    let user = User::new();
    let (words, address) = words_and_address(&user.tillcard(&["owner", "new"], ""));
    user.tillcard(&["mine", "--blocks", "101", "--to", &address], "");

    let inserted = Inserted::put(Tillcard::fresh(1), FIRST);
    drop(readers(None).wait_for_card(Some(DEADLINE)).unwrap());

    // The two PINs differ: nothing happens.
    let failed = user.run(&["owner", "issue"], "1234\n1235\n");
    assert_eq!(failed.status.code(), Some(1));
    assert!(user.tillcard(&["owner", "status"], "").contains("No cards"));

    let pin_twice = format!("{PIN}\n{PIN}\n");
    let issued = user.tillcard(&["owner", "issue", "--label", "milk money"], &pin_twice);
    assert!(issued.contains("Card 0 is yours"), "{issued}");
    let again = user.run(&["owner", "issue"], &pin_twice);
    assert!(String::from_utf8_lossy(&again.stderr).contains("error[card-has-owner]"));

    let amount = ["--amount", "100,000 sat"];
    let topped_up = user.tillcard(
        &[&["owner", "topup", "--unconfirmed"], &amount[..]].concat(),
        "",
    );
    assert!(topped_up.contains("taken 100,000 sat"), "{topped_up}");
    user.mine();

    // A wrong PIN, then the right one; the shop is content with the mempool.
    let milk = [
        "till",
        "pay",
        "--amount",
        "21,000 sat",
        "--confirmations",
        "0",
    ];
    let shop = shop();
    let to_shop = [&milk[..], &["--to", &shop]].concat();
    let paid = user.tillcard(&to_shop, &format!("000000\n{PIN}\n"));
    let told: Vec<&str> = paid.lines().collect();
    for step in [
        "waiting for card",
        "wrong PIN, 2 tries left",
        "signing",
        "settled",
    ] {
        assert!(told.contains(&step), "{step}: {paid}");
    }
    user.mine();

    let status = user.tillcard(&["owner", "status"], "");
    assert!(status.contains("milk money"), "{status}");
    assert!(status.contains("words and chain bring it back"), "{status}");

    // The card is lost.
    let card = inserted.take_out();
    readers(None)
        .wait_for_removal(FIRST, Some(DEADLINE))
        .unwrap();
    let blocked = user.tillcard(&["owner", "block"], "");
    assert!(blocked.contains("Card 0 is blocked"), "{blocked}");
    assert!(blocked.contains("come back to your wallet"), "{blocked}");
    user.mine();

    // Somebody finds it.
    let inserted = Inserted::put(card, FIRST);
    let declined = user.run(&to_shop, &format!("{PIN}\n"));
    assert_eq!(declined.status.code(), Some(3));
    let said = String::from_utf8(declined.stdout).unwrap();
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("declined[coin-spent]: coin "), "{said}");
    inserted.take_out();

    // The PC is lost too.
    let elsewhere = user.home.path().join("elsewhere");
    let folder = ["--folder", path(&elsewhere)];
    let restore = [&["owner", "restore"], &folder[..]].concat();
    let restored = user.tillcard(&restore, &format!("{words}\n"));
    assert!(restored.contains("ard 0"), "{restored}");
    let status = user.tillcard(&[&["owner", "status"], &folder[..]].concat(), "");
    assert!(status.contains("Card 0"), "{status}");
}

#[test]
fn a_pin_that_is_typed_is_not_shown() {
    let _readers = empty_readers();
    let user = User::new();
    let (_, address) = words_and_address(&user.tillcard(&["owner", "new"], ""));
    user.tillcard(&["mine", "--blocks", "101", "--to", &address], "");
    let inserted = Inserted::put(Tillcard::fresh(2), FIRST);
    drop(readers(None).wait_for_card(Some(DEADLINE)).unwrap());
    user.tillcard(&["owner", "issue"], &format!("{PIN}\n{PIN}\n"));
    let amount = ["--amount", "100,000 sat"];
    user.tillcard(
        &[&["owner", "topup", "--unconfirmed"], &amount[..]].concat(),
        "",
    );
    user.mine();

    let mut terminal = Terminal::open();
    let shop = shop();
    let milk = ["till", "pay", "--amount", "21,000 sat", "--to", &shop];
    let till = user
        .command(&[&milk[..], &["--confirmations", "0"]].concat())
        .stdin(terminal.stdio())
        .stdout(Stdio::piped())
        .stderr(terminal.stdio())
        .spawn()
        .unwrap();
    let wrong_pin = "918273";
    let mut shown = String::new();
    for pin in [wrong_pin, PIN] {
        shown += &terminal.until("PIN");
        shown += &terminal.until(": ");
        terminal.type_line(pin);
    }
    let output = till.wait_with_output().unwrap();
    // The terminal shows again what is typed, and that comes after all that the till has shown.
    terminal.type_line("an order of eggs");
    shown += &terminal.until("an order of eggs");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}{told}");
    assert!(told.contains("wrong PIN, 2 tries left"), "{told}");
    assert!(told.ends_with("settled\n"), "{told}");
    for pin in [wrong_pin, PIN] {
        assert!(!shown.contains(pin) && !told.contains(pin), "{shown}{told}");
    }
    inserted.take_out();
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
