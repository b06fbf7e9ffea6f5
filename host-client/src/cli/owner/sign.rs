//! `tillcard owner sign`.

use std::fs;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::visit::{Visit, Visited, at_home};
use crate::cli::Failure;
use crate::cli::output::line;
use crate::owner::{PsbtFile, plan_psbt};
use crate::text::{counted, sat};

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
        let bytes = fs::read(&self.file)
            .map_err(|error| Failure::new(format!("{}: {error}", self.file.display())))?;
        let mut psbt = PsbtFile::parse(&bytes)?;
        let Visited {
            owner,
            record,
            session,
            ..
        } = self.visit.open()?;
        let authority = owner.authority(&record)?;
        let mut card = session.as_owner(&authority);
        let refused = at_home(record.number);
        let header = card.read_coins().map_err(&refused)?.header;
        let order = plan_psbt(&psbt.to_v0()?, &record.account, &header)?;
        line(format_args!(
            "{} of card {}; {} to others, {} in fees:",
            counted(order.coins.len(), "coin"),
            record.number,
            sat(order.to_others()),
            sat(order.fee().unwrap_or_default())
        ));
        for (output, place) in order.transaction.output.iter().zip(&order.payees) {
            let payee = match place {
                Some(_) => "the card itself".to_owned(),
                None => bitcoin::Address::from_script(&output.script_pubkey, owner.network())
                    .map_or_else(
                        |_| format!("script {}", output.script_pubkey.to_hex_string()),
                        |address| address.to_string(),
                    ),
            };
            line(format_args!("{:>16}  to {payee}", sat(output.value)));
        }
        if !self.yes && !is_wanted()? {
            card.close()?;
            return Err(Failure::new("nothing was signed"));
        }
        let signatures = card.sign(&order).map_err(&refused)?;
        card.close()?;
        psbt.put_signatures(&signatures);
        let output = self.output.as_deref().unwrap_or(&self.file);
        write(&psbt.to_bytes(), output)?;
        line(format_args!(
            "Signed, and each signature checked: {}. The card takes these coins for spent from now \
             on.",
            output.display()
        ));
        Ok(())
    }
}

/// Replaces the file as a whole.
fn write(bytes: &[u8], path: &Path) -> Result<(), Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", path.display()));
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    file.write_all(bytes)
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

/// Asks the owner.
fn is_wanted() -> Result<bool, Failure> {
    let input = std::io::stdin();
    if input.is_terminal() {
        eprint!("Have the card sign this? [y/N] ");
    }
    let mut answer = String::new();
    input.lock().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}
