//! The owner's wallet and cards on a real `bitcoind`.

mod chain_support;
#[path = "chain_support/node.rs"]
mod node;
mod owner_support;

use bitcoin::Address;
use node::Node;
use owner_support::{Regtest, stories};
use tillcard::chain::{Chain, CoreRpc};

struct Core {
    chain: CoreRpc,
    _node: Node,
}

impl Core {
    fn start() -> Self {
        let node = Node::start();
        Self {
            chain: node.rpc(),
            _node: node,
        }
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
fn primary_pays() {
    stories::primary_pays(&Core::start());
}

#[test]
fn top_ups_reach_the_card() {
    stories::top_ups_reach_the_card(&Core::start());
}

#[test]
fn a_lost_card_is_blocked() {
    stories::a_lost_card_is_blocked(&Core::start());
}

#[test]
fn a_thief_is_outbid() {
    stories::a_thief_is_outbid(&Core::start());
}

#[test]
fn many_coins_are_swept() {
    stories::many_coins_are_swept(&Core::start());
}

#[test]
fn words_and_chain_suffice() {
    stories::words_and_chain_suffice(&Core::start());
}

#[test]
fn without_the_copy_nothing_is_found() {
    stories::without_the_copy_nothing_is_found(&Core::start());
}
