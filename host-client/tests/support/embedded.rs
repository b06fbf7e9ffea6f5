//! The private chain, for one test: asked over its RPC, as any node is.

use std::net::Ipv4Addr;
use std::sync::Arc;

use bitcoin::Address;
use tempfile::TempDir;
use tillcard::chain::{Chain, CoreRpc, CoreRpcConfig};
use tillcard_regtest::{RegtestChain, RegtestServer};

use crate::owner_support::Regtest;

pub(crate) struct Embedded {
    pub(crate) regtest: Arc<RegtestChain>,
    rpc: CoreRpc,
    server: RegtestServer,
    folder: TempDir,
}

impl Embedded {
    pub(crate) fn start() -> Self {
        Self::open(tempfile::tempdir().expect("a temporary folder"))
    }

    /// The same chain, stopped and started again without its mempool.
    pub(crate) fn forget_mempool(self) -> Self {
        let Self {
            regtest,
            server,
            folder,
            ..
        } = self;
        drop((server, regtest));
        std::fs::remove_file(folder.path().join("mempool.hex")).expect("the mempool's file");
        Self::open(folder)
    }

    fn open(folder: TempDir) -> Self {
        let regtest = Arc::new(RegtestChain::open(folder.path()).expect("the chain"));
        let any_port = (Ipv4Addr::LOCALHOST, 0).into();
        let server = RegtestServer::start(Arc::clone(&regtest), any_port).expect("a server");
        let rpc = CoreRpc::new(CoreRpcConfig::with_cookie(server.url(), server.cookie()));
        Self {
            regtest,
            rpc,
            server,
            folder,
        }
    }
}

impl Regtest for Embedded {
    fn chain(&self) -> &dyn Chain {
        &self.rpc
    }

    fn mine(&self, blocks: u32, address: &Address) {
        self.regtest
            .mine(blocks, &address.script_pubkey())
            .expect("Core takes our blocks");
    }
}
