//! A node that says what a test has it say of its chain, and knows nothing else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use bitcoin::Network;
use bitcoin::constants::genesis_block;
use serde_json::{Value, json};

/// What it says.
#[derive(Clone, Copy)]
pub(crate) struct Said {
    /// Of which network its chain is.
    pub(crate) network: Network,
    /// How many blocks it has heard of beyond the one that it has.
    pub(crate) behind: u32,
}

pub(crate) struct StubNode {
    pub(crate) chain: String,
    said: Arc<Mutex<Said>>,
}

impl StubNode {
    pub(crate) fn start(said: Said) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let said = Arc::new(Mutex::new(said));
        let node = Self {
            chain: format!("core:http://user:password@{address}"),
            said: Arc::clone(&said),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let said = *said.lock().unwrap();
                // Whoever asks may be gone.
                let _ = answer(stream, said);
            }
        });
        node
    }

    pub(crate) fn says(&self, said: Said) {
        *self.said.lock().unwrap() = said;
    }
}

fn answer(stream: TcpStream, said: Said) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let asked: Value = serde_json::from_slice(&body)?;
    let genesis = genesis_block(said.network).block_hash();
    let result = match asked["method"].as_str().unwrap_or_default() {
        "getblockhash" => json!(genesis),
        "getblockchaininfo" => json!({
            "blocks": 0, "bestblockhash": genesis, "headers": said.behind,
            "initialblockdownload": said.behind > 0,
        }),
        "getrawmempool" => json!([]),
        "getblock" => json!(bitcoin::consensus::encode::serialize_hex(&genesis_block(
            said.network
        ))),
        _ => json!({}),
    };
    let answer = json!({"result": result, "error": null, "id": asked["id"]}).to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let mut stream = reader.into_inner();
    write!(
        stream,
        "{head}Content-Length: {}\r\n\r\n{answer}",
        answer.len()
    )
}
