//! Events: in their order, none left out, whoever was away.

use crate::service_support::{PIN, Shop};

const COUNTER: &str = "Counter 1";

#[test]
fn who_was_away_gets_all_that_came_since() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let mut events = till.events("/v1/events", &[]);
    let id = till.pay(COUNTER, 1);
    let created = loop {
        let event = events.next();
        if event.kind == "payment.created" {
            break event;
        }
    };
    assert_eq!(created.data["id"], *id);
    drop(events);

    shop.tray.insert(COUNTER, "ok").unwrap();
    till.type_pin(&id, PIN);
    till.wait_for(&id, "broadcast");
    // Across a restart too.
    till.kill();
    let till = shop.serve();
    let last = created.id.to_string();
    let mut events = till.events("/v1/events", &[("Last-Event-ID", &last)]);
    let mut number = created.id;
    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind != "payment.broadcast") {
        let event = events.next();
        assert_eq!(event.id, number + 1);
        number = event.id;
        if event.kind.starts_with("payment.") && event.kind != "payment.updated" {
            assert_eq!(
                event.kind,
                format!("payment.{}", event.data["state"].as_str().unwrap())
            );
            kinds.push(event.kind);
        }
    }
    assert_eq!(
        kinds,
        [
            "payment.waiting_for_card",
            "payment.waiting_for_pin",
            "payment.signing",
            "payment.broadcast"
        ]
    );
    let mut all = till.events("/v1/events?after=0", &[]);
    assert_eq!(all.next().id, 1);
}
