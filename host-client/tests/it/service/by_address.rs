//! Customers without a card pay from a wallet, to the payment's own address.

use bitcoin::{Address, OutPoint, TxOut};
use serde_json::{Value, json};
use tillcard::chain::{Chain, FeeRate};

use crate::chain_support::{Payer, coinbase, output};
use crate::service_support::{PIN, Service, Shop, address};

const COUNTER: &str = "Counter 1";

/// A wallet with one coin.
struct Wallet {
    payer: Payer,
    coin: (OutPoint, TxOut),
}

impl Wallet {
    fn open(shop: &Shop) -> Self {
        let payer = Payer::new(0x33);
        let rpc = shop.node.rpc();
        let own = payer.address().to_string();
        shop.run(&["mine", "--to", &own]);
        let height = rpc.tip().unwrap().height;
        shop.run(&["mine", "--blocks", "100", "--to", &address(u16::MAX)]);
        let coin = coinbase(&rpc, height);
        Self { payer, coin }
    }

    /// Pays to an address, and goes on with the change.
    fn pay(&mut self, shop: &Shop, to: &str, amount: u64) {
        let to = to.parse::<Address<_>>().unwrap().assume_checked();
        let rate = FeeRate::from_sat_per_kvb(2_000);
        let payment = (self.payer).pay(&self.coin, to.script_pubkey(), amount, rate);
        shop.node.rpc().broadcast(&payment).unwrap();
        self.coin = output(&payment, 1);
    }
}

fn state(payment: &Value) -> (&str, &str) {
    (
        payment["state"].as_str().unwrap(),
        payment["by_address"]["state"].as_str().unwrap_or_default(),
    )
}

#[track_caller]
fn wait_for(till: &Service, id: &str, expected: (&str, &str)) -> Value {
    let what = format!("{expected:?}");
    till.wait(&what, || state(&till.payment(id)) == expected);
    till.payment(id)
}

#[test]
fn a_wallet_pays_in_parts_and_the_card_is_waited_for_no_more() {
    let shop = Shop::open(&[COUNTER]);
    let mut wallet = Wallet::open(&shop);
    let till = shop.serve();
    let id = till.pay(COUNTER, 1);
    let payment = till.wait_for(&id, "waiting_for_card");
    let to = address(1);
    assert_eq!(payment["uri"], format!("bitcoin:{to}?amount=0.00021"));
    let image = till.get(&format!("/v1/payments/{id}/qr.svg"));
    assert_eq!(image.status, 200);
    assert!(image.body.contains("<svg"));

    wallet.pay(&shop, &to, 20_000);
    let short = wait_for(&till, &id, ("waiting_for_card", "underpaid"));
    let told = short["by_address"]["what_to_do"].as_str().unwrap();
    assert!(told.contains("the other 1,000 sat"), "{told}");
    wallet.pay(&shop, &to, 1_000);
    wait_for(&till, &id, ("broadcast", "paid"));
    till.wait("the reader is free", || {
        till.get("/v1/readers").json()[0]["payment"].is_null()
    });
    // Over a restart.
    till.kill();
    let till = shop.serve();
    shop.mine();
    wait_for(&till, &id, ("settled", "paid"));

    // Its block leaves the chain.
    shop.node.reorganise(1);
    let back = wait_for(&till, &id, ("broadcast", "paid"));
    assert_eq!(back["alarms"][0]["code"], "payment-reorganised");
    shop.run(&["mine", "--to", &address(u16::MAX - 1)]);
    wait_for(&till, &id, ("settled", "paid"));
}

#[test]
fn what_comes_late_twice_or_too_much_has_a_name() {
    let shop = Shop::open(&[COUNTER]);
    let mut wallet = Wallet::open(&shop);
    // Cards that are made move the chain.
    shop.tray.describe("ok").unwrap();
    let till = shop.serve_with(&["--unconfirmed-up-to", "30000"]);
    let over = till.pay(COUNTER, 1);
    wallet.pay(&shop, &address(1), 25_000);
    // Up to its ceiling the shop waits for no block.
    let over = wait_for(&till, &over, ("settled", "overpaid"));
    let told = over["by_address"]["what_to_do"].as_str().unwrap();
    assert!(told.contains("refund 4,000 sat"), "{told}");

    let brief = json!({"amount_sat": 21_000, "to": address(2), "expires_in_s": 1});
    let late = till.post("/v1/payments", &brief).expect(201)["id"].clone();
    let late = late.as_str().unwrap();
    till.wait_for(late, "expired");
    wallet.pay(&shop, &address(2), 21_000);
    let late = wait_for(&till, late, ("expired", "late"));
    assert_eq!(late["alarms"][0]["code"], "payment-paid-late");

    let twice = till.pay(COUNTER, 3);
    shop.tray.insert(COUNTER, "ok").unwrap();
    till.type_pin(&twice, PIN);
    till.wait_for(&twice, "settled");
    assert_eq!(till.payment(&twice)["by_address"], Value::Null);
    wallet.pay(&shop, &address(3), 21_000);
    let twice = wait_for(&till, &twice, ("settled", "twice"));
    assert_eq!(twice["alarms"][0]["code"], "payment-paid-twice");
    shop.tray.remove(COUNTER).unwrap();

    // An address of another payment is watched for that one only.
    let again = till.pay(COUNTER, 3);
    assert_eq!(till.payment(&again)["uri"], Value::Null);
    let path = format!("/v1/payments/{again}/qr.svg");
    assert_eq!(till.get(&path).problem(404), "payment-without-uri");
}

#[test]
fn only_the_shop_says_how_much_is_taken_without_a_block() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve_with(&["--confirmations-above", "20000:3"]);
    let wanted = |amount: u64| json!({"amount_sat": amount, "to": address(1), "confirmations": 0});
    assert_eq!(
        till.post("/v1/payments", &wanted(1)).problem(422),
        "unconfirmed-over-ceiling"
    );
    let id = till.pay(COUNTER, 1);
    assert_eq!(till.payment(&id)["confirmations_required"], 3);
}
