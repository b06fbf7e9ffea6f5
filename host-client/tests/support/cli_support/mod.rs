//! What the tests of the command line with a reader share: a user, and his terminal.

#![allow(dead_code, reason = "each test program uses its own part of this")]

pub(crate) mod terminal;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use bitcoin::{Address, Network, ScriptBuf};
use tillcard_regtest::{RegtestChain, RegtestServer, Switches};

pub(crate) const PIN: &str = "407112";

/// A user at home, with a chain.
pub(crate) struct User {
    pub(crate) home: tempfile::TempDir,
    server: RegtestServer,
    chain: Arc<RegtestChain>,
}

impl User {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let chain = Arc::new(RegtestChain::open(&home.path().join("chain")).unwrap());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = RegtestServer::start(Arc::clone(&chain), address).unwrap();
        Self {
            home,
            server,
            chain,
        }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let chain = format!(
            "core:http://{}?cookie={}",
            self.server.address(),
            self.server.cookie().display()
        );
        let mut command = Command::new(env!("CARGO_BIN_EXE_tillcard"));
        command
            .args(arguments)
            .env("XDG_DATA_HOME", self.home.path())
            .env("TILLCARD_CHAIN", chain);
        command
    }

    /// Runs `tillcard` with this on its standard input.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        run(&mut self.command(arguments), input)
    }

    /// The same; it must succeed. Returns what it printed.
    #[track_caller]
    pub(crate) fn tillcard(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert!(
            output.status.success(),
            "tillcard {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn mine(&self) {
        let nobody = ScriptBuf::new_op_return([]);
        self.chain.mine(1, &nobody).unwrap();
    }

    /// Has the node behave so.
    pub(crate) fn switch(&self, switches: Switches) {
        self.server.switch(switches);
    }

    /// Whether a block has an output of this many sat.
    pub(crate) fn has_output(&self, amount: u64) -> bool {
        let blocks = (0..=self.chain.tip().height)
            .filter_map(|height| self.chain.block(&self.chain.block_hash(height)?));
        blocks
            .flat_map(|block| block.txdata)
            .flat_map(|transaction| transaction.output)
            .any(|output| output.value.to_sat() == amount)
    }
}

/// Runs a command with this on its standard input.
pub(crate) fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that fails early may not have read it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// The words that `owner new` shows, and the address.
pub(crate) fn words_and_address(shown: &str) -> (String, String) {
    let numbered = shown.lines().filter_map(|line| {
        let (number, word) = line.trim().split_once(' ')?;
        number.parse::<u32>().ok()?;
        Some(word.to_owned())
    });
    let words: Vec<String> = numbered.collect();
    assert_eq!(words.len(), 12, "{shown}");
    (words.join(" "), shown.lines().last().unwrap().to_owned())
}

pub(crate) fn shop() -> String {
    let hash = bitcoin::hashes::Hash::from_byte_array([0x51; 20]);
    let script = ScriptBuf::new_p2wpkh(&hash);
    Address::from_script(&script, Network::Regtest)
        .unwrap()
        .to_string()
}
