//! Many payments in a row: the service doesn't grow by them.

use std::time::Instant;

use serde_json::json;

use crate::service_support::{PIN, Service, Shop, address};

const COUNTER: &str = "Counter 1";

const PAYMENTS: u16 = 200;

/// From here on all is loaded that a payment needs.
const WARM: u16 = 50;

/// What a card can do before its owner has to look after it.
const PAYMENTS_OF_A_CARD: u16 = 10;

/// The memory that a process has, in kB.
fn memory(till: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", till.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse().unwrap()
}

#[test]
#[ignore = "takes minutes; `make soak` runs it"]
fn two_hundred_payments_take_no_more_memory_than_fifty() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let begun = Instant::now();
    let mut measured = Vec::new();
    for number in 1..=PAYMENTS {
        let card = format!("ok#{}", (number - 1) / PAYMENTS_OF_A_CARD);
        let wanted = json!({"amount_sat": 1_000, "to": address(number), "reader": COUNTER});
        let made = till.post("/v1/payments", &wanted).expect(201);
        let id = made["id"].as_str().unwrap();
        shop.tray.insert(COUNTER, &card).unwrap();
        till.type_pin(id, PIN);
        till.wait_for(id, "broadcast");
        shop.tray.remove(COUNTER).unwrap();
        shop.mine();
        till.wait_for(id, "settled");
        if number % WARM == 0 {
            measured.push(memory(&till));
        }
    }
    let took = begun.elapsed().as_secs();
    println!("{PAYMENTS} payments in {took} s; memory in kB after each {WARM}: {measured:?}");
    let (first, last) = (measured[0], measured[measured.len() - 1]);
    assert!(last * 100 <= first * 105, "{measured:?}");
}
