//! Prices in the shop's currency, and what a day came to.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::service_support::{PIN, Shop, address};

const COUNTER: &str = "Counter 1";

#[test]
fn a_price_is_paid_in_sat_by_a_rate_that_is_not_old() {
    let shop = Shop::open(&[COUNTER]);
    let file = shop.home.path().join("rate");
    std::fs::write(&file, "50000.00\n").unwrap();
    let source = format!("file:{}", file.display());
    let arguments = [
        "--currency",
        "EUR",
        "--rate",
        &source,
        "--rate-max-age",
        "60",
    ];
    let till = shop.serve_with(&arguments);
    assert_eq!(till.get("/v1/till").expect(200)["currency"], "EUR");
    let wanted = json!({"price": "10.50", "to": address(1), "reference": "=1+1"});
    let made = till.post("/v1/payments", &wanted).expect(201);
    assert_eq!(made["amount_sat"], 21_000);
    let price = &made["price"];
    assert_eq!(
        (&price["amount"], &price["rate"]),
        (&"10.50".into(), &"50000.00".into())
    );
    let id = made["id"].as_str().unwrap();
    shop.tray.insert(COUNTER, "ok").unwrap();
    till.type_pin(id, PIN);
    till.wait_for(id, "broadcast");
    shop.tray.remove(COUNTER).unwrap();
    shop.mine();
    till.wait_for(id, "settled");

    let table = till.get("/v1/payments.csv").body;
    let row = table.lines().nth(1).unwrap();
    assert!(row.starts_with(&format!("\"{id}\",")), "{row}");
    assert!(
        row.contains("\"settled\",\"21000\",\"EUR\",\"10.50\",\"50000.00\",\"card\""),
        "{row}"
    );
    assert!(row.ends_with(",\"'=1+1\""), "{row}");
    let closed = till.get("/v1/close").expect(200);
    let total = json!({
        "state": "settled", "payments": 1, "amount_sat": 21_000, "prices": {"EUR": "10.50"},
    });
    assert_eq!(closed["totals"], json!([total]));
    let none = till.get("/v1/close?until=2026-01-01T00:00:00Z").expect(200);
    assert_eq!(none["totals"], json!([]));

    let refused = |wanted: Value, status| till.post("/v1/payments", &wanted).problem(status);
    let both = json!({"price": "1", "amount_sat": 1_000, "to": address(2)});
    assert_eq!(refused(both, 422), "request-invalid");
    assert_eq!(refused(json!({"to": address(2)}), 422), "request-invalid");
    let wanted = json!({"price": "1", "to": address(2)});
    let hour_ago = SystemTime::now() - Duration::from_secs(3_600);
    let opened = std::fs::File::options().write(true).open(&file).unwrap();
    opened.set_modified(hour_ago).unwrap();
    assert_eq!(refused(wanted.clone(), 503), "rate-stale");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(refused(wanted, 503), "rate-unavailable");
}
