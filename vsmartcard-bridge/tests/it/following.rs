//! What happens on a tray, told to those who follow it and to those who wait for it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tillcard_emu::control::Control;
use tillcard_emu::layers::faults::{Effect, Fault};
use tillcard_emu::tray::{Awaited, AwaitedState, Tray};
use tillcard_protocol::command::{Select, Verify};
use tillcard_protocol::pin::PinBlock;

use crate::control::request;
use crate::support::DEADLINE;
use crate::support::pcsc_client::{PcscClient, SHARED};

const READER: &str = "Counter 1";
const MOMENT: Duration = Duration::from_millis(30);

fn tray() -> Arc<Tray> {
    let tray = Arc::new(Tray::open(None, 0).unwrap());
    tray.add_reader(READER).unwrap();
    tray
}

fn connected(tray: &Tray) -> (PcscClient, u32) {
    let mut client = PcscClient::new(tray.socket_path(), 4);
    let card = client.connect(READER, SHARED).unwrap();
    (client, card)
}

/// A stream of events, as a client of HTTP sees it.
struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(control: &Control, header: &str) -> Self {
        let mut stream = TcpStream::connect(control.address()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let token = control.token();
        write!(
            stream,
            "GET /v1/events HTTP/1.1\r\nHost: emulator\r\nAuthorization: Bearer {token}\r\n{header}\r\n"
        )
        .unwrap();
        let mut lines = Self(BufReader::new(stream));
        while !lines.line().is_empty() {}
        lines
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream ended");
        line.trim_end().to_owned()
    }

    /// Name and data of the next event; its number is in both places.
    fn next(&mut self) -> (String, Value) {
        let (mut id, mut name) = (String::new(), String::new());
        let began = Instant::now();
        loop {
            let line = self.line();
            // Comments come now and then, so that proxies keep the connection.
            assert!(began.elapsed() < DEADLINE, "no event");
            match line.split_once(": ") {
                Some(("id", number)) => id = number.into(),
                Some(("event", event)) => name = event.into(),
                Some(("data", data)) => {
                    let data: Value = serde_json::from_str(data).unwrap();
                    assert_eq!(data["event"], name);
                    let number = data["id"].as_u64().map(|number| number.to_string());
                    assert!(number.is_none_or(|number| number == id));
                    return (name, data);
                }
                _ => {}
            }
        }
    }

    /// Names of so many events.
    fn names(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.next().0).collect()
    }
}

#[test]
fn what_happens_is_told_in_order_with_names_and_without_the_pin() {
    let tray = tray();
    let control = Control::start(Arc::clone(&tray), "127.0.0.1:0".parse().unwrap()).unwrap();
    let mut stream = Stream::open(&control, "");
    tray.insert(READER, "ok").unwrap();
    let (mut client, card) = connected(&tray);
    client.transmit(card, Select::to_apdu().as_bytes()).unwrap();
    let fault = Fault {
        command: None,
        number: Some(1),
        effect: Effect::LeaveAfter,
    };
    tray.set_fault("ok", fault).unwrap();
    let pin = PinBlock::from_digits(b"271828").unwrap();
    let _ = client.transmit(card, Verify::to_apdu(&pin).as_bytes());

    let (name, inserted) = stream.next();
    assert_eq!(name, "inserted");
    assert_eq!(
        (&inserted["reader"], &inserted["card"]),
        (&json!(READER), &json!("ok"))
    );
    assert_eq!(stream.next().0, "power-on");
    let (_, select) = stream.next();
    assert_eq!(
        (&select["name"], &select["meaning"], &select["reader"]),
        (&json!("SELECT"), &json!("done"), &json!(READER))
    );
    assert_eq!(stream.next().0, "card-changed");
    let (_, fault) = stream.next();
    assert_eq!(fault["fault"]["effect"], "leave-after");
    let (_, verify) = stream.next();
    assert_eq!(
        (&verify["name"], &verify["command"], &verify["answer"]),
        (&json!("VERIFY"), &json!("00200080"), &Value::Null)
    );
    // It left by itself: nobody asked the tray for anything.
    let (name, removed) = loop {
        let next = stream.next();
        if next.0 != "power-off" {
            break next;
        }
    };
    assert_eq!((name.as_str(), &removed["card"]), ("removed", &json!("ok")));

    // Who comes back says what he saw last.
    let again = format!("Last-Event-ID: {}\r\n", select["id"]);
    let mut again = Stream::open(&control, &again);
    assert_eq!(again.names(3), ["card-changed", "fault", "command"]);
    let mut all = Stream::open(&control, "Last-Event-ID: 0\r\n");
    assert_eq!(all.names(2), ["reader-added", "inserted"]);
}

#[test]
fn who_reads_nothing_stops_no_card_and_is_told_what_is_lost() {
    let tray = tray();
    let control = Control::start(Arc::clone(&tray), "127.0.0.1:0".parse().unwrap()).unwrap();
    let mut slow = Stream::open(&control, "");
    tray.insert(READER, "empty").unwrap();
    let (mut client, card) = connected(&tray);
    // Far more than the 10,000 that are kept and what the connection holds by itself.
    for _ in 0..60_000 {
        client.transmit(card, Verify::query().as_bytes()).unwrap();
    }
    let mut lost = 0;
    while lost == 0 {
        let (name, data) = slow.next();
        if name == "lost" {
            lost = data["events"].as_u64().unwrap();
        }
    }
    let (_, next) = slow.next();
    assert!(next["id"].as_u64().unwrap() > lost);
}

#[test]
fn who_waits_is_answered_when_it_is_there_and_not_before() {
    let tray = tray();
    let waits = |awaited: Awaited, patience| tray.wait_for(READER, &awaited, patience).unwrap();
    let state = |state| Awaited {
        state: Some(state),
        ..Awaited::default()
    };
    assert!(waits(state(AwaitedState::Empty), DEADLINE));
    assert!(!waits(state(AwaitedState::Card), MOMENT));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| waits(state(AwaitedState::Card), DEADLINE));
        std::thread::sleep(MOMENT);
        tray.insert(READER, "ok").unwrap();
        assert!(waiting.join().unwrap());
    });
    assert!(!waits(state(AwaitedState::Powered), MOMENT));
    let (mut client, card) = connected(&tray);
    assert!(waits(state(AwaitedState::Powered), DEADLINE));
    client.transmit(card, Select::to_apdu().as_bytes()).unwrap();
    let commands = |count, name: Option<&str>| Awaited {
        commands: count,
        command: name.map(|name| name.parse().unwrap()),
        ..Awaited::default()
    };
    assert!(waits(commands(Some(1), None), DEADLINE));
    assert!(!waits(commands(Some(2), None), MOMENT));
    assert!(waits(commands(None, Some("SELECT")), DEADLINE));
    assert!(!waits(commands(None, Some("PAY")), MOMENT));
    // Commands count from the moment at which the card is put in.
    tray.choose(READER, "empty").unwrap();
    assert!(!waits(commands(Some(1), None), MOMENT));
    assert_eq!(tray.readers()[0].card.as_deref(), Some("empty"));
}

#[test]
fn waiting_over_http_ends_in_time_and_holds_nobody_up() {
    let tray = tray();
    let control = Control::start(Arc::clone(&tray), "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = control.address().to_string();
    let wait = |query: &str| {
        let path = format!("/v1/readers/Counter%201/wait?{query}");
        request(&address, control.token(), "GET", &path, "")
    };
    assert_eq!(wait("state=empty"), (200, json!({"came": true})));
    let began = Instant::now();
    assert_eq!(
        wait("command=PAY&timeout=50"),
        (200, json!({"came": false}))
    );
    assert!(began.elapsed() < DEADLINE);
    assert_eq!(wait("state=card&timeout=50").1, json!({"came": false}));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wait("state=card"));
        let body = json!({"card": "ok"}).to_string();
        let choose = "/v1/readers/Counter%201/choose";
        std::thread::sleep(MOMENT);
        let chosen = request(&address, control.token(), "POST", choose, &body);
        assert_eq!((chosen.0, &chosen.1["name"]), (200, &json!("ok")));
        assert_eq!(waiting.join().unwrap(), (200, json!({"came": true})));
    });
    for (query, status, code) in [
        ("state=melted", 400, "request-query"),
        ("command=STEAL", 400, "request-query"),
        ("stat=card", 400, "request-query"),
    ] {
        let (given, problem) = wait(query);
        assert_eq!((given, &problem["code"]), (status, &json!(code)), "{query}");
    }
    let nowhere = "/v1/readers/B/wait";
    let (status, problem) = request(&address, control.token(), "GET", nowhere, "");
    assert_eq!((status, &problem["code"]), (404, &json!("no-such-reader")));
}

#[test]
fn a_card_that_is_elsewhere_is_not_chosen_and_nothing_leaves() {
    let tray = tray();
    tray.add_reader("Counter 2").unwrap();
    tray.insert(READER, "ok").unwrap();
    tray.insert("Counter 2", "empty").unwrap();
    let refused = tray.choose(READER, "empty").err().unwrap();
    assert_eq!(refused.code(), "card-in-a-reader");
    let unknown = tray.choose(READER, "gold").err().unwrap();
    assert_eq!(unknown.code(), "no-such-test-card");
    assert_eq!(tray.readers()[0].card.as_deref(), Some("ok"));
    // The card that is in already stays, with its session.
    let (mut client, card) = connected(&tray);
    tray.choose(READER, "ok").unwrap();
    assert!(client.transmit(card, Select::to_apdu().as_bytes()).is_ok());
}
