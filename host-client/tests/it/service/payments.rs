//! Payments by the service: their states, what may be done in which, and what a restart makes of them.

use std::process::Stdio;

use bdk_wallet::miniscript::{Descriptor, DescriptorPublicKey};
use serde_json::{Value, json};
use tillcard::chain::Chain;
use tillcard::scan::{Secrets, Snapshot};

use crate::service_support::{PIN, Service, Shop, address};

const COUNTER: &str = "Counter 1";
const DESCRIPTOR: &str = "tr(tpubD6NzVbkrYhZ4XHndKkuB8FifXm8r5FQHwrN6oZuWCz13qb93rtgKvD4PQsqC4HP4yhV3tA2fqr2RbY5mNXfM7RxXUoeABoDtsFUq2zJq6YK/0/*)";
const OTHER: &str = "Counter 2";

fn states(payment: &Value) -> Vec<&str> {
    let history = payment["history"].as_array().unwrap().iter();
    history
        .map(|passed| passed["state"].as_str().unwrap())
        .collect()
}

#[test]
fn a_payment_goes_its_way_and_the_next_is_served_meanwhile() {
    let shop = Shop::open(&[COUNTER]);
    // Cards that are made move the chain.
    for card in ["ok", "ok#2"] {
        shop.tray.describe(card).unwrap();
    }
    let till = shop.serve();
    let first = till.pay(COUNTER, 1);
    till.wait_for(&first, "waiting_for_card");
    shop.tray.insert(COUNTER, "ok").unwrap();

    till.type_pin(&first, "999999");
    till.wait("a wrong PIN is told", || {
        till.payment(&first)["pin"]["tries_left"] == 2
    });
    till.type_pin(&first, PIN);
    let broadcast = till.wait_for(&first, "broadcast");
    assert!(broadcast["txid"].is_string() && broadcast["fee_sat"].is_u64());

    // It waits for its block, and needs no reader.
    shop.tray.remove(COUNTER).unwrap();
    let second = till.pay(COUNTER, 2);
    shop.tray.insert(COUNTER, "ok#2").unwrap();
    till.type_pin(&second, PIN);
    till.wait_for(&second, "broadcast");
    assert_eq!(till.payment(&first)["state"], "broadcast");
    shop.mine();
    let settled = till.wait_for(&first, "settled");
    assert_eq!(settled["confirmations"], 1);
    assert_eq!(
        states(&settled),
        [
            "created",
            "waiting_for_card",
            "waiting_for_pin",
            "signing",
            "broadcast",
            "settled"
        ]
    );
    till.wait_for(&second, "settled");
    let list = till.get("/v1/payments?state=settled&limit=1").expect(200);
    assert_eq!(list["payments"][0]["id"], *second);
    let rest = format!("/v1/payments?after={}", list["next"].as_str().unwrap());
    assert_eq!(till.get(&rest).expect(200)["payments"][0]["id"], *first);
}

#[test]
fn what_is_declined_cancelled_or_too_late_pays_nothing() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let declined = till.pay(COUNTER, 1);
    shop.tray.insert(COUNTER, "insufficient").unwrap();
    till.type_pin(&declined, PIN);
    let declined = till.wait_for(&declined, "declined");
    assert_eq!(declined["reason"]["code"], "card-insufficient-funds");
    shop.tray.remove(COUNTER).unwrap();

    let cancelled = till.pay(COUNTER, 2);
    shop.tray.insert(COUNTER, "ok").unwrap();
    till.wait_for(&cancelled, "waiting_for_pin");
    let cancel = format!("/v1/payments/{cancelled}/cancel");
    till.post(&cancel, &json!({})).expect(202);
    till.wait_for(&cancelled, "cancelled");
    till.post(&cancel, &json!({})).expect(202);
    let pin = format!("/v1/payments/{cancelled}/pin");
    assert_eq!(
        till.post(&pin, &json!({"pin": PIN})).problem(409),
        "pin-not-asked"
    );

    let brief = json!({"amount_sat": 21_000, "to": address(3), "expires_in_s": 1});
    let brief = till.post("/v1/payments", &brief).expect(201);
    till.wait_for(brief["id"].as_str().unwrap(), "expired");
    assert!(shop.node.rpc().mempool().unwrap().is_empty());
}

#[test]
fn money_in_doubt_is_told_as_such_until_the_card_is_asked_again() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let id = till.pay(COUNTER, 1);
    shop.tray.insert(COUNTER, "removed-mid-payment").unwrap();
    till.type_pin(&id, PIN);
    till.wait_for(&id, "unknown");
    // The customer walks away.
    till.post(&format!("/v1/payments/{id}/cancel"), &json!({}))
        .expect(202);
    till.wait("the reader is free", || {
        till.get("/v1/readers").json()[0]["payment"].is_null()
    });
    let unknown = till.payment(&id);
    assert_eq!(unknown["state"], "unknown");
    let detail = unknown["reason"]["detail"].as_str().unwrap();
    assert!(detail.contains("don't take a second payment"), "{detail}");

    // Another card is asked for nothing.
    let again = format!("/v1/payments/{id}/ask-again");
    till.post(&again, &json!({})).expect(202);
    shop.tray.insert(COUNTER, "ok").unwrap();
    till.wait("the other card is named", || {
        till.payment(&id)["reason"]["code"] == "other-card"
    });
    shop.tray.remove(COUNTER).unwrap();
    till.wait("the reader is free", || {
        till.get("/v1/readers").json()[0]["payment"].is_null()
    });
    till.post(&again, &json!({"reader": COUNTER})).expect(202);
    shop.tray.insert(COUNTER, "removed-mid-payment").unwrap();
    till.wait_for(&id, "broadcast");
    assert_eq!(shop.node.rpc().mempool().unwrap().len(), 1);
}

#[test]
fn a_request_that_comes_again_makes_no_second_payment() {
    let shop = Shop::open(&[COUNTER, OTHER]);
    let till = shop.serve();
    let wanted = |amount: u64| json!({"amount_sat": amount, "to": address(1), "reader": COUNTER});
    let send = |name: &str, amount| {
        let headers = [("Idempotency-Key", name)];
        till.request(
            "POST",
            "/v1/payments",
            &headers,
            &wanted(amount).to_string(),
        )
    };
    let first = send("order-1", 21_000);
    let second = send("order-1", 21_000);
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.body, second.body);
    assert_eq!(
        send("order-1", 22_000).problem(422),
        "idempotency-key-reused"
    );
    assert_eq!(send("order-2", 21_000).problem(409), "reader-busy");
    let list = till.get("/v1/payments").expect(200);
    assert_eq!(list["payments"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_no_payment_is_refused() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let refused = |wanted: Value| till.post("/v1/payments", &wanted).problem(422);
    let to = address(1);
    let mainnet = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    assert_eq!(
        refused(json!({"amount_sat": 0, "to": to})),
        "request-invalid"
    );
    assert_eq!(
        refused(json!({"amount_sat": 1_000, "to": mainnet})),
        "request-invalid"
    );
    assert_eq!(
        refused(json!({"amount_sat": 1_000, "to": "milk"})),
        "request-invalid"
    );
    assert_eq!(
        refused(json!({"amount_sat": 1_000, "to": to, "confirmations": 5_000})),
        "request-invalid"
    );
    assert_eq!(
        refused(json!({"amount_sat": 1_000, "to": to, "tip": 1})),
        "request-body"
    );
    let unknown = json!({"amount_sat": 1_000, "to": to, "reader": "none"});
    assert_eq!(
        till.post("/v1/payments", &unknown).problem(404),
        "reader-unknown"
    );
    assert_eq!(
        till.get("/v1/payments/none").problem(404),
        "till-payment-unknown"
    );
}

#[test]
fn what_was_under_way_goes_on_after_a_kill() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let sent = till.pay(COUNTER, 1);
    shop.tray.insert(COUNTER, "ok").unwrap();
    till.type_pin(&sent, PIN);
    till.wait_for(&sent, "broadcast");
    shop.tray.remove(COUNTER).unwrap();
    let waiting = till.pay(COUNTER, 2);
    till.wait_for(&waiting, "waiting_for_card");
    till.kill();

    let till = shop.serve();
    till.wait_for(&waiting, "cancelled");
    assert_eq!(till.payment(&sent)["state"], "broadcast");
    shop.mine();
    till.wait_for(&sent, "settled");
}

#[test]
fn who_would_settle_too_leaves_the_service_alone() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let resume = shop
        .command(&["till", "resume"])
        .stdin(Stdio::null())
        .output();
    let output = resume.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("error[till-served]: "), "{said}");
    assert!(said.contains(&till.address), "{said}");
    let second = shop
        .command(&["till", "serve", "--listen", "127.0.0.1:0"])
        .output();
    let said = String::from_utf8(second.unwrap().stderr).unwrap();
    assert!(said.starts_with("error[till-served]: "), "{said}");
}

#[test]
fn no_pin_is_left_in_the_service() {
    // Longer than the test cards': eight digits can be looked for.
    const WRONG: &str = "90817263";
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let id = till.pay(COUNTER, 1);
    shop.tray.insert(COUNTER, "ok").unwrap();
    till.type_pin(&id, WRONG);
    till.wait("the PIN was seen", || {
        till.payment(&id)["pin"]["tries_left"] == 2
    });
    let mut secrets = Secrets::default();
    secrets.add_pin("PIN", WRONG);
    // What is certain to be there is found.
    secrets.add_text("payment", &id);
    let memory = Snapshot::of_child(till.child.id()).unwrap();
    let found = memory.search(&secrets);
    assert!(found.iter().any(|finding| finding.secret == "payment"));
    let pins: Vec<_> = found
        .iter()
        .filter(|finding| finding.secret == "PIN")
        .collect();
    assert!(pins.is_empty(), "{pins:?}");
}

#[test]
fn each_payment_has_a_fresh_address_of_the_shop_s_descriptor() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve_with(&["--descriptor", DESCRIPTOR]);
    let wanted = json!({"amount_sat": 21_000, "expires_in_s": 1});
    let mut given = Vec::new();
    let mut take = |till: &Service| {
        let made = till.post("/v1/payments", &wanted).expect(201);
        // What is refused uses none up.
        assert_eq!(
            till.post("/v1/payments", &wanted).problem(409),
            "reader-busy"
        );
        till.wait_for(made["id"].as_str().unwrap(), "expired");
        given.push(made["to"].as_str().unwrap().to_owned());
    };
    take(&till);
    take(&till);
    till.kill();
    let till = shop.serve_with(&["--descriptor", DESCRIPTOR]);
    take(&till);
    let descriptor = DESCRIPTOR
        .parse::<Descriptor<DescriptorPublicKey>>()
        .unwrap();
    let expected = [0, 1, 2].map(|index| {
        let address = descriptor.at_derivation_index(index).unwrap();
        address
            .address(bitcoin::Network::Regtest)
            .unwrap()
            .to_string()
    });
    assert_eq!(given, expected);
}
