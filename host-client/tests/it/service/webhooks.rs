//! Webhooks: what comes to receivers that are in order, away, slow or wrong.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use bitcoin::base64::Engine;
use bitcoin::base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::service_support::receiver::{Message, Receiver};
use crate::service_support::{Service, Shop};

const COUNTER: &str = "Counter 1";

/// The kinds of a payment that is given up.
const GIVEN_UP: [&str; 3] = [
    "payment.created",
    "payment.waiting_for_card",
    "payment.cancelled",
];

/// A till whose key may do everything.
fn managed(shop: &Shop) -> Service {
    let mut till = shop.serve();
    till.key = shop.key("read,take,manage");
    till
}

/// Makes a webhook for all that happens to payments; its name and secret.
fn webhook(till: &Service, receiver: &Receiver) -> (String, String) {
    let wanted = json!({"url": receiver.url(), "events": ["payment.*"]});
    let made = till.post("/v1/webhooks", &wanted).expect(201);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["webhook"]["id"]), text(&made["secret"]))
}

/// Makes a payment, and gives it up.
fn give_up(till: &Service, number: u16) {
    let id = till.pay(COUNTER, number);
    till.wait_for(&id, "waiting_for_card");
    till.post(&format!("/v1/payments/{id}/cancel"), &json!({}))
        .expect(202);
    till.wait_for(&id, "cancelled");
}

fn kinds(messages: &[Message]) -> Vec<String> {
    messages.iter().map(Message::kind).collect()
}

/// The signature of a message by OpenSSL.
fn signature(secret: &str, message: &Message) -> String {
    use std::io::Write;
    let key = secret.strip_prefix("whsec_").unwrap();
    let key = hex::encode(BASE64.decode(key).unwrap());
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-binary", "-mac", "HMAC", "-macopt"])
        .arg(format!("hexkey:{key}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl");
    let (id, at) = (
        message.header("webhook-id"),
        message.header("webhook-timestamp"),
    );
    let mut input = openssl.stdin.take().unwrap();
    write!(input, "{id}.{at}.{}", message.body).unwrap();
    drop(input);
    let output = openssl.wait_with_output().unwrap();
    format!("v1,{}", BASE64.encode(output.stdout))
}

#[test]
fn events_come_signed_and_in_their_order() {
    let shop = Shop::open(&[COUNTER]);
    let till = managed(&shop);
    give_up(&till, 1);
    let receiver = Receiver::open();
    let (id, secret) = webhook(&till, &receiver);
    give_up(&till, 2);
    let came = receiver.wait_for(3);
    assert_eq!(kinds(&came), GIVEN_UP, "from now on, and no other kinds");
    let numbers: Vec<_> = came
        .iter()
        .map(|message| message.json()["number"].as_i64().unwrap())
        .collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    for message in &came {
        assert_eq!(message.header("content-type"), "application/json");
        assert_eq!(
            message.header("webhook-signature"),
            signature(&secret, message)
        );
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let sent: u64 = message.header("webhook-timestamp").parse().unwrap();
        assert!(now.unwrap().as_secs().abs_diff(sent) < 60);
        let number = &message.json()["number"];
        assert_eq!(message.header("webhook-id"), format!("{id}_{number}"));
    }
    let last = came[2].json();
    assert_eq!(last["data"]["state"], "cancelled");
    assert!(last["timestamp"].is_string());

    // Who rotates has both signatures for a while.
    let rotated = till.post(&format!("/v1/webhooks/{id}/rotate"), &json!({}));
    let new = rotated.expect(200)["secret"].as_str().unwrap().to_owned();
    give_up(&till, 3);
    let message = &receiver.wait_for(6)[5];
    let both = [signature(&new, message), signature(&secret, message)];
    assert_eq!(message.header("webhook-signature"), both.join(" "));
    till.wait("all is told", || {
        till.get(&format!("/v1/webhooks/{id}")).json()["waiting"] == 0
    });
    let list = till.get("/v1/webhooks");
    let shown = list.expect(200);
    assert_eq!(shown[0]["failures"], 0);
    assert!(!list.body.contains(new.trim_start_matches("whsec_")));
}

#[test]
fn who_was_away_or_wrong_gets_all_of_it_after_a_restart_too() {
    let shop = Shop::open(&[COUNTER]);
    let mut till = managed(&shop);
    let receiver = Receiver::open();
    let (address, (id, _)) = (receiver.address, webhook(&till, &receiver));
    drop(receiver);
    give_up(&till, 1);
    let view = |till: &Service| till.get(&format!("/v1/webhooks/{id}")).json();
    till.wait("it isn't delivered", || view(&till)["failures"] != 0);
    assert_eq!(view(&till)["waiting"], 3);
    till.wait("metrics tell it", || {
        let metrics = till.get("/metrics").body;
        metrics.contains("tillcard_webhook_events_waiting 3")
    });
    let key = till.key.clone();
    till.kill();
    till = shop.serve();
    till.key = key;

    let elsewhere = Receiver::open();
    let receiver = Receiver::at(address);
    receiver.answer("500 Sorry");
    let first = receiver.wait_for(1);
    receiver.answer(&format!("307 There\r\nLocation: {}", elsewhere.url()));
    receiver.wait_for(2);
    till.wait("a redirect is told", || {
        let reason = view(&till)["reason"].to_string();
        reason.contains("redirects")
    });
    receiver.answer("200 OK");
    till.wait("all is delivered", || view(&till)["waiting"] == 0);
    let came = receiver.came();
    let (failed, right) = came.split_at(came.len() - 3);
    assert_eq!(kinds(right), GIVEN_UP);
    for message in failed {
        assert_eq!(message.body, right[0].body, "in order, and the same");
        assert_eq!(message.header("webhook-id"), first[0].header("webhook-id"));
    }
    assert_eq!(view(&till)["given_up"], 0);
    assert!(elsewhere.came().is_empty(), "a redirect was followed");
}

#[test]
fn a_slow_receiver_holds_up_no_other_and_no_payment() {
    let shop = Shop::open(&[COUNTER]);
    let till = managed(&shop);
    let (slow, quick) = (Receiver::open(), Receiver::open());
    slow.answer("never");
    webhook(&till, &slow);
    webhook(&till, &quick);
    give_up(&till, 1);
    slow.wait_for(1);
    let begun = Instant::now();
    give_up(&till, 2);
    assert_eq!(kinds(&quick.wait_for(6)), GIVEN_UP.repeat(2));
    // The slow one is waited for longer than that.
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(slow.came().len(), 1, "it has the first one still");
}

#[test]
fn it_is_replayed_ended_and_removed() {
    let shop = Shop::open(&[COUNTER]);
    let till = managed(&shop);
    let receiver = Receiver::open();
    let (id, _) = webhook(&till, &receiver);
    let (place, replay) = (
        format!("/v1/webhooks/{id}"),
        format!("/v1/webhooks/{id}/replay"),
    );
    give_up(&till, 1);
    receiver.wait_for(3);
    till.post(&replay, &json!({"after": 0})).expect(202);
    assert_eq!(kinds(&receiver.wait_for(6)), GIVEN_UP.repeat(2));
    assert_eq!(
        till.post(&replay, &json!({"after": -1})).problem(422),
        "request-invalid"
    );

    receiver.answer("410 Gone");
    give_up(&till, 2);
    till.wait("it is told", || till.get(&place).json()["active"] == false);
    receiver.answer("200 OK");
    shop.run(&["till", "webhook", "replay", &id]);
    receiver.wait_for(10);
    assert_eq!(till.get(&place).json()["active"], true);
    till.request("DELETE", &place, &[], "");
    assert_eq!(till.get(&place).problem(404), "webhook-unknown");
    let came = receiver.came().len();
    give_up(&till, 3);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(receiver.came().len(), came);
}

#[test]
fn the_command_line_does_the_same() {
    let shop = Shop::open(&[COUNTER]);
    let till = shop.serve();
    let receiver = Receiver::open();
    let url = receiver.url();
    let secret = shop.run(&["till", "webhook", "new", &url, "--event", "payment.*"]);
    give_up(&till, 1);
    let message = &receiver.wait_for(1)[0];
    let right = signature(secret.trim(), message);
    assert_eq!(message.header("webhook-signature"), right);
    let list = shop.run(&["till", "webhook", "list"]);
    let id = list.split_whitespace().next().unwrap();
    assert!(list.contains(&url) && !list.contains("whsec_"), "{list}");
    shop.run(&["till", "webhook", "remove", id]);
    assert_eq!(shop.run(&["till", "webhook", "list"]), "");
    let refused = shop.command(&["till", "webhook", "new", "http://shop.example/"]);
    let refused = { refused }.output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn what_is_no_webhook_is_refused() {
    let shop = Shop::open(&[COUNTER]);
    let mut till = managed(&shop);
    for (url, event) in [
        ("http://10.0.0.1/", "*"),
        ("https://user@shop.example/", "*"),
        ("https://shop.example/", "pay*ment"),
    ] {
        let wanted = json!({"url": url, "events": [event]});
        let refused = till.post("/v1/webhooks", &wanted);
        assert_eq!(refused.problem(422), "request-invalid", "{url} {event}");
    }
    till.key = shop.key("read,take");
    assert_eq!(till.get("/v1/webhooks").problem(403), "forbidden");
}

/// A receiver behind TLS, which prints its port and then what comes.
const TLS_RECEIVER: &str = r#"
import http.server, ssl, sys
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(body.decode(), flush=True)
        self.send_response(204)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;

#[test]
fn a_receiver_behind_tls_must_be_who_it_says() {
    use std::io::{BufRead, BufReader};
    let shop = Shop::open(&[COUNTER]);
    let (key, certificate) = (
        shop.home.path().join("tls.key"),
        shop.home.path().join("tls.pem"),
    );
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
        .args(["ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext"])
        .arg("subjectAltName=DNS:localhost")
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl").success());
    let mut receiver = Command::new("python3")
        .args(["-c", TLS_RECEIVER])
        .args([&certificate, &key])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python3");
    let mut lines = BufReader::new(receiver.stdout.take().unwrap()).lines();
    let port = lines.next().unwrap().unwrap();
    let url = format!("https://localhost:{port}/");

    let serve = |roots: Option<&std::path::Path>| {
        let mut command = shop.command(&["till", "serve", "--listen", "127.0.0.1:0", "--json"]);
        if let Some(roots) = roots {
            command.env("SSL_CERT_FILE", roots);
        }
        Service::start(&mut command, shop.key("read,take,manage"))
    };
    let till = serve(None);
    let made = till.post(
        "/v1/webhooks",
        &json!({"url": url, "events": ["payment.*"]}),
    );
    let id = made.expect(201)["webhook"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    give_up(&till, 1);
    till.wait("an unknown certificate is refused", || {
        let view = till.get(&format!("/v1/webhooks/{id}")).json();
        view["reason"].to_string().contains("certificate")
    });
    till.kill();
    // The system's roots are what it believes, and they may be the shop's own.
    let till = serve(Some(&certificate));
    till.post(&format!("/v1/webhooks/{id}/replay"), &json!({}))
        .expect(202);
    let message: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(message["type"], GIVEN_UP[0]);
    receiver.kill().unwrap();
    receiver.wait().unwrap();
}
