//! Who is let in, and what the others learn.

use serde_json::json;

use crate::service_support::http::request;
use crate::service_support::{Service, Shop, address};

const COUNTER: &str = "Counter 1";

/// All that needs a key, by the service's own description: methods, and paths to what is there.
fn closed(till: &Service, payment: &str, webhook: &str) -> Vec<(String, String)> {
    let openapi = request(&till.address, "GET", "/v1/openapi.json", &[], "").expect(200);
    let (mut closed, mut open) = (Vec::new(), Vec::new());
    for (path, operations) in openapi["paths"].as_object().unwrap() {
        let path = path
            .replace("{payment}", payment)
            .replace("{reader}", "Test%20reader%201")
            // There is none; who isn't let in learns that no more than anything else.
            .replace("{refund}", "0000000000000000")
            .replace("{webhook}", webhook);
        assert!(!path.contains('{'), "what is {path}?");
        for (method, operation) in operations.as_object().unwrap() {
            match operation["security"] == json!([{}]) {
                true => open.push(path.clone()),
                false => closed.push((method.to_uppercase(), path.clone())),
            }
        }
    }
    assert_eq!(open, ["/health", "/ready"]);
    assert!(closed.len() >= 20, "{closed:?}");
    closed
}

/// A till with all that it can have: test cards, a payment that waits for one, a webhook.
fn all_of_it(shop: &Shop) -> (Service, String, String) {
    let mut till = shop.serve_with(&["--test-cards"]);
    till.key = shop.key("read,take,refund,manage");
    let payment = till.pay("Test reader 1", 1);
    till.wait_for(&payment, "waiting_for_card");
    let wanted = json!({"url": "https://127.0.0.1:1/"});
    let webhook = till.post("/v1/webhooks", &wanted).expect(201);
    let webhook = webhook["webhook"]["id"].as_str().unwrap().to_owned();
    (till, payment, webhook)
}

#[test]
fn without_a_good_key_nothing_is_learned() {
    let shop = Shop::open(&[COUNTER]);
    let (till, payment, webhook) = all_of_it(&shop);
    let ended = shop.key("read,take");
    let name = ended.split('_').nth(1).unwrap();
    shop.run(&["till", "key", "revoke", name]);
    let expired = shop.run(&[
        "till", "key", "new", "old", "--scope", "read", "--days", "0",
    ]);
    let (most, last) = till.key.split_at(till.key.len() - 1);
    let wrong = format!("{most}{}", if last == "0" { "1" } else { "0" });
    let keys = [
        None,
        Some(""),
        Some("milk"),
        Some(wrong.as_str()),
        Some(ended.as_str()),
        Some(expired.trim()),
    ];
    let mut answers = std::collections::BTreeSet::new();
    let mut operations = closed(&till, &payment, &webhook);
    // What isn't there is told as what is.
    operations.extend(closed(&till, "0000000000000000", "0000000000000000"));
    for (method, path) in &operations {
        for key in keys {
            let bearer = key.map(|key| format!("Bearer {key}"));
            let headers: Vec<_> = bearer
                .iter()
                .map(|b| ("Authorization", b.as_str()))
                .collect();
            let answer = request(&till.address, method, path, &headers, "{}");
            assert_eq!(
                answer.problem(401),
                "unauthorized",
                "{method} {path} {key:?}"
            );
            answers.insert(answer.body);
        }
    }
    assert_eq!(answers.len(), 1, "all are told the same");
    assert_eq!(till.payment(&payment)["state"], "waiting_for_card");
    till.get(&format!("/v1/webhooks/{webhook}")).expect(200);
}

#[test]
fn each_operation_needs_one_scope() {
    let shop = Shop::open(&[COUNTER]);
    let (mut till, payment, webhook) = all_of_it(&shop);
    let keys = ["read", "take", "refund", "manage"].map(|scope| shop.key(scope));
    for (method, path) in closed(&till, &payment, &webhook) {
        // No number of an event: a stream of them has no end.
        let path = format!("{path}?after=milk");
        let mut let_in = 0;
        for key in &keys {
            till.key.clone_from(key);
            let answer = till.request(&method, &path, &[], "[]");
            match answer.status {
                403 => assert_eq!(answer.problem(403), "forbidden", "{method} {path}"),
                401 => panic!("{method} {path}: {}", answer.body),
                _ => let_in += 1,
            }
        }
        assert_eq!(let_in, 1, "{method} {path}");
    }
}

#[test]
fn a_key_does_what_its_scopes_say() {
    let shop = Shop::open(&[COUNTER]);
    let mut till = shop.serve();
    till.key = shop.key("read");
    till.get("/v1/readers").expect(200);
    let wanted = json!({"amount_sat": 1_000, "to": address(1)});
    assert_eq!(till.post("/v1/payments", &wanted).problem(403), "forbidden");
    till.key = shop.key("take");
    till.post("/v1/payments", &wanted).expect(201);
    assert_eq!(till.get("/v1/readers").problem(403), "forbidden");
}

#[test]
fn a_key_that_is_rotated_is_good_for_a_while() {
    let shop = Shop::open(&[COUNTER]);
    let mut till = shop.serve();
    let name = till.key.split('_').nth(1).unwrap().to_owned();
    let new = shop.run(&["till", "key", "rotate", &name]);
    till.get("/v1/readers").expect(200);
    shop.run(&["till", "key", "rotate", &name, "--overlap", "0"]);
    assert_eq!(till.get("/v1/readers").status, 401);
    till.key = new.trim().to_owned();
    till.get("/v1/readers").expect(200);
    let list = shop.run(&["till", "key", "list"]);
    assert!(list.contains(&name) && !list.contains(&till.key), "{list}");
}

#[test]
fn a_stolen_disk_has_no_key() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let secret = till.key.rsplit('_').next().unwrap();
    for entry in std::fs::read_dir(shop.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let is_there = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!is_there, "{}", path.display());
        }
    }
}
