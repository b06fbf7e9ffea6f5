//! Writing to the log.

use tracing::debug;

use crate::redacted::{RedactedAnswer, RedactedCommand};
use crate::slot::{CardInSlot, Layer, SlotError};

/// Writes to the log what happens to a card, APDUs without their data fields.
pub struct Traced<C> {
    card: C,
}

impl<C: CardInSlot> Traced<C> {
    /// Writes at the debug level, through the `tracing` crate.
    pub fn new(card: C) -> Self {
        Self { card }
    }
}

impl<C: CardInSlot> Layer for Traced<C> {
    type Inner = C;

    fn inner(&self) -> &C {
        &self.card
    }

    fn inner_mut(&mut self) -> &mut C {
        &mut self.card
    }

    fn on_power_on(&mut self) -> Result<(), SlotError> {
        let done = self.card.power_on();
        debug!(done = done.is_ok(), "power on");
        done
    }

    fn on_power_off(&mut self) {
        self.card.power_off();
        debug!("power off");
    }

    fn on_warm_reset(&mut self) -> Result<(), SlotError> {
        let done = self.card.warm_reset();
        debug!(done = done.is_ok(), "warm reset");
        done
    }

    fn on_transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        let answer = self.card.transmit(command);
        match &answer {
            Ok(answer) => debug!(
                command = %RedactedCommand::new(command),
                answer = %RedactedAnswer::new(answer),
            ),
            Err(error) => debug!(
                command = %RedactedCommand::new(command),
                error = error.code(),
            ),
        }
        answer
    }
}
