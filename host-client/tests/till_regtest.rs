//! The till on the embedded regtest chain, with the real card in process.

#![cfg(feature = "regtest")]

mod chain_support;
mod owner_support;
mod till_support;

use bitcoin::Address;
use owner_support::Regtest;
use till_support::stories;
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
fn milk_is_paid_for() {
    stories::milk_is_paid_for(&Embedded::start());
}

#[test]
fn a_blocked_card_is_declined() {
    stories::a_blocked_card_is_declined(&Embedded::start());
}

#[test]
fn a_race_that_the_shop_loses() {
    stories::a_race_that_the_shop_loses(&Embedded::start());
}

#[test]
fn what_the_card_refuses() {
    stories::what_the_card_refuses(&Embedded::start());
}

#[test]
fn no_pin_no_payment() {
    stories::no_pin_no_payment(&Embedded::start());
}

#[test]
fn a_card_is_pulled_out() {
    stories::a_card_is_pulled_out(&Embedded::start());
}

#[test]
fn a_forged_signature_stays_in_the_shop() {
    stories::a_forged_signature_stays_in_the_shop(&Embedded::start());
}

#[test]
fn the_till_follows_the_chain() {
    stories::the_till_follows_the_chain(&Embedded::start());
}

#[test]
fn a_till_that_lost_power_goes_on() {
    stories::a_till_that_lost_power_goes_on(&Embedded::start());
}
