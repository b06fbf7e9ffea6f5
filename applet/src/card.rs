//! A card with the payment application alone: the reference card.

use crate::application::Tillcard;
use crate::configuration::Configuration;
use apdu_app::Interface;
use embedded_storage::nor_flash::NorFlash;
use heapless::Vec;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::Certificate;

/// The answer to reset (`docs/protocol.md`, section 2.1).
///
/// `[FRM-1]`: it is the same for every card.
pub const ATR: [u8; 18] = {
    let mut atr = *b"\x3B\x8E\x01\x80\x73\xC0\x01\x40\x58Tillcard\x00";
    let mut at = 1;
    while at < atr.len() - 1 {
        atr[atr.len() - 1] ^= atr[at];
        at += 1;
    }
    atr
};

/// Bytes that protection adds to an answer at most: padding and a MAC.
const PROTECTION_MAX: usize = 16 + 8;
/// Bytes of a payment with sixteen inputs and two outputs.
const PAYMENT_MAX: usize = 10 + 41 * 16 + 2 * 43 + 2 + 66 * 16;
/// Bytes of two certificates.
const CERTIFICATES_MAX: usize = 2 * Certificate::PIECES as usize * Certificate::PIECE_MAX;
/// Bytes of the longest answer without its status word: certificates in a channel.
pub const ANSWER_MAX: usize = CERTIFICATES_MAX + PROTECTION_MAX;
const _: () = assert!(PAYMENT_MAX <= CERTIFICATES_MAX);
/// Bytes of the longest response APDU.
pub const RESPONSE_MAX: usize = ANSWER_MAX + 2;

/// A response APDU.
pub type Response = Vec<u8, RESPONSE_MAX>;

/// A contact card with power: command APDUs in, response APDUs out.
pub struct Card<N, R> {
    card: tillcard_runtime::Card<(Tillcard<N, R>,), ANSWER_MAX>,
}

impl<N: NorFlash, R: TryCryptoRng> Card<N, R> {
    /// Gives power to a card with this NVM and random generator. With an NVM that can't be read, is
    /// damaged, or was written by another version, the card answers `6581`.
    pub fn new(nvm: N, rng: R, configuration: Configuration) -> Self {
        let application = Tillcard::new(nvm, rng, configuration);
        Self {
            card: tillcard_runtime::Card::new((application,)),
        }
    }

    /// Permits other networks from now on; a card that was issued stays what it is.
    pub fn configure(&mut self, configuration: Configuration) {
        self.card.applications_mut().0.configure(configuration);
    }

    /// The answer to reset.
    pub fn atr(&self) -> &'static [u8] {
        &ATR
    }

    /// Takes the power away and gives it back: everything volatile is forgotten.
    pub fn reset(&mut self) {
        self.card.reset();
    }

    /// Answers one command APDU.
    pub fn transmit(&mut self, command: &[u8], response: &mut Response) {
        self.card.transmit(Interface::Contact, command, response);
    }

    /// The NVM.
    pub fn nvm(&self) -> &N {
        self.card.applications().0.nvm()
    }

    /// The NVM.
    pub fn nvm_mut(&mut self) -> &mut N {
        self.card.applications_mut().0.nvm_mut()
    }

    /// Takes the power away for good and keeps the NVM.
    pub fn into_nvm(self) -> N {
        self.card.into_applications().0.into_nvm()
    }
}
