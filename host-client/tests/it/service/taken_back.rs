//! Money that the chain takes back after the clerk was told of it: he is told that too.

use serde_json::Value;

use crate::service_support::holder::Holder;
use crate::service_support::{PIN, Service, Shop, address};

const COUNTER: &str = "Counter 1";

/// The codes of a payment's alarms.
fn alarms(payment: &Value) -> Vec<&str> {
    let alarms = payment["alarms"].as_array().unwrap().iter();
    alarms
        .map(|alarm| alarm["code"].as_str().unwrap())
        .collect()
}

/// Waits until the payment has so many alarms.
#[track_caller]
fn wait_for_alarm(till: &Service, id: &str, number: usize) -> Value {
    till.wait("an alarm", || alarms(&till.payment(id)).len() == number);
    till.payment(id)
}

#[test]
fn a_settled_payment_is_watched_until_no_reorganisation_reaches_it() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let id = till.pay(COUNTER, 1);
    shop.tray.insert(COUNTER, "ok").unwrap();
    till.type_pin(&id, PIN);
    till.wait_for(&id, "broadcast");
    shop.tray.remove(COUNTER).unwrap();
    shop.mine();
    till.wait_for(&id, "settled");
    let mut till = till;
    for blocks in 1..=6_u16 {
        for _ in 1..blocks {
            shop.mine();
        }
        till.wait("it is as deep as that", || {
            till.payment(&id)["confirmations"] == blocks
        });
        if blocks == 3 {
            // A till that is started anew watches it too.
            till.kill();
            till = shop.serve();
        }
        shop.node.reorganise(blocks.into());
        let told = wait_for_alarm(&till, &id, blocks.into());
        assert_eq!(
            (&told["state"], &told["confirmations"]),
            (&"broadcast".into(), &0.into())
        );
        assert_eq!(alarms(&told), vec!["payment-reorganised"; blocks.into()]);
        // Another block than the one that was taken off, which may be of the same second.
        shop.run(&["mine", "--to", &address(u16::MAX - blocks)]);
        till.wait_for(&id, "settled");
    }
    let mut events = till.events("/v1/events?after=0", &[]);
    let mut announced = 0;
    while announced < 6 {
        announced += u32::from(events.next().kind == "payment.alarm");
    }
    let count = "tillcard_payment_alarms 6";
    till.wait(count, || till.get("/metrics").body.contains(count));
    let states: Vec<_> = till.payment(&id)["history"].as_array().unwrap().clone();
    assert_eq!(
        states.iter().filter(|it| it["state"] == "settled").count(),
        7
    );
}

#[test]
fn a_double_spend_is_an_alarm_before_and_after_its_block() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let holder = Holder::with_card(&shop, COUNTER);
    let id = till.pay(COUNTER, 1);
    till.type_pin(&id, PIN);
    till.wait_for(&id, "broadcast");
    holder.takes_back();
    let told = wait_for_alarm(&till, &id, 1);
    assert_eq!(told["state"], "unknown");
    assert_eq!(alarms(&told), ["payment-contested"]);
    shop.mine();
    let conflicted = till.wait_for(&id, "conflicted");
    assert_eq!(alarms(&conflicted).last(), Some(&"payment-conflicted"));

    // Its block leaves the chain.
    shop.node.reorganise(1);
    till.wait("the conflict is undone", || {
        alarms(&till.payment(&id)).contains(&"payment-conflict-undone")
    });
    till.wait_for(&id, "unknown");
}

#[test]
fn what_is_never_mined_is_never_settled() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let id = till.pay(COUNTER, 1);
    shop.tray.insert(COUNTER, "ok").unwrap();
    till.type_pin(&id, PIN);
    till.wait_for(&id, "broadcast");
    let to = address(u16::MAX).parse::<bitcoin::Address<_>>().unwrap();
    for _ in 0..7 {
        shop.node.mine_empty(&to.clone().assume_checked());
    }
    till.wait("the till has seen the blocks", || {
        let height = &till.get("/v1/till").json()["chain"]["height"];
        *height == tip(&shop)
    });
    let payment = till.payment(&id);
    assert_eq!(
        (&payment["state"], &payment["confirmations"]),
        (&"broadcast".into(), &0.into())
    );
    assert!(alarms(&payment).is_empty());
    shop.mine();
    till.wait_for(&id, "settled");
}

fn tip(shop: &Shop) -> u32 {
    use tillcard::chain::Chain;
    shop.node.rpc().tip().unwrap().height
}
