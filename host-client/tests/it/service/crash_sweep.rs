//! The real service, killed (SIGKILL) before and after every write that a payment makes, by a library
//! that is preloaded into it. Started again, it ends right: nobody is charged twice, nothing that a card
//! paid is lost, and the chain has one transaction at most.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use bitcoin::ScriptBuf;
use serde_json::json;
use tillcard::chain::Chain;
use tillcard_emu::layers::Event;

use crate::service_support::{PIN, Service, Shop, address_of, script};

const COUNTER: &str = "Counter 1";

/// Which writes are tried by `make test`: every one of so many.
const STEP: usize = 7;

/// Where the service is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    Never,
    Before(usize),
    After(usize),
}

/// A sweep: one shop, and a payment for each kill.
struct Sweep {
    shop: Shop,
    library: PathBuf,
    number: u16,
}

/// What a payment came to.
struct Played {
    /// Writes of the service until it was ready, and in all.
    writes: (usize, usize),
    was_killed: bool,
    end: String,
}

impl Sweep {
    fn open() -> Self {
        let shop = Shop::open(&[COUNTER]);
        let library = shop.home.path().join("kill_at_write.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/service/kill_at_write.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]);
        let compiled = compiler.arg(&library).arg(source).arg("-ldl").status();
        assert!(compiled.expect("a C compiler").success());
        Self {
            shop,
            library,
            number: 0,
        }
    }

    /// Has a payment made, and the service killed in it.
    fn play(&mut self, kill: Kill) -> Played {
        self.number += 1;
        let home = tempfile::tempdir().unwrap();
        let counted = home.path().join("writes");
        let card = format!("ok#{}", self.number);
        let script = script(self.number);
        let key = self.shop.key_at(home.path());
        let serve = |kill: Kill| {
            let arguments = ["till", "serve", "--listen", "127.0.0.1:0", "--json"];
            let mut command = self.shop.command(&arguments);
            command.env("XDG_DATA_HOME", home.path());
            command.env("LD_PRELOAD", &self.library);
            command.env("TILLCARD_WRITES", &counted);
            match kill {
                Kill::Never => {}
                Kill::Before(at) => drop(command.env("TILLCARD_KILL_BEFORE", at.to_string())),
                Kill::After(at) => drop(command.env("TILLCARD_KILL_AFTER", at.to_string())),
            }
            Service::try_start(&mut command, key.clone())
        };
        let restart = || serve(Kill::Never).expect("a service that lives");
        let writes = || std::fs::metadata(&counted).map_or(0, |file| file.len() as usize);
        // Some of what it writes at its start, it writes beside the rest: now earlier, now later.
        let Some(mut first) = serve(kill) else {
            drop(restart());
            return Played {
                writes: (writes(), writes()),
                was_killed: true,
                end: "not begun".into(),
            };
        };
        let before = writes();
        self.shop.tray.insert(COUNTER, &card).unwrap();
        let end = self.drive(&first, &script);
        // Who is killed doesn't answer any more.
        let was_killed = end.is_none();
        if was_killed {
            first.child.wait().unwrap();
        }
        let in_all = writes();
        drop(first);
        let end = end.unwrap_or_else(|| self.recover(&restart()));
        self.shop.tray.remove(COUNTER).unwrap();
        self.check(&card, &script, &end);
        Played {
            writes: (before, in_all),
            was_killed,
            end,
        }
    }

    /// As a clerk does it, until the payment is settled, or nobody answers any more.
    fn drive(&self, till: &Service, script: &ScriptBuf) -> Option<String> {
        let wanted = json!({"amount_sat": 21_000, "to": address_of(script), "reader": COUNTER});
        let made = till.try_request("POST", "/v1/payments", &wanted.to_string())?;
        let id = made["id"].as_str().expect("a payment").to_owned();
        let mut has_typed = false;
        let mut has_mined = false;
        loop {
            let payment = till.try_request("GET", &format!("/v1/payments/{id}"), "")?;
            match payment["state"].as_str().unwrap() {
                "settled" => return Some("settled".to_owned()),
                "broadcast" if !std::mem::replace(&mut has_mined, true) => self.shop.mine(),
                _ if !payment["pin"].is_null() && !std::mem::replace(&mut has_typed, true) => {
                    let pin = json!({ "pin": PIN }).to_string();
                    till.try_request("POST", &format!("/v1/payments/{id}/pin"), &pin);
                }
                _ => std::thread::sleep(std::time::Duration::from_millis(10)),
            }
        }
    }

    /// What the payment comes to after the service was started again.
    fn recover(&self, till: &Service) -> String {
        let list = till.get("/v1/payments").expect(200);
        let Some(payment) = list["payments"].as_array().unwrap().first().cloned() else {
            return "never made".into();
        };
        let id = payment["id"].as_str().unwrap().to_owned();
        let state = || till.payment(&id)["state"].as_str().unwrap().to_owned();
        let is_at_rest = || {
            let at_rest = ["unknown", "cancelled", "broadcast", "settled"];
            at_rest.contains(&state().as_str())
        };
        till.wait("it is at rest", is_at_rest);
        if state() == "unknown" {
            let again = format!("/v1/payments/{id}/ask-again");
            till.post(&again, &json!({"reader": COUNTER})).expect(202);
            till.wait("the card told the truth", || {
                ["declined", "broadcast", "settled"].contains(&state().as_str())
            });
        }
        if state() == "broadcast" {
            self.shop.mine();
            till.wait_for(&id, "settled");
        }
        state()
    }

    /// The chain has one transaction exactly when it is settled, and the card was asked to pay whatever
    /// wasn't declined by its own proof.
    fn check(&self, card: &str, script: &ScriptBuf, end: &str) {
        let paid = payments(&self.shop, script);
        let trace = self.shop.tray.trace(card).unwrap().entries();
        let was_asked = trace.iter().any(|entry| {
            matches!(
                &entry.event,
                Event::Command {
                    name: Some("PAY"),
                    ..
                }
            )
        });
        match end {
            "settled" => assert_eq!(paid, 1, "{card}"),
            "declined" => assert_eq!(paid, 0, "{card}"),
            "cancelled" | "never made" => {
                assert_eq!((paid, was_asked), (0, false), "{card} is {end}");
            }
            other => panic!("{card}: {other}"),
        }
    }
}

/// Transactions that pay a script, in all blocks and waiting for one.
fn payments(shop: &Shop, script: &ScriptBuf) -> usize {
    let chain = shop.node.rpc();
    let mut found = 0;
    let mut look = |transaction: &bitcoin::Transaction| {
        found += transaction
            .output
            .iter()
            .filter(|out| out.script_pubkey == *script)
            .count();
    };
    for txid in chain.mempool().unwrap() {
        look(&chain.mempool_transaction(&txid).unwrap().unwrap());
    }
    for height in 0..=chain.tip().unwrap().height {
        let hash = chain.block_hash(height).unwrap().unwrap();
        chain
            .block(&hash)
            .unwrap()
            .txdata
            .iter()
            .for_each(&mut look);
    }
    found
}

#[test]
fn killed_at_any_write_it_ends_right() {
    let mut sweep = Sweep::open();
    let whole = sweep.play(Kill::Never);
    assert!(!whole.was_killed && whole.end == "settled");
    let (first, last) = whole.writes;
    let step = match std::env::var_os("TILLCARD_EVERY_WRITE") {
        Some(_) => 1,
        None => STEP,
    };
    let mut ends = BTreeMap::<String, usize>::new();
    let mut kills = 0;
    for at in (first + 1..=last).step_by(step) {
        for kill in [Kill::Before(at), Kill::After(at)] {
            let played = sweep.play(kill);
            kills += usize::from(played.was_killed);
            *ends.entry(played.end).or_default() += 1;
        }
    }
    println!("{kills} kills at {} writes: {ends:?}", last - first);
    assert!(kills > 10 && ends.len() > 1, "{kills} kills: {ends:?}");
}
