//! The way to a card.

use std::error::Error;

use tillcard_protocol::command::Apdu;

use crate::OwnerError;

/// The longest answer that is put together from parts: a payment of sixteen inputs is below 4 kB.
const ANSWER_MAX: usize = 16 * 1024;

/// A card with power. A function that takes a command APDU and gives the response APDU is one.
pub trait Contact {
    /// The response APDU to a command APDU.
    ///
    /// # Errors
    /// Why there is none.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>>;
}

impl<F, E> Contact for F
where
    F: FnMut(&[u8]) -> Result<Vec<u8>, E>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        self(command).map_err(Into::into)
    }
}

impl dyn Contact + '_ {
    /// The data of the answer to a command that must succeed.
    ///
    /// # Errors
    /// [`OwnerError::Refused`] with the card's status word, and the ways in which there is no answer.
    pub fn ask(&mut self, name: &'static str, command: &Apdu) -> Result<Vec<u8>, OwnerError> {
        match self.answer(name, command)? {
            (data, 0x9000) => Ok(data),
            (_, status) => Err(OwnerError::Refused {
                command: name,
                status,
            }),
        }
    }

    /// The whole answer to a command: its data, put together from parts (ISO/IEC 7816-4 §5.3.4), and
    /// its status word.
    ///
    /// # Errors
    /// [`OwnerError::NoContact`] and [`OwnerError::Malformed`].
    pub fn answer(
        &mut self,
        name: &'static str,
        command: &Apdu,
    ) -> Result<(Vec<u8>, u16), OwnerError> {
        let mut data = Vec::new();
        let mut status = self.exchange(name, command.as_bytes(), &mut data)?;
        while let [0x61, left] = status.to_be_bytes() {
            let before = data.len();
            status = self.exchange(name, &[0x00, 0xC0, 0x00, 0x00, left], &mut data)?;
            // A card that promises more and gives none would keep us here for ever.
            if data.len() == before || data.len() > ANSWER_MAX {
                return Err(OwnerError::Malformed(name));
            }
        }
        Ok((data, status))
    }

    fn exchange(
        &mut self,
        command: &'static str,
        apdu: &[u8],
        data: &mut Vec<u8>,
    ) -> Result<u16, OwnerError> {
        let response = self
            .transmit(apdu)
            .map_err(|reason| OwnerError::NoContact { command, reason })?;
        let (part, status) = response
            .split_last_chunk::<2>()
            .ok_or(OwnerError::Malformed(command))?;
        data.extend_from_slice(part);
        Ok(u16::from_be_bytes(*status))
    }
}
