//! `tillcard personalise card`.

use std::path::PathBuf;

use clap::Args;
use tillcard::manufacturer::{AuthorityFiles, ManufacturerError, personalise_card};
use tillcard_client::Untrusted;
use tillcard_client::transport::{Readers, Transport};
use tillcard_personalise as personalise;
use tillcard_personalise::test_root::emulator_batch;

use crate::cli::Failure;
use crate::cli::output::line;

#[derive(Args)]
pub(in crate::cli) struct Card {
    #[command(flatten)]
    batch: WhichBatch,
    /// Part of the reader's name [default: any reader with a Tillcard in it]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// Keep the card's certificates in this folder, to revoke them one day: a file for each, named by
    /// its serial number
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct WhichBatch {
    /// The batch's files, PREFIX.pem and PREFIX.key
    #[arg(long, value_name = "PREFIX")]
    batch: Option<PathBuf>,
    /// Make it a card of the batch "Tillcard emulator", under the test root, whose keys everybody
    /// knows
    #[arg(long)]
    test_root: bool,
}

impl Card {
    pub(super) fn run(self) -> Result<(), Failure> {
        let batch = match &self.batch.batch {
            Some(prefix) => personalise::Batch::try_from(AuthorityFiles::new(prefix).read()?),
            None => emulator_batch(),
        };
        let batch = batch.map_err(ManufacturerError::from)?;
        let readers = Readers::establish(self.reader.as_deref())?;
        let mut card = readers.connect()?;
        let personalised = personalise_card(&mut card, &batch, self.keep.as_deref())?;
        let name = Untrusted::from(batch.authority().name());
        line(format_args!("The card is one of {name} now, for good."));
        for (purpose, serial) in [
            ("signatures", &personalised.identity_serial),
            ("channels", &personalised.agreement_serial),
        ] {
            line(format_args!("  serial number, {purpose}: {serial}"));
        }
        line("It has proven that it has the certified key.");
        Ok(card.disconnect()?)
    }
}
