//! A card with somebody between it and its reader.

use std::cell::RefCell;
use std::rc::Rc;

use tillcard_client::transport::{Transport, TransportError};

use super::TestCard;

/// Somebody who hears what is sent to a card, and says what comes back.
pub trait Middle {
    /// The answer to a command, whether or not the card got it.
    fn answer(&mut self, card: &mut TestCard, command: &[u8]) -> Result<Vec<u8>, TransportError>;
}

/// A card behind somebody. Its clones are the same card: several sessions, one after the other, are
/// held with it.
pub struct Between<M> {
    pub card: Rc<RefCell<TestCard>>,
    pub middle: Rc<RefCell<M>>,
}

impl<M> Between<M> {
    pub fn new(card: TestCard, middle: M) -> Self {
        Self::before(&Rc::new(RefCell::new(card)), middle)
    }

    /// Before a card that is held elsewhere too.
    pub fn before(card: &Rc<RefCell<TestCard>>, middle: M) -> Self {
        Self {
            card: Rc::clone(card),
            middle: Rc::new(RefCell::new(middle)),
        }
    }
}

impl<M> Clone for Between<M> {
    fn clone(&self) -> Self {
        Self {
            card: Rc::clone(&self.card),
            middle: Rc::clone(&self.middle),
        }
    }
}

impl<M: Middle> Transport for Between<M> {
    fn atr(&self) -> &[u8] {
        &tillcard_applet::ATR
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut card = self.card.borrow_mut();
        self.middle.borrow_mut().answer(&mut card, command)
    }

    fn apdus(&self) -> u64 {
        self.card.borrow().apdus()
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.card.borrow_mut().reset()
    }

    fn power_cut(&mut self) -> Result<(), TransportError> {
        self.card.borrow_mut().power_cut()
    }

    fn disconnect(self) -> Result<(), TransportError> {
        Ok(())
    }
}
