//! A real `bitcoind` on regtest, for one test.

use std::ffi::OsString;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tillcard::chain::{Auth, Chain, ChainError, CoreRpc, CoreRpcConfig};

/// How long a node may take to start.
const START: Duration = Duration::from_secs(60);

pub(crate) struct Node {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Node {
    /// Starts the node that `TILLCARD_BITCOIND` names and waits until it answers. Its data outputs
    /// are held to the classic 83 bytes.
    pub(crate) fn start() -> Self {
        let program = program();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let process = Command::new(&program)
            .arg("-regtest")
            .arg(format!("-datadir={}", folder.path().display()))
            .arg(format!("-rpcport={port}"))
            .args(["-listen=0", "-connect=0", "-dnsseed=0", "-fixedseeds=0"])
            .args(["-datacarriersize=83", "-dbcache=4"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} doesn't start: {error}", program.display()));
        let mut node = Self {
            process,
            folder,
            port,
        };
        node.wait_until_it_answers();
        node
    }

    fn wait_until_it_answers(&mut self) {
        let deadline = Instant::now() + START;
        let rpc = self.rpc();
        loop {
            match rpc.tip() {
                Ok(_) => return,
                Err(ChainError::Unavailable { .. } | ChainError::WarmingUp { .. }) => (),
                Err(error) => panic!("{error}"),
            }
            if let Some(status) = self.process.try_wait().expect("a child of ours") {
                panic!("bitcoind ended while it started: {status}");
            }
            assert!(Instant::now() < deadline, "bitcoind never answered");
            std::thread::yield_now();
        }
    }

    pub(crate) fn rpc(&self) -> CoreRpc {
        CoreRpc::new(self.config())
    }

    pub(crate) fn config(&self) -> CoreRpcConfig {
        CoreRpcConfig {
            url: format!("http://127.0.0.1:{}", self.port),
            auth: Auth::Cookie(self.folder.path().join("regtest/.cookie")),
            timeout: Duration::from_secs(30),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Its folder is thrown away, so it needs no time to tidy it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> std::path::PathBuf {
    std::env::var_os("TILLCARD_BITCOIND")
        .filter(|value| *value != OsString::new())
        .map(std::path::PathBuf::from)
        .expect(
            "TILLCARD_BITCOIND must name a bitcoind program; `make test` builds one and sets it",
        )
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}
