//! Who is let in, and what the others learn.

use serde_json::json;

use crate::service_support::http::request;
use crate::service_support::{Shop, address};

const COUNTER: &str = "Counter 1";

/// All that needs a key.
const PATHS: &[(&str, &str)] = &[
    ("GET", "/v1/payments"),
    ("POST", "/v1/payments"),
    ("GET", "/v1/payments/0000000000000000"),
    ("POST", "/v1/payments/0000000000000000/cancel"),
    ("POST", "/v1/payments/0000000000000000/pin"),
    ("POST", "/v1/payments/0000000000000000/ask-again"),
    ("POST", "/v1/payments/0000000000000000/close"),
    ("GET", "/v1/readers"),
    ("GET", "/v1/events"),
    ("GET", "/v1/till"),
    ("GET", "/metrics"),
];

#[test]
fn without_a_good_key_nothing_is_learned() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let id = till.pay(COUNTER, 1);
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
    let there = format!("/v1/payments/{id}");
    let mut answers = std::collections::BTreeSet::new();
    for (method, path) in PATHS.iter().chain([&("GET", there.as_str())]) {
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
