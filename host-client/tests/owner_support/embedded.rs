//! The embedded regtest chain, for one test.

#![allow(dead_code, reason = "each test program uses its own part of this")]

use bitcoin::Address;
use tempfile::TempDir;
use tillcard::chain::Chain;
use tillcard::chain::regtest::RegtestChain;

use crate::owner_support::Regtest;

pub(crate) struct Embedded {
    pub(crate) chain: RegtestChain,
    pub(crate) folder: TempDir,
}

impl Embedded {
    pub(crate) fn start() -> Self {
        Self::open(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn open(folder: TempDir) -> Self {
        Self {
            chain: RegtestChain::open(folder.path()).expect("the chain"),
            folder,
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
