//! Who stands at the counter: a hand that puts cards in, fingers that type.

use std::collections::VecDeque;

use tillcard::till::{CardSource, PinError, PinSource};
use tillcard_client::Untrusted;
use tillcard_client::card::PinBlock;
use tillcard_client::transport::TransportError;

use super::Purse;

/// Gives these cards one after another as the till waits for them, and the last again and again.
pub(crate) struct Hand(pub(super) VecDeque<Purse>);

impl CardSource for Hand {
    type Card = Purse;

    fn wait(&mut self, _: &mut dyn FnMut(&TransportError)) -> Result<Purse, TransportError> {
        let next = self.0.pop_front().expect("a card");
        if self.0.is_empty() {
            self.0.push_back(next.clone());
        }
        Ok(next)
    }

    fn reader(_: &Purse) -> Untrusted {
        "test reader".into()
    }
}

/// Types what it is told, then gives up.
pub(crate) struct Fingers(pub(super) VecDeque<&'static str>);

impl PinSource for Fingers {
    fn ask(&mut self, _: &str) -> Result<PinBlock, PinError> {
        let typed = self.0.pop_front().ok_or(PinError::None)?;
        PinBlock::from_digits(typed.as_bytes()).ok_or(PinError::NotAPin)
    }
}
