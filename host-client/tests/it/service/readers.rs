//! Readers: which there are, what is in them, and who is at them.

use serde_json::{Value, json};

use crate::service_support::{PIN, Shop, address};

const COUNTER: &str = "Counter 1";
const OTHER: &str = "Counter 2";

#[test]
fn with_two_cards_in_two_readers_the_clerk_chooses() {
    let shop = Shop::open(&[COUNTER, OTHER]);
    let till = shop.serve();
    shop.tray.insert(COUNTER, "ok").unwrap();
    shop.tray.insert(OTHER, "ok#2").unwrap();
    let wanted = json!({"amount_sat": 21_000, "to": address(1)});
    assert_eq!(
        till.post("/v1/payments", &wanted).problem(422),
        "reader-not-chosen"
    );
    let id = till.pay(OTHER, 1);
    till.type_pin(&id, PIN);
    till.wait_for(&id, "broadcast");
    assert_eq!(
        shop.tray.trace("ok").unwrap().entries().len(),
        0,
        "the other card was asked nothing"
    );
    // Counter 2 is served while Counter 1 is.
    let first = till.pay(COUNTER, 2);
    shop.tray.remove(OTHER).unwrap();
    let second = till.pay(OTHER, 3);
    till.type_pin(&first, PIN);
    till.wait_for(&first, "broadcast");
    till.wait_for(&second, "waiting_for_card");
}

#[test]
fn a_card_that_cannot_be_used_is_named_and_the_till_goes_on() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let reader = || till.get("/v1/readers").expect(200)[0].clone();
    let empty = json!({"id": COUNTER, "state": "empty", "payment": null, "reason": null});
    assert_eq!(reader(), empty);
    let id = till.pay(COUNTER, 1);
    assert_eq!(reader()["payment"], *id);
    for (card, code) in [("mute", "card-mute"), ("garbage", "card-of-another-kind")] {
        shop.tray.insert(COUNTER, card).unwrap();
        till.wait(code, || till.payment(&id)["reason"]["code"] == code);
        till.wait(code, || reader()["reason"]["code"] == code);
        assert_eq!(reader()["state"], "unusable");
        assert_eq!(till.payment(&id)["state"], "waiting_for_card");
        shop.tray.remove(COUNTER).unwrap();
        till.wait("it is empty", || reader()["state"] == "empty");
    }
    shop.tray.insert(COUNTER, "ok").unwrap();
    till.type_pin(&id, PIN);
    let paid = till.wait_for(&id, "broadcast");
    assert_eq!(paid["reason"], Value::Null);
}

#[test]
fn readers_come_while_the_till_is_open() {
    let shop = Shop::open(&[]);
    let till = shop.serve();
    assert_eq!(till.get("/v1/readers").expect(200), json!([]));
    let wanted = json!({"amount_sat": 21_000, "to": address(1)});
    assert_eq!(
        till.post("/v1/payments", &wanted).problem(503),
        "reader-not-found"
    );
    shop.tray.add_reader(COUNTER).unwrap();
    till.wait("a reader", || {
        till.get("/v1/readers").json()[0]["id"] == COUNTER
    });
    till.post("/v1/payments", &wanted).expect(201);
}
