//! `tillcard personalise card`.

use std::path::{Path, PathBuf};

use clap::Args;
use rand_chacha::rand_core::Rng;
use tillcard_applet::command::ProveGenuine;
use tillcard_emu::personalise::test_root::emulator_batch;
use tillcard_emu::personalise::{self, CardCertificates, OwnKey, personalise};

use super::files::{Files, write_public};
use super::random;
use crate::cli::Failure;
use crate::cli::output::line;
use crate::genuine::{SessionId, check_proof};
use crate::transport::{Readers, Transport};

/// Personalises a card.
#[derive(Args)]
pub(in crate::cli) struct Card {
    #[command(flatten)]
    batch: WhichBatch,
    /// Part of the reader's name [default: any reader with a Tillcard in it]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// Keep the card's certificates in this folder, to take them back one day; a file for each,
    /// named by its serial number
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
            Some(prefix) => personalise::Batch::try_from(Files::new(prefix).read()?)?,
            None => emulator_batch()?,
        };
        let readers = Readers::establish(self.reader.as_deref())?;
        let mut card = readers.connect()?;
        let transmit = |command: &[u8]| card.transmit(command);
        let given = personalise(transmit, &batch, &mut random()?)?;
        line(format_args!(
            "The card is one of “{}” now, for good.",
            batch.authority().name()
        ));
        for key in [OwnKey::Identity, OwnKey::Agreement] {
            self.tell(&given, key)?;
        }
        prove(&mut card, &given)?;
        card.disconnect()?;
        line("It has proven that it has the certified key.");
        Ok(())
    }

    /// Tells, and keeps, what is needed to take a certificate back.
    fn tell(&self, given: &CardCertificates, key: OwnKey) -> Result<(), Failure> {
        let serial = given.serial_number(key)?;
        let purpose = match key {
            OwnKey::Identity => "signatures",
            OwnKey::Agreement => "channels",
        };
        line(format_args!("  serial number, {purpose}: {serial}"));
        match &self.keep {
            Some(folder) => keep(folder, &serial, &given.to_pem(key)?),
            None => Ok(()),
        }
    }
}

fn keep(folder: &Path, serial: &str, certificate: &str) -> Result<(), Failure> {
    write_public(&folder.join(format!("{serial}.pem")), certificate)
}

/// Has the card sign by the key that was certified.
fn prove(card: &mut impl Transport, given: &CardCertificates) -> Result<(), Failure> {
    let mut challenge = [0; 32];
    random()?.fill_bytes(&mut challenge);
    let command = ProveGenuine {
        challenge: &challenge,
    };
    let answer = card.transmit(command.to_apdu().as_bytes())?;
    let proven = answer.strip_suffix(&[0x90, 0x00]).is_some_and(|proof| {
        check_proof(
            &given.keys.identity_key,
            &SessionId::Plain,
            &challenge,
            proof,
        )
        .is_ok()
    });
    match proven {
        true => Ok(()),
        false => Err(Failure::new(
            "the card doesn't sign by the key that was certified: don't use it",
        )),
    }
}
