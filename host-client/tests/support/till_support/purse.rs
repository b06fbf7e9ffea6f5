//! A card that is put in again and again, and what goes wrong on its way.

use std::cell::RefCell;
use std::rc::Rc;

use tillcard_client::transport::{Transport, TransportError};
use tillcard_emu::card::EmulatedCard;
use tillcard_emu::seed::Seed;
use tillcard_runtime::nvm::RamNvm;

use crate::in_process::InProcess;

/// A card that is put into the reader again and again, and may be pulled out or lie.
#[derive(Clone)]
pub(crate) struct Purse(Rc<RefCell<Held>>);

struct Held {
    card: InProcess<EmulatedCard<RamNvm>>,
    commands: Vec<[u8; 2]>,
    mischief: Option<Mischief>,
}

/// What goes wrong with a card, once.
pub(crate) enum Mischief {
    /// It is pulled out when this command comes.
    Removed([u8; 2]),
    /// It does what this command says, and its answer is lost with this error.
    Lost([u8; 2], TransportError),
    /// The last byte but one of a signature in the answer to PAY is another.
    Forged,
    /// It does what this command says, and its answer is replaced by a bare status word.
    Replaced([u8; 2], u16),
    /// This command never comes to it, and is answered by a bare status word.
    KeptBack([u8; 2], u16),
    /// As `Replaced`, of PAY and of all later questions about it, until something else is expected.
    Denied(u16),
}

pub(crate) const VERIFY: [u8; 2] = [0x00, 0x20];
pub(crate) const PREVIEW: [u8; 2] = [0x80, 0x32];
pub(crate) const PAY: [u8; 2] = [0x80, 0x30];
pub(crate) const REPORT_ABSENT: [u8; 2] = [0x80, 0x34];
pub(crate) const PAYMENT_STATE: [u8; 2] = [0x80, 0x38];
/// VERIFY without data: how many entries are left?
pub(crate) const QUERY_TRIES: [u8; 2] = [0xFF, 0x20];

impl Purse {
    pub(super) fn fresh(seed: u64, certified: bool) -> Self {
        let seed = Seed::Number(seed);
        let card = match certified {
            true => EmulatedCard::ephemeral(seed).expect("a personalised card"),
            false => EmulatedCard::ephemeral_blank(seed).expect("a seeded card"),
        };
        Self(Rc::new(RefCell::new(Held {
            card: InProcess::connect(card),
            commands: Vec::new(),
            mischief: None,
        })))
    }

    pub(crate) fn expect(&self, mischief: Mischief) {
        self.0.borrow_mut().mischief = Some(mischief);
    }

    /// Nothing goes wrong any more.
    pub(crate) fn expect_nothing(&self) {
        self.0.borrow_mut().mischief = None;
    }

    /// How often a command was sent.
    pub(crate) fn count(&self, command: [u8; 2]) -> usize {
        let held = self.0.borrow();
        held.commands
            .iter()
            .filter(|sent| **sent == command)
            .count()
    }
}

impl Transport for Purse {
    fn atr(&self) -> &[u8] {
        &tillcard_applet::ATR
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut held = self.0.borrow_mut();
        // As the card reads it, in a channel or not.
        let mut name = [command[0] & !0x04, command[1]];
        // Without data, but for the MAC.
        if name == VERIFY && command.get(4).is_none_or(|lc| matches!(lc, 0 | 8)) {
            name = QUERY_TRIES;
        }
        held.commands.push(name);
        match held.mischief.take() {
            Some(Mischief::Removed(at)) if at == name => {
                held.card.reset()?;
                return Err(TransportError::CardRemoved);
            }
            Some(Mischief::Lost(at, error)) if at == name => {
                held.card.transmit(command)?;
                held.card.power_cut()?;
                return Err(error);
            }
            Some(Mischief::Forged) if name == PAY => {
                let mut answer = held.card.transmit(command)?;
                // Before SW1 SW2 and the lock time, the last witness ends.
                let at = answer.len() - 2 - 4 - 1;
                answer[at] ^= 1;
                return Ok(answer);
            }
            Some(Mischief::Replaced(at, status)) if at == name => {
                held.card.transmit(command)?;
                return Ok(status.to_be_bytes().to_vec());
            }
            Some(Mischief::KeptBack(at, status)) if at == name => {
                return Ok(status.to_be_bytes().to_vec());
            }
            Some(Mischief::Denied(status)) if [PAY, PAYMENT_STATE].contains(&name) => {
                held.card.transmit(command)?;
                held.mischief = Some(Mischief::Denied(status));
                return Ok(status.to_be_bytes().to_vec());
            }
            later => held.mischief = later,
        }
        held.card.transmit(command)
    }

    fn apdus(&self) -> u64 {
        self.0.borrow().commands.len() as u64
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.borrow_mut().card.reset()
    }

    fn power_cut(&mut self) -> Result<(), TransportError> {
        self.0.borrow_mut().card.power_cut()
    }

    fn disconnect(mut self) -> Result<(), TransportError> {
        self.reset()
    }
}
