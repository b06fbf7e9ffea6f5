//! Whatever takes command APDUs.

use std::io;

use tillcard_emu::CardInSlot;
use tillcard_protocol::command::Apdu;

use super::driver;

/// An answer without its status word, and the status word.
pub type Answer = (Vec<u8>, u16);

pub trait Contacts {
    /// One command APDU for one response APDU.
    fn exchange(&mut self, command: &[u8]) -> io::Result<Vec<u8>>;

    /// Sends a command, collects what `61xx` announces, and gives the whole answer.
    fn try_send(&mut self, command: &Apdu) -> io::Result<Answer> {
        let mut data = Vec::new();
        let mut response = self.exchange(command.as_bytes())?;
        loop {
            let status = response.split_off(response.len() - 2);
            data.append(&mut response);
            match [status[0], status[1]] {
                [0x61, left] => response = self.exchange(&[0x00, 0xC0, 0x00, 0x00, left])?,
                status => return Ok((data, u16::from_be_bytes(status))),
            }
        }
    }

    fn send(&mut self, command: &Apdu) -> Answer {
        self.try_send(command).unwrap()
    }

    /// Sends a command that must succeed.
    fn done(&mut self, command: &Apdu) -> Vec<u8> {
        let (data, status) = self.send(command);
        assert_eq!(status, 0x9000, "{status:04X}");
        data
    }
}

impl Contacts for driver::Card {
    fn exchange(&mut self, command: &[u8]) -> io::Result<Vec<u8>> {
        self.try_transmit(command)
    }
}

impl<C: CardInSlot> Contacts for C {
    fn exchange(&mut self, command: &[u8]) -> io::Result<Vec<u8>> {
        self.transmit(command)
            .map(<[u8]>::to_vec)
            .map_err(io::Error::other)
    }
}

/// A card in process that has power.
pub fn powered<C: CardInSlot>(mut card: C) -> C {
    card.power_on().unwrap();
    card
}
