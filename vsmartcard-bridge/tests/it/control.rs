//! The control interface, as a program in another language uses it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::{Value, json};
use tillcard_emu::control::Control;
use tillcard_emu::tray::Tray;

use crate::support::pcsc_client::{PcscClient, SHARED};
use crate::support::program::Emulator;

struct Served {
    control: Control,
    tray: Arc<Tray>,
}

fn served() -> Served {
    let tray = Arc::new(Tray::open(None, 0).unwrap());
    tray.add_reader("Counter 1").unwrap();
    let control = Control::start(Arc::clone(&tray), "127.0.0.1:0".parse().unwrap()).unwrap();
    Served { control, tray }
}

/// A request as bytes; status and body of the answer.
pub fn request(address: &str, token: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: emulator\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

impl Served {
    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let address = self.control.address().to_string();
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        request(&address, self.control.token(), method, path, &body)
    }
}

#[test]
fn without_the_token_there_is_nothing_but_401() {
    let served = served();
    let address = served.control.address().to_string();
    for path in ["/v1/readers", "/v1/openapi.json", "/nothing"] {
        for token in ["", "wrong", &served.control.token()[1..]] {
            let (status, problem) = request(&address, token, "GET", path, "");
            assert_eq!((status, &problem["code"]), (401, &json!("unauthorized")));
        }
    }
}

#[test]
fn the_page_is_open_and_lets_nothing_in_from_elsewhere() {
    let served = served();
    for path in ["/", "/main.js", "/style.css"] {
        let mut stream = TcpStream::connect(served.control.address()).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: emulator\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        for part in [
            "default-src 'none'; script-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(answer.contains(part), "{path}: {answer}");
        }
        assert!(!answer.contains(served.control.token()));
    }
    let page = served.control.page();
    assert!(page.ends_with(&format!("/#{}", served.control.token())));
}

#[test]
fn cards_are_put_in_spoiled_and_taken_out() {
    let served = served();
    let card = "/v1/readers/Counter%201/card";
    let (status, about) = served.ask("PUT", card, &json!({"card": "last-try"}));
    assert_eq!((status, &about["pin"]), (200, &json!("271828")));
    assert_eq!(about["coins"][0]["amount"], 60_000);
    let (_, readers) = served.ask("GET", "/v1/readers", &Value::Null);
    assert_eq!(readers, json!([{"name": "Counter 1", "card": "last-try"}]));
    let fault = json!({"command": "PAY", "number": 1, "effect": {"answer": "6985"}});
    let faults = "/v1/cards/last-try/faults";
    assert_eq!(served.ask("POST", faults, &fault).0, 204);
    let (_, cards) = served.ask("GET", "/v1/cards", &Value::Null);
    assert_eq!(cards[0]["faults"], json!([fault]));
    assert_eq!(served.ask("DELETE", faults, &Value::Null).0, 204);
    let snapshot = "/v1/cards/last-try/snapshots/before";
    assert_eq!(served.ask("PUT", snapshot, &Value::Null).0, 204);
    let restore = format!("{snapshot}/restore");
    assert_eq!(served.ask("POST", &restore, &Value::Null).0, 204);
    let (status, removed) = served.ask("DELETE", card, &Value::Null);
    assert_eq!((status, removed), (200, json!({"card": "last-try"})));
    let (status, trace) = served.ask("GET", "/v1/cards/last-try/trace", &Value::Null);
    assert_eq!(status, 200);
    assert!(trace.as_array().is_some_and(|entries| !entries.is_empty()));
    assert_eq!(served.tray.readers()[0].card, None);
}

#[test]
fn what_can_not_be_done_is_a_problem_with_a_code() {
    let served = served();
    let card = "/v1/readers/Counter%201/card";
    served.ask("PUT", card, &json!({"card": "ok"}));
    for (method, path, body, status, code) in [
        ("PUT", card, json!({"card": "ok#2"}), 409, "reader-occupied"),
        (
            "PUT",
            "/v1/readers/B/card",
            json!({"card": "ok#2"}),
            404,
            "no-such-reader",
        ),
        (
            "POST",
            "/v1/readers",
            json!({"name": ""}),
            422,
            "reader-name",
        ),
        (
            "POST",
            "/v1/readers",
            json!({"name": "Counter 1"}),
            409,
            "reader-exists",
        ),
        (
            "POST",
            "/v1/readers",
            json!({"nome": "B"}),
            422,
            "request-body",
        ),
        (
            "GET",
            "/v1/cards/gold",
            Value::Null,
            404,
            "no-such-test-card",
        ),
        (
            "GET",
            "/v1/cards/gold/trace",
            Value::Null,
            404,
            "no-such-card",
        ),
        (
            "POST",
            "/v1/cards/ok/faults",
            json!({"effect": "melt"}),
            422,
            "request-body",
        ),
        (
            "POST",
            "/v1/cards/ok/snapshots/x/restore",
            Value::Null,
            404,
            "no-such-snapshot",
        ),
        ("GET", "/v1/nothing", Value::Null, 404, "no-such-path"),
        ("POST", "/v1/cards/ok", Value::Null, 405, "no-such-method"),
    ] {
        let (given, problem) = served.ask(method, path, &body);
        assert_eq!(
            (given, &problem["code"]),
            (status, &json!(code)),
            "{method} {path}"
        );
        assert_eq!(problem["status"], status);
    }
}

#[test]
fn the_interface_describes_itself() {
    let served = served();
    let (status, described) = served.ask("GET", "/v1/openapi.json", &Value::Null);
    assert_eq!((status, &described["openapi"]), (200, &json!("3.1.0")));
    let paths = described["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 15, "{:?}", paths.keys());
}

#[test]
fn only_this_machine_is_let_in() {
    let tray = Arc::new(Tray::open(None, 0).unwrap());
    let refused = Control::start(tray, "0.0.0.0:0".parse().unwrap())
        .err()
        .unwrap();
    assert_eq!(refused.code(), "control-not-loopback");
}

#[test]
fn the_program_says_where_everything_is_in_one_line() {
    let home = tempfile::tempdir().unwrap();
    let arguments = [
        "--control",
        "127.0.0.1:0",
        "--json",
        "--reader",
        "A",
        "--reader",
        "B",
    ];
    let mut emulator = Emulator::start(home.path(), arguments);
    let told: Value = serde_json::from_str(&emulator.line()).unwrap();
    assert_eq!(
        told["readers"],
        json!([{"name": "A", "card": null}, {"name": "B", "card": null}])
    );
    let url = told["control"]["url"].as_str().unwrap();
    let address = url.strip_prefix("http://").unwrap();
    let token = told["control"]["token"].as_str().unwrap();
    let body = json!({"card": "empty"}).to_string();
    let (status, _) = request(address, token, "PUT", "/v1/readers/B/card", &body);
    assert_eq!(status, 200);
    emulator.signal("TERM");
    let ended = emulator.end();
    assert!(ended.status.success(), "{}", ended.stderr);
    let socket = std::path::Path::new(told["pcsc_socket"].as_str().unwrap());
    assert!(socket.is_absolute() && !socket.exists());
}

#[test]
fn named_cards_are_shown_one_in_each_reader_and_listed() {
    let home = tempfile::tempdir().unwrap();
    let two = [
        "--card", "ok", "--card", "empty", "--reader", "A", "--reader", "B",
    ];
    let command = ["--", "sh", "-c", "test -S $PCSCLITE_CSOCK_NAME"];
    let ended = Emulator::start(home.path(), two.iter().chain(&command)).end();
    let lines = "card inserted in A\ncard inserted in B\ncard removed; 0 APDUs\n";
    assert_eq!(
        (ended.status.code(), ended.stderr.as_str()),
        (Some(0), lines)
    );
    let ended = Emulator::start(home.path(), two[..6].iter().chain(&command)).end();
    assert!(
        ended.stderr.contains("error[too-few-readers]"),
        "{}",
        ended.stderr
    );
    let listed = Emulator::start(home.path(), ["cards"]).end();
    let last = listed.stdout.lines().last().unwrap();
    assert!(
        last.starts_with("slow ") && last.contains("as slow as"),
        "{last}"
    );
    let listed = Emulator::start(home.path(), ["cards", "--json"]).end();
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed[0]["name"], "ok");
    assert_eq!(listed[0]["scenario"]["coins"][0]["amount"], 60_000);
}

#[test]
fn a_trace_is_written_as_it_is_said_and_has_no_pin() {
    let home = tempfile::tempdir().unwrap();
    let (file, socket) = (home.path().join("trace"), home.path().join("socket"));
    let (file_name, socket_name) = (file.to_str().unwrap(), socket.to_str().unwrap());
    let arguments = [
        "--card",
        "ok",
        "--trace",
        file_name,
        "--pcsc-socket",
        socket_name,
    ];
    let mut emulator = Emulator::start(home.path(), arguments);
    emulator.line();
    let mut client = PcscClient::new(&socket, 4);
    let card = client.connect("Tillcard Emulator 00 00", SHARED).unwrap();
    for command in [
        &b"\x00\xA4\x04\x00\x09\xF0TILLCARD\x00"[..],
        b"\x00\x20\x00\x80\x08\x26\x27\x18\x28\xFF\xFF\xFF\xFF",
    ] {
        client.transmit(card, command).unwrap();
    }
    // It is there while the card is in.
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(!written.contains("2718"), "{written}");
    let lines: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["card"], &last["name"]),
        (&json!("ok"), &json!("VERIFY"))
    );
    assert_eq!(
        (&last["command"], &last["redacted"]),
        (&json!("00200080"), &json!(true))
    );
    emulator.signal("TERM");
    assert!(emulator.end().status.success());

    // The same card answers the same, another one doesn't.
    let replay = |more: &[&str]| {
        let arguments = ["replay", file_name, "--card", "ok"];
        Emulator::start(home.path(), arguments.iter().chain(more)).end()
    };
    let same = replay(&[]);
    assert_eq!(
        same.stdout, "2 commands, all answered as before\n",
        "{}",
        same.stderr
    );
    let changed = written
        .replacen("009000\"", "006A82\"", 1)
        .replacen("FF9000\"", "FF6A82\"", 1);
    assert_ne!(changed, written);
    std::fs::write(&file, changed).unwrap();
    let other = replay(&[]);
    assert!(
        other.stderr.contains("error[trace-differs]: line "),
        "{}",
        other.stderr
    );
    std::fs::write(&file, "rubbish").unwrap();
    assert!(replay(&[]).stderr.contains("error[not-a-trace]: line 1"));
    let nowhere = [
        "--card",
        "ok",
        "--trace",
        "/no/such/folder/trace",
        "--",
        "true",
    ];
    let ended = Emulator::start(home.path(), nowhere).end();
    assert!(
        ended.stderr.contains("error[trace-file]"),
        "{}",
        ended.stderr
    );
}
