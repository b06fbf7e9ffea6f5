//! A card that is given to whoever asks for one.

use std::cell::RefCell;
use std::rc::Rc;
use tillcard_conform::card_under_test::{EmulatorTarget, Fault, Link, Reset, Target};
use tillcard_conform::failure::Failure;

/// The one card of a target, which stays there from run to run, and whose memory can be looked at.
#[derive(Clone)]
pub struct OneCard(pub Rc<RefCell<Box<dyn Link>>>);

impl OneCard {
    /// A card that was never issued.
    pub fn fresh() -> Self {
        let card = EmulatorTarget
            .fresh_card(1)
            .expect("the emulator has cards");
        Self(Rc::new(RefCell::new(card)))
    }
}

impl Target for OneCard {
    fn name(&self) -> String {
        "one card".to_owned()
    }

    fn fresh_card(&mut self, _: u64) -> Result<Box<dyn Link>, Failure> {
        Ok(Box::new(self.clone()))
    }
}

impl Link for OneCard {
    fn atr(&self) -> Vec<u8> {
        self.0.borrow().atr()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Failure> {
        self.0.borrow_mut().transmit(command)
    }

    fn reset(&mut self, how: Reset) -> Result<(), Failure> {
        self.0.borrow_mut().reset(how)
    }

    fn inject(&mut self, fault: &Fault) -> Result<bool, Failure> {
        self.0.borrow_mut().inject(fault)
    }
}
