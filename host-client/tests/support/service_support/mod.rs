//! A shop with a node and readers of the emulator's, and the till's service in it, as a program.

pub(crate) mod holder;
pub(crate) mod http;
pub(crate) mod receiver;
pub(crate) mod stub_node;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bitcoin::ScriptBuf;
use serde_json::{Value, json};
use tillcard::chain::Auth;
use tillcard_emu::pcsc_socket::SOCKET_VARIABLE;
use tillcard_emu::tray::Tray;
use tillcard_test_owner::Faucet;

use crate::node::Node;
use http::{Answer, Events, request, try_request};

/// The PIN of all test cards.
pub(crate) const PIN: &str = "271828";

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(60);

/// A shop with a node, and readers.
pub(crate) struct Shop {
    pub(crate) node: Node,
    pub(crate) tray: Tray,
    pub(crate) home: tempfile::TempDir,
}

impl Shop {
    pub(crate) fn open(readers: &[&str]) -> Self {
        let node = Node::start();
        let tray = Tray::open(None, 0).unwrap();
        for reader in readers {
            tray.add_reader(reader).unwrap();
        }
        let shop = Self {
            node,
            tray,
            home: tempfile::tempdir().unwrap(),
        };
        let faucet = Faucet::open(&shop.chain()).unwrap();
        shop.tray.fund_from(Box::new(faucet));
        // A node without a block of its own says that it loads the chain.
        shop.mine();
        shop
    }

    pub(crate) fn chain(&self) -> String {
        let config = self.node.config();
        let Auth::Cookie(cookie) = config.auth else {
            panic!("a node writes a cookie");
        };
        format!("core:{}?cookie={}", config.url, cookie.display())
    }

    /// The till's folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.home.path().join("tillcard/till")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tillcard"));
        command
            .args(arguments)
            .env("XDG_DATA_HOME", self.home.path())
            .env("TILLCARD_CHAIN", self.chain())
            .env(SOCKET_VARIABLE, self.tray.socket_path());
        command
    }

    /// Runs `tillcard`, which must succeed. What it printed.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A key of another till's, whose data is at `home`.
    pub(crate) fn key_at(&self, home: &Path) -> String {
        let arguments = ["till", "key", "new", "test", "--scope", "read,take"];
        let output = self.command(&arguments).env("XDG_DATA_HOME", home).output();
        let key = String::from_utf8(output.unwrap().stdout).unwrap();
        key.trim().to_owned()
    }

    /// A key with these scopes.
    pub(crate) fn key(&self, scopes: &str) -> String {
        let key = self.run(&["till", "key", "new", "test", "--scope", scopes]);
        key.trim().to_owned()
    }

    pub(crate) fn mine(&self) {
        self.run(&["mine", "--to", &address(u16::MAX)]);
    }

    /// Starts the service, with a key that may read and take.
    pub(crate) fn serve(&self) -> Service {
        self.serve_with(&[])
    }

    /// The same, with more arguments.
    pub(crate) fn serve_with(&self, more: &[&str]) -> Service {
        let key = self.key("read,take");
        let arguments = ["till", "serve", "--listen", "127.0.0.1:0", "--json"];
        Service::start(self.command(&arguments).args(more), key)
    }
}

/// A script of the shop's.
pub(crate) fn script(number: u16) -> ScriptBuf {
    let mut hash = [0x51; 20];
    hash[..2].copy_from_slice(&number.to_be_bytes());
    let hash = bitcoin::hashes::Hash::from_byte_array(hash);
    ScriptBuf::new_p2wpkh(&hash)
}

/// An address of the shop's.
pub(crate) fn address(number: u16) -> String {
    address_of(&script(number))
}

pub(crate) fn address_of(script: &ScriptBuf) -> String {
    let address = bitcoin::Address::from_script(script, bitcoin::Network::Regtest);
    address.unwrap().to_string()
}

/// The till's service.
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) key: String,
}

impl Service {
    pub(crate) fn start(command: &mut Command, key: String) -> Self {
        Self::try_start(command, key).expect("a service that lives")
    }

    /// The same, of one that may die before it is ready: nothing then.
    pub(crate) fn try_start(command: &mut Command, key: String) -> Option<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        if lines.read_line(&mut line).unwrap() == 0 {
            child.wait().unwrap();
            return None;
        }
        let told: Value = serde_json::from_str(&line).expect("where it listens");
        let url = told["url"].as_str().unwrap();
        let mut service = Self {
            child,
            address: url.trim_start_matches("http://").to_owned(),
            key,
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            match try_request(&service.address, "GET", "/ready", &[], "") {
                Some(answer) if answer.status == 200 => return Some(service),
                Some(_) => std::thread::sleep(Duration::from_millis(20)),
                None => {
                    service.child.wait().unwrap();
                    return None;
                }
            }
            assert!(Instant::now() < deadline, "never: the readers");
        }
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let bearer = format!("Bearer {}", self.key);
        let mut headers = vec![("Authorization", bearer.as_str())];
        headers.extend(more);
        request(&self.address, method, path, &headers, body)
    }

    /// The same, of a service that may end meanwhile: the answer's body, if there is one.
    pub(crate) fn try_request(&self, method: &str, path: &str, body: &str) -> Option<Value> {
        let bearer = format!("Bearer {}", self.key);
        let headers = [("Authorization", bearer.as_str())];
        let answer = try_request(&self.address, method, path, &headers, body)?;
        Some(serde_json::from_str(&answer.body).unwrap_or_default())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path, &[], &body.to_string())
    }

    pub(crate) fn events(&self, path: &str, more: &[(&str, &str)]) -> Events {
        let bearer = format!("Bearer {}", self.key);
        let mut headers = vec![("Authorization", bearer.as_str())];
        headers.extend(more);
        Events::open(&self.address, path, &headers)
    }

    /// Makes a payment of 21,000 sat at this reader; its name.
    #[track_caller]
    pub(crate) fn pay(&self, reader: &str, to: u16) -> String {
        let wanted = json!({"amount_sat": 21_000, "to": address(to), "reader": reader});
        let made = self.post("/v1/payments", &wanted).expect(201);
        made["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn payment(&self, id: &str) -> Value {
        self.get(&format!("/v1/payments/{id}")).expect(200)
    }

    /// Waits until the payment is in this state.
    #[track_caller]
    pub(crate) fn wait_for(&self, id: &str, state: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let payment = self.payment(id);
            if payment["state"] == state {
                return payment;
            }
            assert!(Instant::now() < deadline, "never {state}: {payment:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until something is so.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < deadline, "never: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types a PIN once it is asked for.
    #[track_caller]
    pub(crate) fn type_pin(&self, id: &str, pin: &str) {
        self.wait("a PIN is asked for", || !self.payment(id)["pin"].is_null());
        let path = format!("/v1/payments/{id}/pin");
        let typed = self.post(&path, &json!({ "pin": pin }));
        assert_eq!(typed.status, 202, "{}", typed.body);
    }

    /// Ends it without warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
