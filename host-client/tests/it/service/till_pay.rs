//! `tillcard till pay` beside the service: a client of it, with the words and exit codes that it has alone.

use std::io::Write;
use std::process::{Child, Output, Stdio};

use serde_json::Value;

use crate::service_support::{PIN, Service, Shop, address};

const COUNTER: &str = "Counter 1";

/// Starts `till pay`, with a PIN typed before it is asked for.
fn pay(shop: &Shop, more: &[&str], pin: &str) -> Child {
    let to = address(1);
    let mut command = shop.command(&["till", "pay", "--amount", "21000", "--to", &to]);
    command.args(more).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    write!(input, "{pin}").unwrap();
    child
}

/// The only payment of the service, once it is in this state.
fn wait_for(till: &Service, state: &str) -> Value {
    let payments = || till.get("/v1/payments").json()["payments"].clone();
    till.wait(state, || payments()[0]["state"] == state);
    assert_eq!(payments().as_array().unwrap().len(), 1);
    payments()[0].clone()
}

#[track_caller]
fn ended(child: Child, code: i32) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let (out, errors) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    assert_eq!(status.code(), Some(code), "{out}{errors}");
    format!("{out}{errors}")
}

#[test]
fn the_service_takes_the_payment_and_the_terminal_tells_it() {
    let shop = Shop::open(&[COUNTER, "Counter 2"]);
    let till = shop.serve();
    let arguments = ["--reader", "ter 1", "--fee-rate", "2", "--merchant", "Milk"];
    let paying = pay(&shop, &arguments, &format!("999999\n{PIN}\n"));
    let payment = wait_for(&till, "waiting_for_card");
    assert_eq!(payment["reader"], COUNTER);
    shop.tray.insert(COUNTER, "ok").unwrap();
    wait_for(&till, "broadcast");
    shop.mine();
    wait_for(&till, "settled");
    let said = ended(paying, 0);
    let id = payment["id"].as_str().unwrap();
    for words in [id, &till.address, "2 tries left", "\nsettled\n"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // Its key has ended with it.
    let keys = shop.run(&["till", "key", "list"]);
    let own = keys.lines().find(|key| key.contains("till pay")).unwrap();
    assert!(own.contains("ended"), "{keys}");
}

#[test]
fn its_exit_code_is_that_of_till_pay_alone() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let paying = pay(&shop, &["--json"], &format!("{PIN}\n"));
    wait_for(&till, "waiting_for_card");
    shop.tray.insert(COUNTER, "insufficient").unwrap();
    let said = ended(paying, 3);
    let last: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(last["reason"]["code"], "card-insufficient-funds");
}

#[test]
fn without_a_pin_the_payment_is_given_up() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let paying = pay(&shop, &[], "");
    wait_for(&till, "waiting_for_card");
    shop.tray.insert(COUNTER, "ok").unwrap();
    ended(paying, 0);
    wait_for(&till, "cancelled");
}

#[test]
fn what_the_service_refuses_is_told() {
    let shop = Shop::open(&[COUNTER, "Counter 2"]);
    let _till = shop.serve();
    let said = ended(pay(&shop, &[], ""), 1);
    assert!(said.contains("error[till-service-refused]: "), "{said}");
    assert!(said.contains("reader-not-chosen"), "{said}");
}
