//! A blank card, personalised: it draws its keys, gets them certified, is closed, and proves it.

use std::path::Path;

use rand_chacha::rand_core::Rng;
use tillcard_client::genuine::{GenuineError, SessionId, check_proof};
use tillcard_client::transport::Transport;
use tillcard_personalise::{self as personalise, CardCertificates, CardKey, personalise};
use tillcard_protocol::command::ProveGenuine;

use super::files::write_public;
use super::{ManufacturerError, random};

/// A card that was just personalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Personalised {
    /// Serial number of the certificate for the key by which it signs.
    pub identity_serial: String,
    /// Serial number of the certificate for the key of its channels.
    pub agreement_serial: String,
}

/// Personalises the blank card behind `card`, and has it prove that it has the certified key. Its
/// certificates are kept in `folder`, if one is given, each in a file named by its serial number.
///
/// # Errors
/// [`ManufacturerError::Personalise`]; [`ManufacturerError::NotProven`]: the card isn't to be used.
pub fn personalise_card(
    card: &mut impl Transport,
    batch: &personalise::Batch,
    folder: Option<&Path>,
) -> Result<Personalised, ManufacturerError> {
    let transmit = |command: &[u8]| card.transmit(command);
    let given = personalise(transmit, batch, &mut random()?)?;
    let [identity_serial, agreement_serial] =
        [CardKey::Identity, CardKey::Agreement].map(|key| keep(&given, key, folder));
    let personalised = Personalised {
        identity_serial: identity_serial?,
        agreement_serial: agreement_serial?,
    };
    prove(card, &given)?;
    Ok(personalised)
}

/// Writes a certificate down; its serial number.
fn keep(
    given: &CardCertificates,
    key: CardKey,
    folder: Option<&Path>,
) -> Result<String, ManufacturerError> {
    let serial = given.serial_number(key)?;
    if let Some(folder) = folder {
        write_public(&folder.join(format!("{serial}.pem")), &given.to_pem(key)?)?;
    }
    Ok(serial)
}

/// Has the card sign by the key that was certified.
fn prove(card: &mut impl Transport, given: &CardCertificates) -> Result<(), ManufacturerError> {
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
        .map_err(ManufacturerError::NotProven)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::SystemTime;

    use bitcoin::Network;
    use tillcard_emu::{EmulatedCard, Seed};
    use tillcard_protocol::command::{GetData, Select};

    use crate::in_process::InProcess;

    use super::*;
    use tillcard_client::genuine::Checker;
    use tillcard_client::transport::TransportError;
    use tillcard_personalise::test_root::emulator_batch;

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
        assert!(
            again.to_string().contains("personalised already"),
            "{again}"
        );
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
        assert!(
            matches!(failed, ManufacturerError::NotProven(_)),
            "{failed}"
        );
    }
}
