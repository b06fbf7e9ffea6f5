//! A real `bitcoind` on regtest, for one test.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tillcard::chain::{Auth, CoreRpc, CoreRpcConfig};

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
        let mut process = Command::new(&program)
            .arg("-regtest")
            .arg(format!("-datadir={}", folder.path().display()))
            .arg(format!("-rpcport={port}"))
            .args(["-listen=0", "-connect=0", "-dnsseed=0", "-fixedseeds=0"])
            .args(["-datacarriersize=83", "-dbcache=4", "-printtoconsole=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} doesn't start: {error}", program.display()));
        let console = process.stdout.take().expect("a pipe of ours");
        let node = Self {
            process,
            folder,
            port,
        };
        wait_until_loaded(console);
        node
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

/// Reads what the node says until it is ready; a thread goes on reading, since a full pipe would
/// hold the node up.
fn wait_until_loaded(console: ChildStdout) {
    let (ready, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut said = Vec::new();
        for line in BufReader::new(console).lines().map_while(Result::ok) {
            if line.contains("Done loading") {
                // Nobody listens any more after the first time.
                let _ = ready.send(Ok(()));
                said.clear();
            }
            said.push(line);
        }
        let _ = ready.send(Err(said));
    });
    match told.recv_timeout(START) {
        Ok(Ok(())) => (),
        Ok(Err(said)) => panic!("bitcoind ended while it started:\n{}", said.join("\n")),
        Err(_) => panic!("bitcoind wasn't ready after {} s", START.as_secs()),
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
