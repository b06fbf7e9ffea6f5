//! The owner's wallet and cards on the embedded regtest chain.

#![cfg(feature = "regtest")]

mod chain_support;
mod owner_support;

use bitcoin::Address;
use owner_support::{Regtest, stories};
use tillcard::chain::Chain;
use tillcard::chain::regtest::RegtestChain;

struct Embedded {
    chain: RegtestChain,
    _folder: tempfile::TempDir,
}

impl Embedded {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            chain: RegtestChain::open(folder.path()).expect("a new chain"),
            _folder: folder,
        }
    }
}

impl Regtest for Embedded {
    fn chain(&self) -> &dyn Chain {
        &self.chain
    }

    fn mine(&self, blocks: u32, address: &Address) {
        self.chain
            .mine(blocks, &address.script_pubkey())
            .expect("Core takes our blocks");
    }
}

#[test]
fn primary_pays() {
    stories::primary_pays(&Embedded::start());
}

#[test]
fn top_ups_reach_the_card() {
    stories::top_ups_reach_the_card(&Embedded::start());
}

#[test]
fn a_lost_card_is_blocked() {
    stories::a_lost_card_is_blocked(&Embedded::start());
}

#[test]
fn a_thief_is_outbid() {
    stories::a_thief_is_outbid(&Embedded::start());
}

#[test]
fn many_coins_are_swept() {
    stories::many_coins_are_swept(&Embedded::start());
}

#[test]
fn words_and_chain_suffice() {
    stories::words_and_chain_suffice(&Embedded::start());
}

#[test]
fn without_the_copy_nothing_is_found() {
    stories::without_the_copy_nothing_is_found(&Embedded::start());
}
