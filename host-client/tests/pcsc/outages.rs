//! The owner's worst days, through a real reader: the disk is full, the node refuses, lies or is gone,
//! just when money moves.

use std::process::{Command, Output};

use crate::cli_support::{User, run};
use crate::full_disk::FullDisk;
use crate::owner::user_with_coins;
use crate::reader_support::empty_readers;
use tillcard_regtest::{Refusal, Switches};

fn top_up(user: &User, amount: u64) -> Command {
    let amount = format!("{amount} sat");
    user.command(&["owner", "topup", "--unconfirmed", "--amount", &amount])
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Brings everything in order, as the messages say, and looks: the card knows every coin that the chain
/// has for it, these amounts.
#[track_caller]
fn expect_coins(user: &User, amounts: &[u64]) {
    user.tillcard(&["owner", "topup", "--unconfirmed"], "");
    user.mine();
    let coins = user.tillcard(&["owner", "coins"], "");
    assert!(!coins.contains("hasn't heard"), "{coins}");
    for amount in amounts {
        let (thousands, rest) = (amount / 1_000, amount % 1_000);
        let shown = format!("{thousands},{rest:03} sat");
        assert!(coins.contains(&shown), "{shown}: {coins}");
    }
    let count = match amounts.len() {
        1 => "1 coin.".to_owned(),
        count => format!("{count} coins."),
    };
    assert!(
        coins.contains(&format!("the card knows {count}")),
        "{coins}"
    );
}

/// The disk is full from the first write of a top-up on, then from the second, and so on, until none
/// fails any more. What was said of the money is so, and nothing is lost.
#[test]
fn a_disk_that_is_full_while_a_top_up_is_noted() {
    let _readers = empty_readers();
    let (user, inserted) = user_with_coins(45, &[], &[]);
    let disk = FullDisk::build(user.home.path());
    let mut paid = Vec::new();
    let mut ends = Vec::new();
    for from in 1.. {
        let amount = 20_000 + from as u64;
        let mut command = top_up(&user, amount);
        disk.under(&mut command, from);
        let output = run(&mut command, "");
        let said = error(&output);
        user.tillcard(&["owner", "topup", "--unconfirmed"], "");
        user.mine();
        let is_paid = user.has_output(amount);
        if is_paid {
            paid.push(amount);
        }
        if output.status.success() {
            assert!(is_paid, "write {from}");
            break;
        }
        assert_eq!(output.status.code(), Some(1), "write {from}: {said}");
        if said.contains("nothing was sent") || said.contains("no coin was moved") {
            assert!(!is_paid, "write {from}: {said}");
        }
        if said.contains("is on its way") {
            assert!(is_paid, "write {from}: {said}");
        }
        let code = said.split(['[', ']']).nth(1).unwrap_or(&said).to_owned();
        ends.push((code, is_paid));
        expect_coins(&user, &paid);
    }
    println!("{} writes failed: {ends:?}", ends.len());
    assert!(ends.iter().any(|(_, is_paid)| *is_paid), "{ends:?}");
    assert!(ends.iter().any(|(_, is_paid)| !*is_paid), "{ends:?}");
    inserted.take_out();
}

/// What a node answers to a transaction proves nothing: one that says no, and has taken it; one that
/// starts anew before it answers.
#[test]
fn a_node_that_refuses_lies_or_goes_while_a_top_up_is_sent() {
    let _readers = empty_readers();
    let (user, inserted) = user_with_coins(46, &[], &[]);
    let refuse = |code: i32, taken: bool| {
        user.switch(Switches {
            refuse: Some(Refusal {
                code,
                message: "mempool full".into(),
                taken,
            }),
            ..Switches::default()
        });
    };
    // An honest no: nothing is sent, now or later.
    refuse(-26, false);
    let refused = run(&mut top_up(&user, 21_001), "");
    assert!(
        error(&refused).contains("mempool full"),
        "{}",
        error(&refused)
    );
    user.switch(Switches::default());
    user.tillcard(&["owner", "topup", "--unconfirmed"], "");
    user.mine();
    assert!(!user.has_output(21_001));
    // A lie: the node has it, and says so when it is asked.
    refuse(-26, true);
    let lied = run(&mut top_up(&user, 21_002), "");
    assert!(lied.status.success(), "{}", error(&lied));
    user.switch(Switches::default());
    expect_coins(&user, &[21_002]);
    // No answer that tells: sent or not, it is written down, and goes on its way.
    for (amount, taken) in [(21_003, false), (21_004, true)] {
        refuse(-28, taken);
        let lost = run(&mut top_up(&user, amount), "");
        assert!(
            error(&lost).contains("error[top-up-unsent]"),
            "{}",
            error(&lost)
        );
        user.switch(Switches::default());
    }
    expect_coins(&user, &[21_002, 21_003, 21_004]);
    inserted.take_out();
}

/// A lost card is blocked by a node that says no and has taken it.
#[test]
fn a_node_that_lies_while_a_card_is_blocked() {
    let _readers = empty_readers();
    let (user, inserted) = user_with_coins(47, &[], &["50,000 sat"]);
    user.switch(Switches {
        refuse: Some(Refusal {
            code: -26,
            message: "mempool full".into(),
            taken: true,
        }),
        ..Switches::default()
    });
    let blocked = user.tillcard(&["owner", "block"], "");
    assert!(blocked.contains("Card 0 is blocked"), "{blocked}");
    user.switch(Switches::default());
    user.mine();
    inserted.take_out();
}
