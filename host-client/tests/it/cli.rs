//! The command line where no reader is needed: refusals, exit codes, and what is said.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// Runs `tillcard` for a user who has `home`, and no PC/SC service.
fn tillcard(home: &Path, chain: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tillcard"))
        .args(arguments)
        .env("XDG_DATA_HOME", home)
        .env("TILLCARD_CHAIN", chain)
        // Where libpcsclite looks for the service.
        .env("PCSCLITE_CSOCK_NAME", home.join("nobody"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

/// What was said, which must be one line, of a program that must have failed.
#[track_caller]
fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("error["), "{said}");
    said
}

/// A node that knows its genesis block, and that alone.
struct Genesis(TcpListener);

impl Genesis {
    /// Serves until the process ends; returns the chain's address.
    fn serve(network: bitcoin::Network) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let node = Self(listener);
        let hash = bitcoin::constants::genesis_block(network).block_hash();
        std::thread::spawn(move || {
            for stream in node.0.incoming().map_while(Result::ok) {
                answer(stream, &hash.to_string());
            }
        });
        format!("core:http://user:password@127.0.0.1:{port}")
    }
}

/// Answers one request: the hash if that was asked, else the error of an unknown method.
fn answer(mut stream: TcpStream, hash: &str) {
    let mut request = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        request.read_line(&mut line).unwrap();
        let line = line.trim().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    request.read_exact(&mut body).unwrap();
    let request: Value = serde_json::from_slice(&body).unwrap();
    let response = if request["method"] == "getblockhash" {
        json!({"result": hash, "error": null, "id": request["id"]})
    } else {
        let error = json!({"code": -32601, "message": "Method not found"});
        json!({"result": null, "error": error, "id": request["id"]})
    };
    let response = response.to_string();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{response}",
        response.len()
    )
    .unwrap();
}

const MAINNET_ADDRESS: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
const REGTEST_ADDRESS: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

#[test]
fn mainnet_takes_a_plain_flag() {
    let home = tempfile::tempdir().unwrap();
    let chain = Genesis::serve(bitcoin::Network::Bitcoin);
    let pay = ["till", "pay", "--amount", "21000", "--to", MAINNET_ADDRESS];
    let mine = ["mine", "--to", MAINNET_ADDRESS];
    for arguments in [&["owner", "new"][..], &["owner", "restore"], &pay, &mine] {
        let said = said(&tillcard(home.path(), &chain, arguments));
        assert!(said.contains("--mainnet"), "{arguments:?}: {said}");
        let told = [arguments, &["--mainnet"]].concat();
        let said = String::from_utf8(tillcard(home.path(), &chain, &told).stderr).unwrap();
        assert!(!said.contains("--mainnet"), "{told:?}: {said}");
    }
}

#[test]
fn an_address_of_another_chain_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let chain = Genesis::serve(bitcoin::Network::Regtest);
    let pay = ["till", "pay", "--amount", "21000", "--to", MAINNET_ADDRESS];
    let said = said(&tillcard(home.path(), &chain, &pay));
    assert!(said.contains("regtest, the node's network"), "{said}");
}

#[test]
fn no_pcsc_service_is_told() {
    let home = tempfile::tempdir().unwrap();
    let chain = Genesis::serve(bitcoin::Network::Regtest);
    let pay = ["till", "pay", "--amount", "21000", "--fee-rate", "2"];
    let arguments = [&pay[..], &["--to", REGTEST_ADDRESS]].concat();
    let said = said(&tillcard(home.path(), &chain, &arguments));
    assert!(said.contains("the PC/SC service isn't running"), "{said}");
}

#[test]
fn no_node_is_told() {
    let home = tempfile::tempdir().unwrap();
    // A port that was free a moment ago.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let chain = format!("core:http://user:password@127.0.0.1:{port}");
    let said = said(&tillcard(home.path(), &chain, &["owner", "new"]));
    assert!(said.contains(&port.to_string()), "{said}");
    assert!(!said.contains("password@"), "{said}");
}

#[test]
fn no_owner_is_told() {
    let home = tempfile::tempdir().unwrap();
    let chain = Genesis::serve(bitcoin::Network::Regtest);
    for command in ["status", "topup", "block", "issue", "address"] {
        let said = said(&tillcard(home.path(), &chain, &["owner", command]));
        assert!(said.contains("holds no owner"), "{command}: {said}");
    }
}

#[test]
fn mistakes_on_the_command_line_have_a_code_of_their_own() {
    let home = tempfile::tempdir().unwrap();
    let to = ["--to", REGTEST_ADDRESS];
    for (amount, reason) in [
        ("0.5", "whole number of satoshi"),
        ("2100000000000001", "aren't that many"),
    ] {
        let pay = [&["till", "pay", "--amount", amount][..], &to].concat();
        let output = tillcard(home.path(), "core:regtest", &pay);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(reason), "{said}");
    }
    let output = tillcard(home.path(), "carrier pigeon", &["owner", "new"]);
    assert_eq!(output.status.code(), Some(2));
}
