//! `tillcard owner sign`.

use std::fs;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use tillcard::atomic_file::{self, PRIVATE};
use tillcard::owner::PsbtFile;
use tillcard::text::{counted, sat};

use super::interrupt::say_on_interrupt;
use super::visit::{Visit, Visited};
use crate::cli::output::line;
use crate::cli::{CliError, Failure};

/// Has the card sign a transaction that another wallet built of its coins.
#[derive(clap::Args)]
pub(in crate::cli) struct Sign {
    /// The partially signed transaction (PSBT, BIP174 or BIP370): Base64 or binary
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the signed one goes [default: the same file]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Sign without asking
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    visit: Visit,
}

impl Sign {
    pub(super) fn run(self) -> Result<(), Failure> {
        let bytes = fs::read(&self.file).map_err(|source| CliError::File {
            path: self.file.clone(),
            source,
        })?;
        let mut psbt = PsbtFile::parse(&bytes)?;
        let Visited {
            owner, mut visit, ..
        } = self.visit.open()?;
        let network = owner.network();
        // The folder is free while the owner reads: another card may have to be blocked.
        drop(owner);
        let order = visit.plan_psbt(&psbt)?;
        line(format_args!(
            "{} of card {}; {} to others, {} in fees:",
            counted(order.coins.len(), "coin"),
            visit.record.number,
            sat(order.to_others()),
            sat(order.fee().unwrap_or_default())
        ));
        for (output, own) in order.transaction.output.iter().zip(&order.payees) {
            let payee = match own {
                Some(_) => "the card itself".to_owned(),
                None => bitcoin::Address::from_script(&output.script_pubkey, network).map_or_else(
                    |_| format!("script {}", output.script_pubkey.to_hex_string()),
                    |address| address.to_string(),
                ),
            };
            line(format_args!("{:>16}  to {payee}", sat(output.value)));
        }
        if !self.yes && !is_wanted()? {
            visit.close()?;
            return Err(CliError::NotConfirmed.into());
        }
        say_on_interrupt(
            "Ended. Nothing was sent. If the card has signed, it takes the coins for \
             spent: run this command again, which has it sign again.",
        )?;
        visit.sign_psbt(&mut psbt, &order)?;
        let output = self.output.as_ref().unwrap_or(&self.file);
        atomic_file::replace(output, &psbt.to_bytes(), PRIVATE).map_err(|source| {
            CliError::SignedUnwritten {
                path: output.clone(),
                source,
            }
        })?;
        line(format_args!(
            "Signed, and each signature checked: {}. The card takes these coins for spent from now \
             on.",
            output.display()
        ));
        Ok(())
    }
}

/// Asks the owner.
fn is_wanted() -> Result<bool, Failure> {
    let input = std::io::stdin();
    if input.is_terminal() {
        eprint!("Have the card sign this? [y/N] ");
    }
    let mut answer = String::new();
    input
        .lock()
        .read_line(&mut answer)
        .map_err(CliError::Input)?;
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}
