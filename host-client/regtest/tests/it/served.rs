//! A private chain behind its server, with a coin to pay from.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use crate::chain_support::Payer;
use tillcard::chain::{CoreRpc, CoreRpcConfig, FeeRate};
use tillcard_regtest::{RegtestChain, RegtestServer};

pub(crate) const RATE: FeeRate = FeeRate::from_sat_per_kvb(1_000);

pub(crate) struct Served {
    pub(crate) chain: Arc<RegtestChain>,
    pub(crate) server: RegtestServer,
    pub(crate) rpc: CoreRpc,
    pub(crate) payer: Payer,
    pub(crate) _folder: tempfile::TempDir,
}

pub(crate) fn served() -> Served {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let payer = Payer::new(1);
    let chain = Arc::new(RegtestChain::open(folder.path()).expect("a new chain"));
    let server = RegtestServer::start(Arc::clone(&chain), any_port()).expect("a server");
    let rpc = CoreRpc::new(config(&server));
    rpc.generate_to_address(101, &payer.address())
        .expect("blocks");
    Served {
        chain,
        server,
        rpc,
        payer,
        _folder: folder,
    }
}

pub(crate) fn config(server: &RegtestServer) -> CoreRpcConfig {
    CoreRpcConfig::with_cookie(server.url(), server.cookie())
}

pub(crate) fn any_port() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// One raw HTTP request; the body of the answer.
pub(crate) fn raw(server: &RegtestServer, body: &str) -> serde_json::Value {
    use bitcoin::base64::Engine;
    let cookie = std::fs::read_to_string(server.cookie()).expect("the cookie");
    let authorization = bitcoin::base64::engine::general_purpose::STANDARD.encode(cookie);
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Basic \
         {authorization}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("JSON")
}
