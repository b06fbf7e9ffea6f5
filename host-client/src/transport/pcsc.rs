//! A card in a PC/SC reader.

use std::ffi::CStr;

use pcsc::{Card, Context, Disposition, Protocols, ShareMode};

use super::{Transport, TransportError};

/// The longest response APDU: 65,536 bytes of data and a status word.
const RESPONSE_MAX: usize = 65_536 + 2;

/// A card in a PC/SC reader, held exclusively: a session that a PIN has opened must not be anybody
/// else's. Letting it go resets the card for the same reason.
pub struct Pcsc {
    card: Card,
    reader: String,
    atr: Vec<u8>,
    response: Vec<u8>,
    apdus: u64,
}

impl Pcsc {
    /// Connects to whatever card is in `reader`. [`super::Readers`] finds readers.
    ///
    /// # Errors
    /// [`TransportError::NoCard`] and [`TransportError::InUse`], besides the service's own.
    pub(super) fn connect(context: &Context, reader: &CStr) -> Result<Self, TransportError> {
        let name = reader.to_string_lossy().into_owned();
        let failed = |error| TransportError::from_pcsc(error, &name);
        let card = context
            .connect(reader, ShareMode::Exclusive, Protocols::ANY)
            .map_err(failed)?;
        let atr = read_atr(&card).map_err(failed)?;
        Ok(Self {
            card,
            reader: name,
            atr,
            response: vec![0; RESPONSE_MAX],
            apdus: 0,
        })
    }

    /// The reader's name, as the PC/SC service knows it.
    pub fn reader(&self) -> &str {
        &self.reader
    }

    /// Lets a card that isn't ours go as it is: whoever left it so may count on that.
    pub(super) fn leave(self) {
        // It fails only when the card or the service is gone, and then there is nothing to leave.
        let _ = self.card.disconnect(Disposition::LeaveCard);
    }

    fn reconnect(&mut self, initialization: Disposition) -> Result<(), TransportError> {
        let failed = |error| TransportError::from_pcsc(error, &self.reader);
        self.card
            .reconnect(ShareMode::Exclusive, Protocols::ANY, initialization)
            .map_err(failed)?;
        self.atr = read_atr(&self.card).map_err(failed)?;
        Ok(())
    }
}

fn read_atr(card: &Card) -> Result<Vec<u8>, pcsc::Error> {
    Ok(card.status2_owned()?.atr().to_vec())
}

impl Transport for Pcsc {
    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.apdus += 1;
        let response =
            self.card
                .transmit(command, &mut self.response)
                .map_err(|error| match error {
                    // The card was there when we connected, so it went since.
                    pcsc::Error::NoSmartcard | pcsc::Error::UnpoweredCard => {
                        TransportError::CardRemoved
                    }
                    other => TransportError::from_pcsc(other, &self.reader),
                })?;
        // A virtual reader whose card dies in mid-command reports success and no bytes.
        if response.len() < 2 {
            return Err(TransportError::CardRemoved);
        }
        Ok(response.to_vec())
    }

    fn apdus(&self) -> u64 {
        self.apdus
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.reconnect(Disposition::ResetCard)
    }

    fn power_cut(&mut self) -> Result<(), TransportError> {
        self.reconnect(Disposition::UnpowerCard)
    }

    fn disconnect(self) -> Result<(), TransportError> {
        self.card
            .disconnect(Disposition::ResetCard)
            .map_err(|(_, error)| TransportError::from_pcsc(error, &self.reader))
    }
}
