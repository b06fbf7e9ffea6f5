//! The till on a real `bitcoind`, with the real card in process.

mod chain_support;
#[path = "chain_support/node.rs"]
mod node;
mod owner_support;
mod till_support;

use bitcoin::Address;
use node::Node;
use owner_support::Regtest;
use till_support::stories;
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
fn milk_is_paid_for() {
    stories::milk_is_paid_for(&Core::start());
}

#[test]
fn a_blocked_card_is_declined() {
    stories::a_blocked_card_is_declined(&Core::start());
}

#[test]
fn a_race_that_the_shop_loses() {
    stories::a_race_that_the_shop_loses(&Core::start());
}

#[test]
fn what_the_card_refuses() {
    stories::what_the_card_refuses(&Core::start());
}

#[test]
fn no_pin_no_payment() {
    stories::no_pin_no_payment(&Core::start());
}

#[test]
fn a_card_is_pulled_out() {
    stories::a_card_is_pulled_out(&Core::start());
}

#[test]
fn a_forged_signature_stays_in_the_shop() {
    stories::a_forged_signature_stays_in_the_shop(&Core::start());
}

#[test]
fn the_till_follows_the_chain() {
    stories::the_till_follows_the_chain(&Core::start());
}

#[test]
fn a_till_that_lost_power_goes_on() {
    stories::a_till_that_lost_power_goes_on(&Core::start());
}
