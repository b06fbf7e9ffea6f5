//! The shop: `tillcard till pay`, a process of its own that knows an address and no more.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use bitcoin::{Address, Amount, OutPoint, Txid};
use serde::Deserialize;

use super::child::{Line, Player};
use super::failure::{DemoError, expect};
use super::stage::Stage;
use crate::cli::failure::DECLINED;
use tillcard::scan::Snapshot;
use tillcard_regtest::RegtestServer;

/// What the shop asks for, and where.
pub(super) struct Asking<'a> {
    pub(super) amount: Amount,
    pub(super) to: &'a Address,
    pub(super) confirmations: u32,
    pub(super) reader: &'a str,
    pub(super) chain: &'a RegtestServer,
    pub(super) folder: PathBuf,
}

/// A till that waits for a card, or for the chain.
pub(super) struct TillProcess {
    player: Player,
    apdus: u64,
}

/// How a till ended.
pub(super) struct Ended {
    /// Command APDUs that it sent to cards.
    pub(super) apdus: u64,
    /// All that it printed.
    pub(super) said: Vec<u8>,
}

/// The parts of a till's steps that the story needs.
#[derive(Deserialize)]
pub(super) struct Told {
    pub(super) state: String,
    pub(super) tries_left: Option<u8>,
    pub(super) txid: Option<Txid>,
    pub(super) confirmations: Option<u32>,
    pub(super) reason: Option<String>,
    pub(super) outpoint: Option<OutPoint>,
    apdus: Option<u64>,
}

impl TillProcess {
    pub(super) fn start(stage: &Stage, asking: &Asking<'_>) -> Result<Self, DemoError> {
        let program: PathBuf = std::env::current_exe()?;
        let chain = format!(
            "core:http://{}?cookie={}",
            asking.chain.address(),
            asking.chain.cookie().display()
        );
        let mut command = Command::new(program);
        command
            .args(["till", "pay", "--json"])
            .args(["--amount", &asking.amount.to_sat().to_string()])
            .args(["--to", &asking.to.to_string()])
            .args(["--confirmations", &asking.confirmations.to_string()])
            .args(["--reader", asking.reader])
            .args(["--chain", &chain])
            .arg("--folder")
            .arg(&asking.folder);
        let player = stage.start("the till", &mut command)?;
        Ok(Self { player, apdus: 0 })
    }

    /// Waits until the till tells of `state`; anything that ends a payment instead is a failure.
    pub(super) fn wait_for(&mut self, state: &str) -> Result<Told, DemoError> {
        loop {
            let told = match self.player.next_line()? {
                Some(Line::Out(line)) => serde_json::from_str::<Told>(&line)?,
                Some(Line::Err(line)) => return Err(DemoError::new(line)),
                None => {
                    return Err(DemoError::new(format!("the till ended before “{state}”")));
                }
            };
            self.apdus += told.apdus.unwrap_or(0);
            if told.state == state {
                return Ok(told);
            }
            if ["settled", "declined", "open"].contains(&told.state.as_str()) {
                let reason = told.reason.map(|reason| format!(": {reason}"));
                return Err(DemoError::new(format!(
                    "the payment was {}{}",
                    told.state,
                    reason.unwrap_or_default()
                )));
            }
        }
    }

    /// Types a PIN.
    pub(super) fn type_pin(&mut self, pin: &str) -> Result<(), DemoError> {
        Ok(writeln!(self.player.stdin()?, "{pin}")?)
    }

    /// The memory of the till's process.
    pub(super) fn memory(&self) -> Result<Snapshot, DemoError> {
        Ok(Snapshot::of_child(self.player.pid())?)
    }

    /// Waits for the end of a till whose payment was settled.
    pub(super) fn settled(self) -> Result<Ended, DemoError> {
        self.end(0)
    }

    /// Waits for the end of a till whose payment was declined.
    pub(super) fn declined(self) -> Result<Ended, DemoError> {
        self.end(i32::from(DECLINED))
    }

    fn end(self, code: i32) -> Result<Ended, DemoError> {
        let apdus = self.apdus;
        let (status, said) = self.player.finish()?;
        expect(
            status.code() == Some(code),
            format!("the till ended with {status} in place of exit code {code}"),
        )?;
        Ok(Ended { apdus, said })
    }
}
