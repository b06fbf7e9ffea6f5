//! What a node is told that no till asks of it: to replace blocks, and to mine empty ones.

use bitcoin::Address;
use tillcard::chain::{Auth, Chain, CoreRpcConfig};

use crate::node::Node;

impl Node {
    /// Takes this many blocks off the chain. What was in them waits for a block again. Those that come in
    /// their place must differ: they may be of the same second.
    pub(crate) fn reorganise(&self, blocks: u32) {
        let rpc = self.rpc();
        let tip = rpc.tip().expect("the chain answers").height;
        let first = rpc.block_hash(tip + 1 - blocks).expect("the chain answers");
        self.ask(
            "invalidateblock",
            &[serde_json::json!(first.expect("a block"))],
        );
    }

    /// Mines a block without a payment.
    pub(crate) fn mine_empty(&self, address: &Address) {
        self.ask(
            "generateblock",
            &[serde_json::json!(address), serde_json::json!([])],
        );
    }

    /// Asks the node what a till never asks.
    pub(crate) fn ask(&self, method: &str, arguments: &[serde_json::Value]) -> serde_json::Value {
        let CoreRpcConfig { url, auth, .. } = self.config();
        let Auth::Cookie(cookie) = auth else {
            panic!("a node writes a cookie");
        };
        let cookie = std::fs::read_to_string(cookie).expect("a cookie");
        let transport = jsonrpc::http::bitreq_http::Builder::new()
            .url(&url)
            .expect("a URL")
            .cookie_auth(&cookie)
            .build();
        let client = jsonrpc::Client::with_transport(transport);
        let arguments = serde_json::value::to_raw_value(arguments).expect("JSON");
        client
            .call(method, Some(&arguments))
            .expect("the node does it")
    }
}
