//! A client of pcscd's protocol that sees every byte: what a program's PC/SC library does.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::DEADLINE;

pub const SHARED: u32 = 2;
pub const EXCLUSIVE: u32 = 1;
pub const LEAVE: u32 = 0;
pub const RESET: u32 = 1;
pub const T1: u32 = 2;

/// What a reader's entry in the array of states has.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    pub name: String,
    pub events: u32,
    pub state: u32,
    pub sharing: i32,
    pub atr: Vec<u8>,
}

pub struct PcscClient {
    stream: UnixStream,
    pub context: u32,
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[4 * at..4 * at + 4].try_into().unwrap())
}

impl PcscClient {
    /// A client of this minor version, with a context.
    pub fn new(path: &Path, minor: u32) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut client = Self { stream, context: 0 };
        assert_eq!(client.ask(0x11, &[4, minor, 0], 3), [4, minor, 0]);
        let established = client.ask(0x01, &[2, 0, 0], 3);
        assert_eq!(established[2], 0);
        client.context = established[1];
        client
    }

    /// One that says nothing of itself.
    pub fn silent(path: &Path) -> UnixStream {
        UnixStream::connect(path).unwrap()
    }

    pub fn send(&mut self, command: u32, body: &[u8]) {
        let header = [body.len() as u32, command].map(u32::to_ne_bytes).concat();
        self.stream.write_all(&header).unwrap();
        self.stream.write_all(body).unwrap();
    }

    pub fn receive(&mut self, length: usize) -> Vec<u8> {
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).unwrap();
        answer
    }

    /// Sends numbers, and receives so many.
    fn ask(&mut self, command: u32, body: &[u32], answer: usize) -> Vec<u32> {
        let body: Vec<u8> = body.iter().copied().flat_map(u32::to_ne_bytes).collect();
        self.send(command, &body);
        let answer = self.receive(4 * answer);
        (answer.chunks(4))
            .map(|number| u32::from_ne_bytes(number.try_into().unwrap()))
            .collect()
    }

    /// A connection, or an error's number.
    pub fn connect(&mut self, reader: &str, mode: u32) -> Result<u32, u32> {
        let mut body = self.context.to_ne_bytes().to_vec();
        let mut name = [0; 128];
        name[..reader.len()].copy_from_slice(reader.as_bytes());
        body.extend(name);
        body.extend([mode, 3, 0, 0, 0].map(u32::to_ne_bytes).concat());
        self.send(0x04, &body);
        let answer = self.receive(152);
        let [.., card, protocol, code] = answer[132..]
            .chunks(4)
            .map(|n| number(n, 0))
            .collect::<Vec<_>>()[..]
        else {
            panic!("too short");
        };
        match code {
            0 => {
                assert_eq!(protocol, T1);
                Ok(card)
            }
            code => Err(code),
        }
    }

    pub fn reconnect(&mut self, card: u32, mode: u32, initialization: u32) -> u32 {
        self.ask(0x05, &[card, mode, 3, initialization, 0, 0], 6)[5]
    }

    pub fn disconnect(&mut self, card: u32, disposition: u32) -> u32 {
        self.ask(0x06, &[card, disposition, 0], 3)[2]
    }

    pub fn begin(&mut self, card: u32) -> u32 {
        self.ask(0x07, &[card, 0], 2)[1]
    }

    pub fn end(&mut self, card: u32) -> u32 {
        self.ask(0x08, &[card, LEAVE, 0], 3)[2]
    }

    pub fn status(&mut self, card: u32) -> u32 {
        self.ask(0x0B, &[card, 0], 2)[1]
    }

    pub fn cancel(&mut self, context: u32) -> u32 {
        self.ask(0x0D, &[context, 0], 2)[1]
    }

    /// The answer to a command APDU, or an error's number.
    pub fn transmit(&mut self, card: u32, apdu: &[u8]) -> Result<Vec<u8>, u32> {
        self.transmit_with_room(card, apdu, 65_548)
    }

    pub fn transmit_with_room(
        &mut self,
        card: u32,
        apdu: &[u8],
        room: u32,
    ) -> Result<Vec<u8>, u32> {
        self.send_command(card, apdu, room);
        self.answer()
    }

    /// Sends a command without waiting for its answer.
    pub fn send_command(&mut self, card: u32, apdu: &[u8], room: u32) {
        let body = [card, T1, 16, apdu.len() as u32, T1, 16, room, 0];
        self.send(0x09, &body.map(u32::to_ne_bytes).concat());
        self.stream.write_all(apdu).unwrap();
    }

    pub fn answer(&mut self) -> Result<Vec<u8>, u32> {
        let answer = self.receive(32);
        match number(&answer, 7) {
            0 => Ok(self.receive(number(&answer, 6) as usize)),
            code => Err(code),
        }
    }

    /// What the reader answers to a control code, or an error's number.
    pub fn control(&mut self, card: u32, code: u32, data: &[u8]) -> Result<Vec<u8>, u32> {
        let body = [card, code, data.len() as u32, 264, 0, 0];
        self.send(0x0A, &body.map(u32::to_ne_bytes).concat());
        self.stream.write_all(data).unwrap();
        let answer = self.receive(24);
        match number(&answer, 5) {
            0 => Ok(self.receive(number(&answer, 4) as usize)),
            code => Err(code),
        }
    }

    /// What an attribute is, or an error's number.
    pub fn attribute(&mut self, card: u32, attribute: u32) -> Result<Vec<u8>, u32> {
        let mut body = [card, attribute].map(u32::to_ne_bytes).concat();
        body.extend([0; 264]);
        body.extend([264, 0].map(u32::to_ne_bytes).concat());
        self.send(0x0F, &body);
        let answer = self.receive(280);
        match number(&answer, 69) {
            0 => Ok(answer[8..8 + number(&answer, 68) as usize].to_vec()),
            code => Err(code),
        }
    }

    /// The array of states, 16 readers long.
    pub fn states(&mut self) -> Vec<Seen> {
        self.send(0x12, &[]);
        self.array(16)
    }

    pub fn array(&mut self, readers: usize) -> Vec<Seen> {
        let bytes = self.receive(184 * readers);
        let named = bytes.chunks(184).filter(|state| state[0] != 0);
        named.map(seen).collect()
    }

    /// Asks for the next change; what is there now, for clients before 4:6.
    pub fn wait(&mut self) -> Vec<Seen> {
        self.send(0x13, &[]);
        self.array(16)
    }

    /// The event that ends a wait: 0, or why it was given up.
    pub fn event(&mut self) -> u32 {
        number(&self.receive(8), 1)
    }

    pub fn stop_waiting(&mut self) {
        self.send(0x14, &[]);
    }

    /// Whether nothing comes for a moment.
    pub fn is_quiet(&mut self) -> bool {
        let moment = Duration::from_millis(50);
        self.stream.set_read_timeout(Some(moment)).unwrap();
        let read = self.stream.read(&mut [0]);
        self.stream.set_read_timeout(Some(DEADLINE)).unwrap();
        read.is_err()
    }

    /// Whether the service has ended the connection.
    pub fn is_cut_off(&mut self) -> bool {
        matches!(self.stream.read(&mut [0]), Ok(0) | Err(_))
    }
}

fn seen(bytes: &[u8]) -> Seen {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap();
    let atr_length = number(bytes, 44) as usize;
    Seen {
        name: String::from_utf8(bytes[..end].to_vec()).unwrap(),
        events: number(bytes, 32),
        state: number(bytes, 33),
        sharing: number(bytes, 34) as i32,
        atr: bytes[140..140 + atr_length].to_vec(),
    }
}
