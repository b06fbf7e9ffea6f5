//! A card in a PC/SC reader.

use std::ffi::CStr;
use std::time::Duration;

use pcsc::{Card, Context, Disposition, Protocols, ShareMode};

use super::readers::wait_for_removal;
use super::{Transport, TransportError};
use crate::Untrusted;

/// The longest response APDU: 65,536 bytes of data and a status word.
const RESPONSE_MAX: usize = 65_536 + 2;

/// Time within which the service notices that a card is gone: pcscd looks about twice a second.
const NOTICE: Duration = Duration::from_secs(2);

/// A card in a PC/SC reader, held exclusively: a session that a PIN has opened must not be anybody
/// else's. Letting it go resets the card for the same reason.
pub struct Pcsc {
    /// None when it was let go.
    card: Option<Card>,
    context: Context,
    reader: Untrusted,
    atr: Vec<u8>,
    response: Vec<u8>,
    apdus: u64,
    /// Whether the card fell silent in mid-command, and the service may not know why.
    silent: bool,
}

impl Pcsc {
    /// Connects to whatever card is in `reader`. [`super::Readers`] finds readers.
    ///
    /// # Errors
    /// [`TransportError::NoCard`] and [`TransportError::InUse`], besides the service's own.
    pub(super) fn connect(context: &Context, reader: &CStr) -> Result<Self, TransportError> {
        let name = Untrusted::from(reader.to_string_lossy().as_ref());
        let failed = |error| TransportError::from_pcsc(error, name.as_given());
        let card = context
            .connect(reader, ShareMode::Exclusive, Protocols::ANY)
            .map_err(failed)?;
        let atr = read_atr(&card).map_err(failed)?;
        tracing::debug!(reader = %name, "card connected");
        Ok(Self {
            card: Some(card),
            context: context.clone(),
            reader: name,
            atr,
            response: vec![0; RESPONSE_MAX],
            apdus: 0,
            silent: false,
        })
    }

    /// The reader's name, as the PC/SC service knows it.
    pub fn reader(&self) -> &Untrusted {
        &self.reader
    }

    /// Lets a card that isn't ours go as it is: whoever left it so may count on that.
    pub(super) fn leave(mut self) {
        // It fails only when the card or the service is gone, and then there is nothing to leave.
        let _ = self.let_go(Disposition::LeaveCard);
    }

    fn reconnect(&mut self, initialization: Disposition) -> Result<(), TransportError> {
        let card = self.card.as_mut().ok_or(TransportError::CardRemoved)?;
        let failed = |error| TransportError::from_pcsc(error, self.reader.as_given());
        card.reconnect(ShareMode::Exclusive, Protocols::ANY, initialization)
            .map_err(failed)?;
        self.atr = read_atr(card).map_err(failed)?;
        Ok(())
    }

    /// Resets the card and lets it go.
    ///
    /// A reset that fails makes pcscd (1.9.9) call the slot empty, but the part of it that looks for
    /// cards hears nothing of that: a card that is back before it looks again is the one that it
    /// knows already, and nobody ever sees it. So a card that fell silent is reset only when it
    /// hasn't gone, or has come back.
    fn end(&mut self) -> Result<(), TransportError> {
        if self.silent
            && wait_for_removal(&self.context, self.reader.as_given(), Some(NOTICE)).is_ok()
        {
            self.let_go(Disposition::LeaveCard)?;
            return Err(TransportError::CardRemoved);
        }
        self.let_go(Disposition::ResetCard)
    }

    fn let_go(&mut self, disposition: Disposition) -> Result<(), TransportError> {
        match self.card.take() {
            Some(card) => card
                .disconnect(disposition)
                .map_err(|(_, error)| TransportError::from_pcsc(error, self.reader.as_given())),
            None => Ok(()),
        }
    }
}

impl Drop for Pcsc {
    fn drop(&mut self) {
        if self.card.is_some() {
            // There is nobody to tell.
            let _ = self.end();
        }
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
        let card = self.card.as_ref().ok_or(TransportError::CardRemoved)?;
        self.apdus += 1;
        let answer = card.transmit(command, &mut self.response);
        // A virtual reader whose card dies in mid-command reports success and no bytes.
        self.silent = match &answer {
            Ok(response) => response.len() < 2,
            Err(error) => matches!(error, pcsc::Error::NotTransacted | pcsc::Error::CommError),
        };
        match answer {
            Ok(response) if response.len() >= 2 => Ok(response.to_vec()),
            // The card was there when we connected, so it went since.
            Ok(_) | Err(pcsc::Error::NoSmartcard | pcsc::Error::UnpoweredCard) => {
                Err(TransportError::CardRemoved)
            }
            Err(error) => Err(TransportError::from_pcsc(error, self.reader.as_given())),
        }
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

    fn disconnect(mut self) -> Result<(), TransportError> {
        self.end()
    }
}
