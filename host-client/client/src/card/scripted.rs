//! A transport for tests: something that answers stands at its other end, and what was sent is noted.

use std::collections::VecDeque;

use crate::transport::{Transport, TransportError};

/// Who answers commands.
pub(super) trait Answers {
    fn answer(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError>;
}

/// The next of these answers; then the card has left.
impl Answers for VecDeque<Vec<u8>> {
    fn answer(&mut self, _: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.pop_front().ok_or(TransportError::CardRemoved)
    }
}

pub(super) struct Scripted<A> {
    pub(super) answers: A,
    /// All that was sent.
    pub(super) commands: Vec<Vec<u8>>,
}

impl<A: Answers> Scripted<A> {
    pub(super) fn by(answers: A) -> Self {
        let commands = Vec::new();
        Self { answers, commands }
    }
}

impl<A: Answers> Transport for Scripted<A> {
    fn atr(&self) -> &[u8] {
        &[0x3B, 0x00]
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.commands.push(command.to_vec());
        self.answers.answer(command)
    }

    fn apdus(&self) -> u64 {
        self.commands.len() as u64
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn power_cut(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn disconnect(self) -> Result<(), TransportError> {
        Ok(())
    }
}
