//! A chain of a real `bitcoind`'s, for one test.

use bitcoin::Address;
use tillcard::chain::{Chain, CoreRpc};

use crate::node::Node;
use crate::owner_support::Regtest;

pub(crate) struct Bitcoind {
    chain: CoreRpc,
    node: Node,
}

impl Bitcoind {
    pub(crate) fn start() -> Self {
        let node = Node::start();
        Self {
            chain: node.rpc(),
            node,
        }
    }

    /// Takes this many blocks off the chain.
    pub(crate) fn reorganise(&self, blocks: u32) {
        self.node.reorganise(blocks);
    }
}

impl Regtest for Bitcoind {
    fn chain(&self) -> &dyn Chain {
        &self.chain
    }

    fn mine(&self, blocks: u32, address: &Address) {
        self.chain
            .generate_to_address(blocks, address)
            .expect("blocks");
    }
}
