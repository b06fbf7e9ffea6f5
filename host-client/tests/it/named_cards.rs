//! The till against every test card that the emulator has a name for (`docs/test-cards.md`), as a
//! program, over PC/SC, with coins on a real node.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use tillcard::chain::Auth;
use tillcard_emu::pcsc_socket::SOCKET_VARIABLE;
use tillcard_emu::test_cards::NAMED_CARDS;
use tillcard_emu::tray::Tray;
use tillcard_test_owner::Faucet;

use crate::node::Node;

const READER: &str = "Counter 1";

/// What the till makes of a card.
enum Outcome {
    /// Paid, and the payment is in the mempool.
    Settled,
    /// Declined, with this code.
    Declined(&'static str),
    /// It says with this code that the card can't be used, and asks for a card until another one is put
    /// in; nothing was paid.
    WaitsForAnother(&'static str),
    /// It asks for the same card, and settles when it is there.
    SettlesAgain,
}

use Outcome::{Declined, Settled, SettlesAgain, WaitsForAnother};

/// Written by hand, from what `docs/test-cards.md` says a till must do.
const OUTCOMES: &[(&str, Outcome)] = &[
    ("ok", Settled),
    ("channel-only", Settled),
    ("pinless", Settled),
    ("many-coins", Settled),
    ("last-try", Settled),
    ("pin-blocked", Declined("pin-blocked")),
    ("empty", Declined("card-insufficient-funds")),
    ("insufficient", Declined("card-insufficient-funds")),
    ("too-fragmented", Declined("too-many-small-coins")),
    ("over-limit", Declined("amount-over-limit")),
    ("cumulative-limit", Declined("total-over-limit")),
    ("payments-limit", Declined("payments-over-limit")),
    ("low-fee-cap", Declined("fee-over-limit")),
    ("log-full", Declined("card-log-full")),
    ("phantom-change", Settled),
    ("swept", Declined("coin-spent")),
    ("not-issued", Declined("card-not-issued")),
    ("terminated", Declined("card-terminated")),
    ("other-network", Declined("card-wrong-network")),
    ("damaged", Declined("card-memory-damaged")),
    ("uncertified", Declined("card-without-certificates")),
    ("counterfeit", Declined("certificate-forged")),
    ("cloned-certificates", Declined("not-this-card")),
    ("revoked", Declined("card-revoked")),
    ("expired-certificate", Declined("certificate-expired")),
    ("other-root", Declined("card-root-unknown")),
    ("old-protocol", Declined("protocol-version-unknown")),
    ("removed-mid-payment", SettlesAgain),
    // The PIN was for one payment: a till asks for it anew, and this holder doesn't type it again.
    ("torn-before-debit", Declined("no-pin")),
    ("torn-after-debit", Settled),
    ("refuses-after-debit", Settled),
    ("mute", WaitsForAnother("card-mute")),
    ("mute-after-debit", Settled),
    ("garbage", WaitsForAnother("card-of-another-kind")),
    (
        "wrong-status-words",
        WaitsForAnother("card-of-another-kind"),
    ),
    ("cut-answers", WaitsForAnother("card-of-another-kind")),
    ("forgets-pin", Declined("no-pin")),
    ("slow", Settled),
];

/// A shop with a node, and a counter with a reader.
struct Shop {
    node: Node,
    tray: Tray,
    home: tempfile::TempDir,
}

impl Shop {
    fn open() -> Self {
        let node = Node::start();
        let tray = Tray::open(None, 0).unwrap();
        tray.add_reader(READER).unwrap();
        tray.fund_from(Box::new(Faucet::open(&chain(&node)).unwrap()));
        Self {
            node,
            tray,
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// A till that is to take 21,000 sat, with a folder of its own.
    fn till(&self, name: &str, revoked: Option<&str>) -> Till {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tillcard"));
        command
            .args([
                "till",
                "pay",
                "--amount",
                "21,000 sat",
                "--confirmations",
                "0",
            ])
            .args(["--to", &address()])
            .env("XDG_DATA_HOME", self.home.path().join(name))
            .env("TILLCARD_CHAIN", chain(&self.node))
            .env(SOCKET_VARIABLE, self.tray.socket_path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        if let Some(list) = revoked {
            let file = self.home.path().join(format!("{name}.crl.pem"));
            std::fs::write(&file, list).unwrap();
            command.arg("--crl").arg(file);
        }
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"271828\n").unwrap();
        drop(stdin);
        let lines = BufReader::new(child.stdout.take().unwrap());
        Till { child, lines }
    }

    /// Has the till meet a card; what it said last, and what it ended with.
    fn meet(&self, name: &str, outcome: &Outcome) -> (String, Option<i32>) {
        let card = self.tray.insert(READER, name).unwrap();
        let mut till = self.till(name, card.revocation_list.as_deref());
        let other = match outcome {
            Settled | Declined(_) => None,
            WaitsForAnother(_) => Some(format!("ok#{name}")),
            SettlesAgain => Some(name.to_owned()),
        };
        if let Some(other) = other {
            till.wait_for("waiting for card");
            match outcome {
                WaitsForAnother(code) => till.wait_for(&format!("unusable[{code}]: ")),
                _ => till.wait_for("waiting for card"),
            }
            self.tray.remove(READER).unwrap();
            self.tray.insert(READER, &other).unwrap();
        }
        let ended = till.end();
        self.tray.remove(READER).unwrap();
        ended
    }
}

struct Till {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Till {
    fn wait_for(&mut self, wanted: &str) {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            if line.contains(wanted) {
                return;
            }
            line.clear();
        }
        panic!("the till never said {wanted}");
    }

    /// Its last line, and what it ended with.
    fn end(mut self) -> (String, Option<i32>) {
        let mut last = String::new();
        for line in self.lines.lines() {
            last = line.unwrap();
        }
        (last, self.child.wait().unwrap().code())
    }
}

fn chain(node: &Node) -> String {
    let config = node.config();
    let Auth::Cookie(cookie) = config.auth else {
        panic!("a node writes a cookie");
    };
    format!("core:{}?cookie={}", config.url, cookie.display())
}

fn address() -> String {
    let hash = bitcoin::hashes::Hash::from_byte_array([0x51; 20]);
    let script = bitcoin::ScriptBuf::new_p2wpkh(&hash);
    let address = bitcoin::Address::from_script(&script, bitcoin::Network::Regtest);
    address.unwrap().to_string()
}

#[test]
fn the_till_does_with_each_named_card_what_it_must() {
    let named: Vec<_> = NAMED_CARDS.iter().map(|card| card.name).collect();
    let expected: Vec<_> = OUTCOMES.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, expected, "an outcome for each card");
    let shop = Shop::open();
    let mut wrong = Vec::new();
    for (name, outcome) in OUTCOMES {
        let (last, code) = shop.meet(name, outcome);
        let is_right = match outcome {
            Settled | WaitsForAnother(_) | SettlesAgain => last == "settled" && code == Some(0),
            Declined(why) => last.starts_with(&format!("declined[{why}]: ")) && code == Some(3),
        };
        if !is_right {
            wrong.push(format!("{name}: {code:?} {last}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
