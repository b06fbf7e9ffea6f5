//! Refunds: drafted by the till, signed by who has the keys of the shop's descriptor, and watched.

use bitcoin::bip32::{Xpriv, Xpub};
use bitcoin::secp256k1::Secp256k1;
use bitcoin::{Amount, Network, Psbt, Transaction};
use serde_json::{Value, json};
use tillcard::chain::Chain;

use crate::service_support::{PIN, Service, Shop, address};

const COUNTER: &str = "Counter 1";

/// The back office: the shop's keys, and a node that signs with them.
struct BackOffice {
    private: String,
    public: String,
}

impl BackOffice {
    fn open() -> Self {
        let key = Xpriv::new_master(Network::Regtest, &[7; 32]).unwrap();
        let public = Xpub::from_priv(&Secp256k1::new(), &key);
        Self {
            private: format!("tr({key}/0/*)"),
            public: format!("tr({public}/0/*)"),
        }
    }

    fn sign(&self, shop: &Shop, psbt: &str) -> String {
        let keys = json!([{"desc": self.private, "range": 1_000}]);
        let signed = shop.node.ask("descriptorprocesspsbt", &[json!(psbt), keys]);
        assert_eq!(signed["complete"], true, "{signed}");
        signed["psbt"].as_str().unwrap().to_owned()
    }

    /// Signs it, and sends it without the till.
    fn send(&self, shop: &Shop, psbt: &str) -> Transaction {
        let signed: Psbt = self.sign(shop, psbt).parse().unwrap();
        let transaction = signed.extract_tx().unwrap();
        shop.node.rpc().broadcast(&transaction).unwrap();
        transaction
    }

    fn serve(&self, shop: &Shop) -> Service {
        let mut till = shop.serve_with(&["--descriptor", &self.public]);
        till.key = shop.key("read,take,refund");
        till
    }
}

/// A card pays 21,000 sat, in a block when this returns; the payment's name.
fn paid(shop: &Shop, till: &Service) -> String {
    let id = broadcast(shop, till);
    shop.mine();
    till.wait_for(&id, "settled");
    id
}

fn broadcast(shop: &Shop, till: &Service) -> String {
    let wanted = json!({"amount_sat": 21_000, "reader": COUNTER});
    let made = till.post("/v1/payments", &wanted).expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    shop.tray.insert(COUNTER, "ok").unwrap();
    till.type_pin(&id, PIN);
    till.wait_for(&id, "broadcast");
    shop.tray.remove(COUNTER).unwrap();
    id
}

fn refund(till: &Service, id: &str) -> Value {
    till.get(&format!("/v1/refunds/{id}")).expect(200)
}

#[track_caller]
fn wait_for(till: &Service, id: &str, state: &str) -> Value {
    till.wait(state, || refund(till, id)["state"] == state);
    refund(till, id)
}

#[track_caller]
fn draft(till: &Service, payment: &str, amount: u64, to: u16) -> Value {
    let wanted = json!({
        "payment": payment, "amount_sat": amount, "to": address(to), "fee_rate_sat_per_kvb": 1_000,
    });
    till.post("/v1/refunds", &wanted).expect(201)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn the_back_office_signs_and_the_customer_has_his_money() {
    let (shop, office) = (Shop::open(&[COUNTER]), BackOffice::open());
    shop.tray.describe("ok").unwrap();
    let till = office.serve(&shop);
    let first = broadcast(&shop, &till);
    let ask = |wanted: &Value| till.post("/v1/refunds", wanted);
    let whole = json!({"payment": first, "to": address(900)});
    assert_eq!(ask(&whole).problem(409), "refund-not-settled");
    shop.mine();
    let own = till.wait_for(&first, "settled")["to"].clone();
    // All of it goes back, so that the fee is paid from another coin.
    assert_eq!(ask(&whole).problem(409), "refund-coins-short");
    let second = paid(&shop, &till);

    for (change, status, code) in [
        (json!({"amount_sat": 21_001}), 422, "refund-over-paid"),
        (json!({"amount_sat": 293}), 422, "refund-dust"),
        (json!({"fee_rate_sat_per_kvb": 500_000}), 422, "refund-fee"),
        (
            json!({"to": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}),
            422,
            "refund-address",
        ),
        (json!({"to": own}), 422, "refund-address"),
        (json!({"to": "milk"}), 422, "refund-address"),
        (json!({"payment": "milk"}), 404, "till-payment-unknown"),
        (json!({"expires_in_s": 0}), 422, "request-invalid"),
    ] {
        let mut wanted = whole.clone();
        let fields = wanted.as_object_mut().unwrap();
        fields.extend(change.as_object().unwrap().clone());
        assert_eq!(ask(&wanted).problem(status), code, "{change}");
    }
    assert_eq!(till.get("/v1/refunds").expect(200)["refunds"], json!([]));

    let named = [("Idempotency-Key", "refund-1")];
    let body = whole.to_string();
    let made = till
        .request("POST", "/v1/refunds", &named, &body)
        .expect(201);
    let again = till
        .request("POST", "/v1/refunds", &named, &body)
        .expect(201);
    assert_eq!(made, again);
    assert_eq!(
        (&made["state"], &made["amount_sat"]),
        (&json!("drafted"), &json!(21_000))
    );
    let id = text(&made["id"]);
    assert_eq!(ask(&whole).problem(409), "refund-open");
    // Both coins are this draft's.
    let other = json!({"payment": second, "to": address(901), "amount_sat": 5_000});
    assert_eq!(ask(&other).problem(409), "refund-coins-short");

    let path = format!("/v1/refunds/{id}/signed");
    let hand_in = |psbt: &str| till.post(&path, &json!({ "psbt": psbt }));
    let psbt = text(&made["psbt"]);
    assert_eq!(hand_in("milk").problem(422), "refund-not-signed");
    assert_eq!(hand_in(psbt).problem(422), "refund-not-signed");
    let mut dearer: Psbt = psbt.parse().unwrap();
    dearer.unsigned_tx.output[0].value -= Amount::from_sat(1_000);
    let dearer = office.sign(&shop, &dearer.to_string());
    assert_eq!(hand_in(&dearer).problem(422), "refund-other-transaction");
    let signed = office.sign(&shop, psbt);
    let sent = hand_in(&signed).expect(202);
    assert_eq!(sent["state"], "broadcast");
    assert_eq!(hand_in(&signed).expect(202)["txid"], sent["txid"]);
    let cancel = till.post(&format!("/v1/refunds/{id}/cancel"), &json!({}));
    assert_eq!(cancel.problem(409), "refund-state");
    let txid = text(&sent["txid"]).parse().unwrap();
    let in_mempool = shop.node.rpc().mempool_transaction(&txid).unwrap().unwrap();
    let to = in_mempool.output[0].script_pubkey.clone();
    assert_eq!(crate::service_support::address_of(&to), address(900));
    assert_eq!(in_mempool.output[0].value.to_sat(), 21_000);
    shop.mine();
    wait_for(&till, id, "settled");
    assert_eq!(ask(&whole).problem(422), "refund-over-paid");

    // Over a restart, and a reorganisation.
    till.kill();
    let till = office.serve(&shop);
    shop.node.reorganise(1);
    let back = wait_for(&till, id, "broadcast");
    assert_eq!(back["reason"]["code"], "refund-reorganised");
    shop.run(&["mine", "--to", &address(u16::MAX - 1)]);
    wait_for(&till, id, "settled");

    let mut events = till.events("/v1/events?after=0", &[]);
    let mut kinds = Vec::new();
    while kinds
        .iter()
        .filter(|kind| *kind == "refund.settled")
        .count()
        < 2
    {
        let kind = events.next().kind;
        if kind.starts_with("refund.") && kind != "refund.updated" {
            kinds.push(kind);
        }
    }
    let expected = [
        "drafted",
        "signed",
        "broadcast",
        "settled",
        "broadcast",
        "settled",
    ];
    assert_eq!(kinds, expected.map(|state| format!("refund.{state}")));
    let table = till.get("/v1/refunds.csv").body;
    assert!(
        table.contains(&format!("\"{id}\",")) && table.contains("\"settled\""),
        "{table}"
    );
    let metrics = till.get("/metrics").body;
    assert!(
        metrics.contains("tillcard_refunds{state=\"settled\"} 1"),
        "{metrics}"
    );
    let none = till
        .get(&format!("/v1/refunds?payment={second}"))
        .expect(200);
    assert_eq!(none["refunds"], json!([]));
}

#[test]
fn of_drafts_that_were_given_up_the_network_takes_one() {
    let (shop, office) = (Shop::open(&[COUNTER]), BackOffice::open());
    shop.tray.describe("ok").unwrap();
    let till = office.serve(&shop);
    let (first, second) = (paid(&shop, &till), paid(&shop, &till));
    let given_up = draft(&till, &first, 15_000, 900);
    let id = text(&given_up["id"]);
    let cancelled = till.post(&format!("/v1/refunds/{id}/cancel"), &json!({}));
    assert_eq!(cancelled.expect(200)["state"], "cancelled");
    let path = format!("/v1/refunds/{id}/signed");
    let signed = json!({"psbt": office.sign(&shop, text(&given_up["psbt"]))});
    assert_eq!(till.post(&path, &signed).problem(409), "refund-state");
    // Who sends both finds that they spend the same coin.
    let next = draft(&till, &first, 14_000, 901);
    assert_eq!(next["coins"][0], given_up["coins"][0]);
    office.send(&shop, text(&given_up["psbt"]));
    let sent = wait_for(&till, id, "broadcast");
    assert_eq!(sent["reason"]["code"], "refund-sent-after-all");
    let next = wait_for(&till, text(&next["id"]), "conflicted");
    assert_eq!(next["reason"]["code"], "refund-conflicted");
    shop.mine();
    wait_for(&till, id, "settled");
    // One that nobody signs ends by itself.
    let wanted = json!({
        "payment": second, "to": address(903), "amount_sat": 5_000, "expires_in_s": 1,
    });
    let late = till.post("/v1/refunds", &wanted).expect(201);
    wait_for(&till, text(&late["id"]), "expired");
    // The back office raises the fee of one that it has sent: it is the same refund.
    let slow = draft(&till, &second, 5_000, 904);
    assert_eq!(slow["coins"][0], late["coins"][0]);
    office.send(&shop, text(&slow["psbt"]));
    let id = text(&slow["id"]);
    wait_for(&till, id, "broadcast");
    let mut dearer: Psbt = text(&slow["psbt"]).parse().unwrap();
    dearer.unsigned_tx.output[1].value -= Amount::from_sat(2_000);
    let replaced = office.send(&shop, &dearer.to_string());
    let txid = replaced.compute_txid().to_string();
    till.wait("the refund is where its replacement is", || {
        refund(&till, id)["txid"] == txid.as_str()
    });
    shop.mine();
    let settled = wait_for(&till, id, "settled");
    assert_eq!(settled["txid"], txid.as_str());

    // What is left can go back, from what refunds returned to the shop.
    let more = json!({"payment": first, "to": address(902), "amount_sat": 6_001});
    assert_eq!(
        till.post("/v1/refunds", &more).problem(422),
        "refund-over-paid"
    );
    let rest = draft(&till, &first, 6_000, 902);
    assert_eq!(rest["coins"][0]["txid"], txid.as_str());
    let cancel = format!("/v1/refunds/{}/cancel", text(&rest["id"]));
    till.post(&cancel, &json!({})).expect(200);
    // A later coin would be taken first, but for the draft that was given up.
    paid(&shop, &till);
    let again = draft(&till, &first, 6_000, 902);
    assert_eq!(again["coins"][0], rest["coins"][0]);
    office.send(&shop, text(&again["psbt"]));
    shop.mine();
    wait_for(&till, text(&again["id"]), "settled");
}

#[test]
fn without_the_scope_or_the_descriptor_nothing_is_drafted() {
    let shop = Shop::open(&[COUNTER]);
    shop.tray.describe("ok").unwrap();
    let mut till = shop.serve();
    let id = till.pay(COUNTER, 1);
    shop.tray.insert(COUNTER, "ok").unwrap();
    till.type_pin(&id, PIN);
    till.wait_for(&id, "broadcast");
    shop.mine();
    till.wait_for(&id, "settled");
    let wanted = json!({"payment": id, "to": address(900), "amount_sat": 5_000});
    assert_eq!(till.post("/v1/refunds", &wanted).problem(403), "forbidden");
    till.key = shop.key("read,refund");
    assert_eq!(
        till.post("/v1/refunds", &wanted).problem(409),
        "refund-without-descriptor"
    );
}
