//! `tillcard personalise card`.

use std::path::{Path, PathBuf};

use clap::Args;
use rand_chacha::rand_core::Rng;
use tillcard_personalise::test_root::emulator_batch;
use tillcard_personalise::{self as personalise, CardCertificates, CardKey, personalise};
use tillcard_protocol::command::ProveGenuine;

use super::files::{Files, write_public};
use super::random;
use crate::cli::Failure;
use crate::cli::output::line;
use crate::genuine::{GenuineError, SessionId, check_proof};
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
        personalise_card(&mut card, &batch, self.keep.as_deref())?;
        Ok(card.disconnect()?)
    }
}

fn personalise_card(
    card: &mut impl Transport,
    batch: &personalise::Batch,
    folder: Option<&Path>,
) -> Result<(), Failure> {
    let transmit = |command: &[u8]| card.transmit(command);
    let given = personalise(transmit, batch, &mut random()?)?;
    let name = batch.authority().name();
    line(format_args!("The card is one of “{name}” now, for good."));
    for (key, purpose) in [
        (CardKey::Identity, "signatures"),
        (CardKey::Agreement, "channels"),
    ] {
        let serial = given.serial_number(key)?;
        line(format_args!("  serial number, {purpose}: {serial}"));
        if let Some(folder) = folder {
            write_public(&folder.join(format!("{serial}.pem")), &given.to_pem(key)?)?;
        }
    }
    prove(card, &given)?;
    line("It has proven that it has the certified key.");
    Ok(())
}

/// Has the card sign by the key that was certified.
fn prove(card: &mut impl Transport, given: &CardCertificates) -> Result<(), Failure> {
    let mut challenge = [0; 32];
    random()?.fill_bytes(&mut challenge);
    let command = ProveGenuine {
        challenge: &challenge,
    };
    let answer = card.transmit(command.to_apdu().as_bytes())?;
    let key = &given.keys.identity_key;
    answer
        .strip_suffix(&[0x90, 0x00])
        .ok_or(GenuineError::NotSigned)
        .and_then(|proof| check_proof(key, &SessionId::Plain, &challenge, proof))
        .map_err(|error| Failure::new(format!("{error}: don't use this card")))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::SystemTime;

    use bitcoin::Network;
    use tillcard_emu::{EmulatedCard, Seed};
    use tillcard_protocol::command::{GetData, Select};

    use super::*;
    use crate::genuine::Checker;
    use crate::transport::{InProcess, TransportError};

    #[test]
    fn a_card_is_vouched_for_afterwards_and_not_personalised_again() {
        let folder = tempfile::tempdir().unwrap();
        let blank = EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap();
        let mut card = InProcess::connect(blank);
        let batch = emulator_batch().unwrap();
        personalise_card(&mut card, &batch, Some(folder.path())).unwrap();

        card.transmit(Select::to_apdu().as_bytes()).unwrap();
        let checker = Checker::new(Network::Regtest).unwrap();
        for key in [CardKey::Identity, CardKey::Agreement] {
            let mut answer = Vec::new();
            let mut part = card.transmit(GetData::Certificates(key).to_apdu().as_bytes());
            while let Ok([bytes @ .., 0x61, left]) = part.as_deref() {
                answer.extend_from_slice(bytes);
                part = card.transmit(&[0x00, 0xC0, 0x00, 0x00, *left]);
            }
            answer.extend_from_slice(part.unwrap().strip_suffix(&[0x90, 0x00]).unwrap());
            let vouched = checker.check(&answer, key, SystemTime::now()).unwrap();
            assert_eq!(vouched.batch, "Tillcard emulator");
        }
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(files.len(), 2, "a file for each certificate");

        let again = personalise_card(&mut card, &batch, None).unwrap_err();
        assert!(again.message().contains("personalised already"));
    }

    /// A card that answers every proof of its identity key with another's.
    struct Swapped<T>(T);

    impl<T: Transport> Transport for Swapped<T> {
        fn atr(&self) -> &[u8] {
            self.0.atr()
        }
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
            let mut answer = self.0.transmit(command)?;
            if command[..2] == [0x00, 0x88] {
                answer[20] ^= 1;
            }
            Ok(answer)
        }
        fn apdus(&self) -> u64 {
            self.0.apdus()
        }
        fn reset(&mut self) -> Result<(), TransportError> {
            self.0.reset()
        }
        fn power_cut(&mut self) -> Result<(), TransportError> {
            self.0.power_cut()
        }
        fn disconnect(self) -> Result<(), TransportError> {
            self.0.disconnect()
        }
    }

    #[test]
    fn a_card_without_the_certified_key_is_noticed() {
        let blank = EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap();
        let mut card = Swapped(InProcess::connect(blank));
        let failed = personalise_card(&mut card, &emulator_batch().unwrap(), None).unwrap_err();
        assert!(failed.message().contains("don't use this card"));
    }
}
