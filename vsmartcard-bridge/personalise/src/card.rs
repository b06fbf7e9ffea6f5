//! Getting a card its keys and certificates (`docs/protocol.md`, section 3.6).

use std::error::Error;

use rand_core::CryptoRng;
use tillcard_protocol::command::{
    Apdu, Capabilities, CardKey, CardKeys, Certificate, GenerateCardKeys, GetData, PutData, Select,
    Selected, State, StatusObject,
};

use x509_cert::der::pem::LineEnding;
use x509_cert::der::{Decode, EncodePem};

use crate::{Batch, PersonaliseError};

/// Longest answer that is put together from parts.
const ANSWER_MAX: usize = 4096;

/// `6A88`: the card has no certificates (yet).
const NOT_FOUND: u16 = 0x6A88;

/// What a card was given, in DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardCertificates {
    /// The keys that are certified.
    pub keys: CardKeys,
    /// The batch's.
    pub batch: Vec<u8>,
    /// Of the key that signs.
    pub identity: Vec<u8>,
    /// Of the key that opens channels.
    pub agreement: Vec<u8>,
}

/// Whether a manufacturer still has to personalise the card behind `transmit`, which takes a command
/// APDU and gives the response: it is in the factory state, and its personalisation not ended.
/// Selects the application.
///
/// # Errors
/// [`PersonaliseError`] when the card can't be asked.
pub fn is_blank<E>(
    transmit: impl FnMut(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<bool, PersonaliseError>
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let mut contact = Contact { transmit };
    contact.select()?;
    Ok(contact.state()? == State::Factory && !contact.is_personalised()?)
}

/// Has the card behind `transmit` draw its own keys, certifies them as ones of `batch`, stores the
/// certificates on the card, ends the personalisation, and reads all back. `transmit` takes a
/// command APDU and gives the response.
///
/// Whatever stops it half-way, the next attempt begins anew.
///
/// # Errors
/// [`PersonaliseError::NotBlank`] when the card was personalised before, or is somebody's already;
/// others when the card can't be asked, refuses, or doesn't give back what it was given.
pub fn personalise<E>(
    transmit: impl FnMut(&[u8]) -> Result<Vec<u8>, E>,
    batch: &Batch,
    rng: &mut impl CryptoRng,
) -> Result<CardCertificates, PersonaliseError>
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let mut contact = Contact { transmit };
    let keys = contact.generate_keys()?;
    let certificates = CardCertificates {
        keys,
        batch: batch.authority().certificate_der()?,
        identity: batch.certify(CardKey::Identity, &keys.identity_key, rng)?,
        agreement: batch.certify(CardKey::Agreement, &keys.agreement_key, rng)?,
    };
    contact.store_all(&certificates)?;
    Ok(certificates)
}

/// Has the card behind `transmit` draw its own keys, and gives it certificates that may be of other
/// keys, as a cheat can who has read them from a card: for tests of those who check. Ends the
/// personalisation.
///
/// # Errors
/// As [`personalise()`].
pub fn store_certificates<E>(
    transmit: impl FnMut(&[u8]) -> Result<Vec<u8>, E>,
    certificates: &CardCertificates,
) -> Result<(), PersonaliseError>
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let mut contact = Contact { transmit };
    contact.generate_keys()?;
    contact.store_all(certificates)
}

impl CardCertificates {
    /// The serial number of a key's certificate, in hexadecimal digits as openssl shows it.
    ///
    /// # Errors
    /// None: it was made a moment ago.
    pub fn serial_number(&self, key: CardKey) -> Result<String, PersonaliseError> {
        let certificate = x509_cert::Certificate::from_der(self.of(Certificate::Key(key)))?;
        let serial = certificate.tbs_certificate().serial_number().as_bytes();
        // DER's sign isn't shown.
        let serial = serial.strip_prefix(&[0]).unwrap_or(serial);
        Ok(serial.iter().map(|byte| format!("{byte:02X}")).collect())
    }

    /// A key's certificate, for a file (PEM).
    ///
    /// # Errors
    /// None: it was made a moment ago.
    pub fn to_pem(&self, key: CardKey) -> Result<String, PersonaliseError> {
        let certificate = x509_cert::Certificate::from_der(self.of(Certificate::Key(key)))?;
        Ok(certificate.to_pem(LineEnding::LF)?)
    }

    fn of(&self, certificate: Certificate) -> &[u8] {
        match certificate {
            Certificate::Batch => &self.batch,
            Certificate::Key(CardKey::Identity) => &self.identity,
            Certificate::Key(CardKey::Agreement) => &self.agreement,
        }
    }
}

/// A card with power.
struct Contact<T> {
    transmit: T,
}

impl<T, E> Contact<T>
where
    T: FnMut(&[u8]) -> Result<Vec<u8>, E>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn select(&mut self) -> Result<(), PersonaliseError> {
        let answer = self.ask("SELECT", &Select::to_apdu())?;
        let selected =
            Selected::parse(&answer).map_err(|_| PersonaliseError::Malformed("SELECT"))?;
        match selected.capabilities & Capabilities::CHANNEL {
            0 => Err(PersonaliseError::NoOwnKeys),
            _ => Ok(()),
        }
    }

    /// Selects the application of a blank card and has it draw its own keys.
    fn generate_keys(&mut self) -> Result<CardKeys, PersonaliseError> {
        const NAME: &str = "GENERATE ASYMMETRIC KEY PAIR";
        self.select()?;
        if self.state()? != State::Factory || self.is_personalised()? {
            return Err(PersonaliseError::NotBlank);
        }
        let answer = self.ask(NAME, &GenerateCardKeys::to_apdu())?;
        CardKeys::parse(&answer).map_err(|_| PersonaliseError::Malformed(NAME))
    }

    /// Stores certificates, ends the personalisation, and reads all back.
    fn store_all(&mut self, certificates: &CardCertificates) -> Result<(), PersonaliseError> {
        for certificate in Certificate::ALL {
            self.store(certificate, certificates.of(certificate))?;
        }
        self.put(&PutData::End)?;
        for key in [CardKey::Identity, CardKey::Agreement] {
            let own = certificates.of(Certificate::Key(key));
            let expected = [certificates.batch.as_slice(), own].concat();
            if self.ask("GET DATA", &GetData::Certificates(key).to_apdu())? != expected {
                return Err(PersonaliseError::NotStored);
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<State, PersonaliseError> {
        let answer = self.ask("GET DATA", &GetData::Status.to_apdu())?;
        let status =
            StatusObject::parse(&answer).map_err(|_| PersonaliseError::Malformed("GET DATA"))?;
        Ok(status.state)
    }

    fn is_personalised(&mut self) -> Result<bool, PersonaliseError> {
        let certificates = GetData::Certificates(CardKey::Identity).to_apdu();
        match self.ask("GET DATA", &certificates) {
            Ok(_) => Ok(true),
            Err(PersonaliseError::Refused {
                status: NOT_FOUND, ..
            }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn store(&mut self, certificate: Certificate, bytes: &[u8]) -> Result<(), PersonaliseError> {
        let pieces = bytes.chunks(Certificate::PIECE_MAX);
        if pieces.len() > usize::from(Certificate::PIECES) {
            return Err(PersonaliseError::TooLong(bytes.len()));
        }
        for (number, bytes) in (0..).zip(pieces) {
            self.put(&PutData::Piece {
                certificate,
                number,
                bytes,
            })?;
        }
        Ok(())
    }

    fn put(&mut self, data: &PutData<'_>) -> Result<(), PersonaliseError> {
        let command = data
            .to_apdu()
            .map_err(|_| PersonaliseError::Encoding("a piece is too long".into()))?;
        self.ask("PUT DATA", &command).map(drop)
    }

    /// The whole answer to a command that must succeed.
    fn ask(&mut self, name: &'static str, command: &Apdu) -> Result<Vec<u8>, PersonaliseError> {
        let mut data = Vec::new();
        let mut status = self.exchange(name, command.as_bytes(), &mut data)?;
        while let [0x61, left] = status.to_be_bytes() {
            let before = data.len();
            status = self.exchange(name, &[0x00, 0xC0, 0x00, 0x00, left], &mut data)?;
            // A card that promises more and gives none would keep us here for ever.
            if data.len() == before || data.len() > ANSWER_MAX {
                return Err(PersonaliseError::Malformed(name));
            }
        }
        match status {
            0x9000 => Ok(data),
            status => Err(PersonaliseError::Refused {
                command: name,
                status,
            }),
        }
    }

    fn exchange(
        &mut self,
        name: &'static str,
        command: &[u8],
        data: &mut Vec<u8>,
    ) -> Result<u16, PersonaliseError> {
        let response =
            (self.transmit)(command).map_err(|error| PersonaliseError::NoContact(error.into()))?;
        let (part, status) = response
            .split_last_chunk::<2>()
            .ok_or(PersonaliseError::Malformed(name))?;
        data.extend_from_slice(part);
        Ok(u16::from_be_bytes(*status))
    }
}
