//! How the till is: chain and readers are states of it, and never a verdict on a payment.

use bitcoin::Network;
use serde_json::json;

use crate::service_support::http::request;
use crate::service_support::stub_node::{Said, StubNode};
use crate::service_support::{PIN, Service, Shop, address};

const COUNTER: &str = "Counter 1";

#[test]
fn a_node_that_is_gone_is_a_state_of_the_till() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    assert_eq!(till.get("/v1/till").expect(200)["chain"]["state"], "ready");
    let id = till.pay(COUNTER, 1);
    shop.tray.insert(COUNTER, "ok").unwrap();
    till.type_pin(&id, PIN);
    till.wait_for(&id, "broadcast");
    let Shop { node, tray, home } = shop;
    drop(node);
    till.wait("the node's absence is told", || {
        till.get("/v1/till").json()["chain"]["state"] == "unavailable"
    });
    assert_eq!(till.get("/ready").expect(503)["ok"], false);
    assert_eq!(till.get("/health").expect(200)["ok"], true);
    let wanted = json!({"amount_sat": 1_000, "to": address(2)});
    assert_eq!(
        till.post("/v1/payments", &wanted).problem(503),
        "node-unreachable"
    );
    assert_eq!(till.payment(&id)["state"], "broadcast");
    drop((tray, home));
}

#[test]
fn a_node_that_is_behind_or_elsewhere_is_a_state_of_the_till() {
    let shop = Shop::open(&[COUNTER]);
    let regtest = |behind| Said {
        network: Network::Regtest,
        behind,
    };
    let node = StubNode::start(regtest(0));
    let key = shop.key("read,take");
    let arguments = ["till", "serve", "--listen", "127.0.0.1:0", "--json"];
    let mut command = shop.command(&arguments);
    let till = Service::start(command.env("TILLCARD_CHAIN", &node.chain), key);
    let is = |state: &str, code: &str| {
        till.wait(state, || {
            let chain = &till.get("/v1/till").json()["chain"];
            chain["state"] == state && chain["reason"]["code"] == code
        });
        assert_eq!(till.get("/ready").status, 503);
    };
    node.says(regtest(3));
    is("behind", "node-behind");
    node.says(Said {
        network: Network::Signet,
        behind: 0,
    });
    is("wrong_network", "node-wrong-network");
    node.says(regtest(0));
    till.wait("it is there again", || till.get("/ready").status == 200);
}

#[cfg(feature = "test-cards")]
#[test]
fn test_cards_are_refused_on_mainnet() {
    let shop = Shop::open(&[COUNTER]);
    let node = StubNode::start(Said {
        network: Network::Bitcoin,
        behind: 0,
    });
    let arguments = [
        "till",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--test-cards",
        "--mainnet",
    ];
    let mut command = shop.command(&arguments);
    let refused = command.env("TILLCARD_CHAIN", &node.chain).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.starts_with("error[test-cards-on-mainnet]: "), "{said}");
}

#[test]
fn who_has_no_key_sees_the_page_and_whether_the_till_is_well() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let page = request(&till.address, "GET", "/", &[], "");
    assert_eq!(page.status, 200);
    assert!(
        page.headers
            .contains("content-security-policy: default-src 'none'")
    );
    assert!(!page.body.contains("style=") && !page.body.contains("onclick"));
    let ready = request(&till.address, "GET", "/ready", &[], "").expect(200);
    assert_eq!(ready, json!({"ok": true}));
    let openapi = request(&till.address, "GET", "/v1/openapi.json", &[], "").expect(200);
    assert_eq!(openapi["openapi"], "3.1.0");
    // Test cards are for who asked for them.
    assert!(openapi["paths"]["/v1/payments"].is_object());
    assert!(openapi["paths"]["/v1/test/cards"].is_null());
}

#[test]
fn prometheus_gets_its_numbers() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    till.pay(COUNTER, 1);
    let metrics = till.get("/metrics");
    assert_eq!(metrics.status, 200);
    for line in [
        "tillcard_payments{state=\"waiting_for_card\"} 1",
        "tillcard_payments_sat{state=\"waiting_for_card\"} 21000",
        "tillcard_chain_ready 1",
        "tillcard_readers 1",
        "tillcard_readers_in_use 1",
    ] {
        till.wait(line, || till.get("/metrics").body.contains(line));
    }
}
