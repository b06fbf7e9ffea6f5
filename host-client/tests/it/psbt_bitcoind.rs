//! A transaction that Bitcoin Core builds of a card's coins, by the card's descriptor, is signed by
//! the card; Core completes it and takes it.

use crate::node::Node;
use bitcoin::{Address, Amount, Transaction};
use jsonrpc::client::Client;
use jsonrpc::http::bitreq_http::Builder;
use serde_json::{Value, json};
use tillcard::chain::{Auth, Chain, CoreRpc};
use tillcard::owner::{PsbtFile, plan_psbt};

use crate::chain_support::Payer;
use crate::owner_support::Regtest;
use crate::till_support::{Kind, PIN, Scene};

struct Core {
    chain: CoreRpc,
    client: Client,
    _node: Node,
}

impl Core {
    fn start() -> Self {
        let node = Node::start();
        let config = node.config();
        let Auth::Cookie(cookie) = &config.auth else {
            panic!("a cookie");
        };
        let cookie = std::fs::read_to_string(cookie).expect("a cookie");
        let transport = Builder::new()
            .url(&config.url)
            .expect("an address")
            .cookie_auth(cookie)
            .build();
        Self {
            chain: node.rpc(),
            client: Client::with_transport(transport),
            _node: node,
        }
    }

    fn call(&self, method: &str, arguments: &Value) -> Value {
        let arguments = jsonrpc::arg(arguments);
        self.client
            .call(method, Some(&arguments))
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn text(&self, method: &str, arguments: &Value) -> String {
        let answer = self.call(method, arguments);
        answer.as_str().expect("a string").to_owned()
    }
}

impl Regtest for Core {
    fn chain(&self) -> &dyn Chain {
        &self.chain
    }

    fn mine(&self, blocks: u32, address: &Address) {
        self.chain
            .generate_to_address(blocks, address)
            .expect("blocks");
    }
}

#[test]
fn core_completes_what_the_card_signed() {
    for (leaf_delay, version) in [(Some(0), 0), (Some(144), 2), (None, 2), (Some(1), 0)] {
        let core = Core::start();
        let kind = Kind {
            leaf_delay,
            import: leaf_delay.is_none(),
            ..Kind::default()
        };
        let mut scene = Scene::issued(&core, bitcoin::Network::Regtest, kind);
        scene.top_up(40_000);
        scene.top_up(50_000);
        scene.pay(&[PIN]).settled();
        let owner = &scene.someone.owner;
        let view = owner
            .card_coins(core.chain(), scene.number, &mut |_, _| ())
            .expect("a view");
        assert_eq!(view.coins.len(), 2, "a top-up and a change");
        let account = owner.card(scene.number).expect("a card").account;

        let coins: Vec<Value> = view
            .coins
            .iter()
            .map(|coin| json!({"txid": coin.outpoint.txid, "vout": coin.outpoint.vout}))
            .collect();
        let total: Amount = view.coins.iter().map(|coin| coin.output.value).sum();
        let rest = (total - Amount::from_sat(1_000)).to_btc();
        let payee = Payer::new(0x71).address();
        let outputs = json!([{ payee.to_string(): rest }]);
        // Lock time, replaceable, the transaction's version, the PSBT's.
        let bare = core.text("createpsbt", &json!([coins, outputs, 0, true, 2, version]));
        let described = json!([bare, [{"desc": account.descriptor(), "range": 100}]]);
        let built = core.text("utxoupdatepsbt", &described);
        let mut psbt = PsbtFile::parse(built.as_bytes()).expect("a PSBT");
        let unsigned = psbt.to_v0().expect("possible");
        assert!(
            unsigned
                .inputs
                .iter()
                .all(|i| !i.tap_key_origins.is_empty())
        );

        let signatures = scene.as_owner(|card| {
            let header = card.read_coins().expect("coins").header;
            let order = plan_psbt(&unsigned, &account, &header).expect("all its own");
            card.sign(&order).expect("signed")
        });
        psbt.put_signatures(&signatures);
        let written = String::from_utf8(psbt.to_bytes()).expect("Base64");
        let decoded = core.call("decodepsbt", &json!([written.trim()]));
        assert_eq!(decoded["psbt_version"], json!(version), "as it came");
        let complete = core.call("finalizepsbt", &json!([written.trim()]));
        assert_eq!(complete["complete"], json!(true), "{complete}");
        let hex = complete["hex"].as_str().expect("a transaction");
        let transaction: Transaction =
            bitcoin::consensus::encode::deserialize_hex(hex).expect("a transaction");
        core.chain().broadcast(&transaction).expect("taken");
        core.confirm();
        assert!(core.chain().mempool().expect("a mempool").is_empty());
    }
}
