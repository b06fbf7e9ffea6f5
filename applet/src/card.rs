//! The card: framing, secure messaging, dispatcher, applications.

use crate::application::Tillcard;
use crate::configuration::Configuration;
use crate::dispatch::Dispatcher;
use crate::framing::{Framing, Response};
use crate::messaging;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;

/// The answer to reset (`docs/protocol.md`, section 2.1).
pub const ATR: [u8; 18] = {
    let mut atr = *b"\x3B\x8E\x01\x80\x73\xC0\x01\x40\x58Tillcard\x00";
    let mut at = 1;
    while at < atr.len() - 1 {
        atr[atr.len() - 1] ^= atr[at];
        at += 1;
    }
    atr
};

/// A card with power: command APDUs in, response APDUs out.
pub struct Card<N, R> {
    framing: Framing,
    dispatcher: Dispatcher,
    tillcard: Tillcard<N, R>,
}

impl<N: NorFlash, R: TryCryptoRng> Card<N, R> {
    /// Gives power to a card with this NVM and random generator. With an NVM
    /// that can't be read, is damaged, or was written by another version, the
    /// card answers `6581`.
    pub fn new(nvm: N, rng: R, configuration: Configuration) -> Self {
        Self {
            framing: Framing::default(),
            dispatcher: Dispatcher::default(),
            tillcard: Tillcard::new(nvm, rng, configuration),
        }
    }

    /// Has other networks permitted from now on; a card that was issued stays what it is.
    pub fn configure(&mut self, configuration: Configuration) {
        self.tillcard.configure(configuration);
    }

    /// The answer to reset.
    pub fn atr(&self) -> &'static [u8] {
        &ATR
    }

    /// Takes the power away and gives it back: everything volatile is forgotten.
    pub fn reset(&mut self) {
        self.framing = Framing::default();
        self.dispatcher = Dispatcher::default();
        self.tillcard.reset();
    }

    /// Answers one command APDU.
    pub fn transmit(&mut self, command: &[u8], response: &mut Response) {
        match Framing::decode(command) {
            Ok(command) if Framing::is_get_response(&command) => {
                self.framing.get_response(&command, response);
            }
            decoded => {
                let expected = decoded.map_or(0, |command| command.expected());
                let reply = self.framing.begin();
                let done = decoded
                    .and_then(messaging::require_class)
                    .and_then(|command| {
                        self.dispatcher
                            .call(&mut [&mut self.tillcard], command, reply)
                    });
                self.framing.answer(done, expected, response);
            }
        }
    }

    /// The NVM.
    pub fn nvm(&self) -> &N {
        self.tillcard.nvm()
    }

    /// The NVM.
    pub fn nvm_mut(&mut self) -> &mut N {
        self.tillcard.nvm_mut()
    }

    /// Takes the power away for good and keeps the NVM.
    pub fn into_nvm(self) -> N {
        self.tillcard.into_nvm()
    }
}
