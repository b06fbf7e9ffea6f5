//! The other side of the link: what vpcd's driver does, in a test's hands.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use super::DEADLINE;

/// Control bytes of the link.
pub const POWER_OFF: u8 = 0;
pub const POWER_ON: u8 = 1;
pub const RESET: u8 = 2;
pub const GET_ATR: u8 = 4;

/// A virtual reader with one slot on a port of its own.
pub struct Driver {
    listener: TcpListener,
}

impl Driver {
    pub fn new() -> Self {
        Self {
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
        }
    }

    pub fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Takes the next card that connects.
    pub fn accept(&self) -> Card {
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Card { stream }
    }

    /// Takes the next card, gives it power and reads its ATR, as pcscd does on insertion.
    pub fn insert(&self) -> Card {
        let mut card = self.accept();
        card.control(POWER_ON);
        card.atr();
        card
    }
}

/// A card's connection as the driver sees it.
pub struct Card {
    stream: TcpStream,
}

impl Card {
    /// Sends a frame in two writes, as the driver does.
    pub fn send_frame(&mut self, payload: &[u8]) -> io::Result<()> {
        let length = u16::try_from(payload.len()).unwrap();
        self.stream.write_all(&length.to_be_bytes())?;
        self.stream.write_all(payload)
    }

    /// Sends these bytes, whatever frame they are a part of.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 2];
        self.stream.read_exact(&mut length)?;
        let mut payload = vec![0; usize::from(u16::from_be_bytes(length))];
        self.stream.read_exact(&mut payload)?;
        Ok(payload)
    }

    pub fn control(&mut self, byte: u8) {
        self.send_frame(&[byte]).unwrap();
    }

    pub fn atr(&mut self) -> Vec<u8> {
        self.control(GET_ATR);
        self.receive().unwrap()
    }

    pub fn try_transmit(&mut self, command: &[u8]) -> io::Result<Vec<u8>> {
        self.send_frame(command)?;
        self.receive()
    }

    pub fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        self.try_transmit(command).unwrap()
    }

    /// Waits for the first byte of an answer.
    pub fn wait_for_answer(&mut self) {
        assert_eq!(self.stream.peek(&mut [0]).unwrap(), 1);
    }

    /// Whether a whole answer came before the card left.
    pub fn answered(&mut self) -> bool {
        self.receive().is_ok()
    }

    /// Reads until the card closes the connection; returns what came before.
    pub fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => rest,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => rest,
            Err(error) => panic!("the card doesn't leave: {error}"),
        }
    }
}
