//! Messages of pcsc-lite's client protocol, versions 4:4 to 4:6 (`winscard_msg.h`).
//!
//! A request is a header, the body's size and the command (each `u32`), and the body: a C structure
//! of 32-bit numbers and byte arrays. The answer is the same structure, filled in, without a header.
//! Numbers have the machine's own byte order: both ends are on one machine.

use std::io::{self, ErrorKind, Read};

use zeroize::Zeroizing;

use super::codes::ReturnCode;

/// Bytes of a reader's name, the zero at its end included.
pub(super) const NAME_LENGTH: usize = 128;
/// Bytes of the longest answer to reset.
pub(super) const ATR_LENGTH: usize = 33;
/// Bytes of an attribute's value.
pub(super) const ATTRIBUTE_LENGTH: usize = 264;
/// Bytes of the longest command and of the longest answer: 65,536 and what stands around them.
pub(super) const APDU_LENGTH: usize = 65_548;

/// A client's request.
#[derive(Debug)]
pub(super) enum Request {
    Version {
        major: u32,
        minor: u32,
    },
    EstablishContext {
        scope: u32,
    },
    ReleaseContext {
        context: u32,
    },
    Connect {
        context: u32,
        reader: String,
        mode: u32,
        protocols: u32,
    },
    Reconnect {
        card: u32,
        mode: u32,
        protocols: u32,
        initialization: u32,
    },
    Disconnect {
        card: u32,
        disposition: u32,
    },
    BeginTransaction {
        card: u32,
    },
    EndTransaction {
        card: u32,
        disposition: u32,
    },
    Transmit {
        card: u32,
        /// The request's numbers that the answer repeats: protocol and length of the send PCI.
        send_pci: [u32; 2],
        /// Bytes that the client has room for.
        room: u32,
        command: Zeroizing<Vec<u8>>,
    },
    Control {
        card: u32,
        code: u32,
        /// Bytes that the client has room for.
        room: u32,
        data: Zeroizing<Vec<u8>>,
    },
    Status {
        card: u32,
    },
    Cancel {
        context: u32,
    },
    GetAttribute {
        card: u32,
        attribute: u32,
        room: u32,
    },
    SetAttribute {
        card: u32,
        attribute: u32,
    },
    ReaderStates,
    WaitForChange,
    StopWaiting,
    ReaderEvents,
    StateArraySize,
    StateArray,
}

/// Reads a body number by number.
struct Body(Vec<u8>, usize);

impl Body {
    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let bytes = (self.0.get(self.1..))
            .and_then(|rest| rest.first_chunk::<N>())
            .ok_or(ErrorKind::InvalidData)?;
        self.1 += N;
        Ok(*bytes)
    }

    fn number(&mut self) -> io::Result<u32> {
        self.bytes().map(u32::from_ne_bytes)
    }

    fn numbers<const N: usize>(&mut self) -> io::Result<[u32; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = self.number()?;
        }
        Ok(numbers)
    }

    /// Passes over what the request's form has for the answer.
    fn end(self, unused: usize) -> io::Result<()> {
        match self.0.len() == self.1 + unused {
            true => Ok(()),
            false => Err(ErrorKind::InvalidData.into()),
        }
    }
}

/// The longest body.
const BODY_LENGTH: usize = 280;

impl Request {
    /// Reads one request.
    ///
    /// # Errors
    /// When the client is gone, or sends what isn't a request: nothing can follow then.
    pub(super) fn read(mut stream: impl Read) -> io::Result<Self> {
        let mut number = [0; 4];
        stream.read_exact(&mut number)?;
        let size = u32::from_ne_bytes(number) as usize;
        stream.read_exact(&mut number)?;
        let command = u32::from_ne_bytes(number);
        if size > BODY_LENGTH {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut body = vec![0; size];
        stream.read_exact(&mut body)?;
        Self::parse(command, Body(body, 0), stream)
    }

    fn parse(command: u32, mut body: Body, stream: impl Read) -> io::Result<Self> {
        /// Bytes of one number that only the answer fills in.
        const RV: usize = 4;
        let (request, unused) = match command {
            0x01 => (
                Self::EstablishContext {
                    scope: body.number()?,
                },
                4 + RV,
            ),
            0x02 => {
                let context = body.number()?;
                (Self::ReleaseContext { context }, RV)
            }
            0x04 => {
                let context = body.number()?;
                let reader = text(&body.bytes::<NAME_LENGTH>()?);
                let [mode, protocols] = body.numbers()?;
                let request = Self::Connect {
                    context,
                    reader,
                    mode,
                    protocols,
                };
                (request, 8 + RV)
            }
            0x05 => {
                let [card, mode, protocols, initialization] = body.numbers()?;
                let request = Self::Reconnect {
                    card,
                    mode,
                    protocols,
                    initialization,
                };
                (request, 4 + RV)
            }
            0x06 => {
                let [card, disposition] = body.numbers()?;
                (Self::Disconnect { card, disposition }, RV)
            }
            0x07 => {
                let card = body.number()?;
                (Self::BeginTransaction { card }, RV)
            }
            0x08 => {
                let [card, disposition] = body.numbers()?;
                (Self::EndTransaction { card, disposition }, RV)
            }
            0x09 => {
                let [card, protocol, pci_length, length, _, _, room] = body.numbers()?;
                body.end(RV)?;
                return Ok(Self::Transmit {
                    card,
                    send_pci: [protocol, pci_length],
                    room,
                    command: read_data(stream, length)?,
                });
            }
            0x0A => {
                let [card, code, sent, room] = body.numbers()?;
                body.end(4 + RV)?;
                return Ok(Self::Control {
                    card,
                    code,
                    room,
                    data: read_data(stream, sent)?,
                });
            }
            0x0B => {
                let card = body.number()?;
                (Self::Status { card }, RV)
            }
            0x0D => {
                let context = body.number()?;
                (Self::Cancel { context }, RV)
            }
            0x0F | 0x10 => {
                let [card, attribute] = body.numbers()?;
                let _: [u8; ATTRIBUTE_LENGTH] = body.bytes()?;
                let room = body.number()?;
                let request = match command {
                    0x0F => Self::GetAttribute {
                        card,
                        attribute,
                        room,
                    },
                    _ => Self::SetAttribute { card, attribute },
                };
                (request, RV)
            }
            0x11 => {
                let [major, minor] = body.numbers()?;
                (Self::Version { major, minor }, RV)
            }
            0x12 => (Self::ReaderStates, 0),
            0x13 => (Self::WaitForChange, 0),
            0x14 => (Self::StopWaiting, 0),
            0x15 => (Self::ReaderEvents, 0),
            0x16 => (Self::StateArraySize, 0),
            0x17 => (Self::StateArray, 0),
            _ => return Err(ErrorKind::InvalidData.into()),
        };
        body.end(unused)?;
        Ok(request)
    }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0);
    String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned()
}

/// What follows a body.
fn read_data(mut stream: impl Read, length: u32) -> io::Result<Zeroizing<Vec<u8>>> {
    if length as usize > APDU_LENGTH {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut data = Zeroizing::new(vec![0; length as usize]);
    stream.read_exact(&mut data)?;
    Ok(data)
}

/// An answer, or an event, of so many numbers.
pub(super) fn numbers<const N: usize>(numbers: [u32; N]) -> Vec<u8> {
    numbers.into_iter().flat_map(u32::to_ne_bytes).collect()
}

/// The answer to [`Request::Connect`].
pub(super) fn connected(
    context: u32,
    reader: &str,
    [mode, protocols]: [u32; 2],
    card: u32,
    protocol: u32,
    code: ReturnCode,
) -> Vec<u8> {
    let mut answer = context.to_ne_bytes().to_vec();
    answer.extend(padded::<NAME_LENGTH>(reader.as_bytes()));
    answer.extend(numbers([mode, protocols, card, protocol, code.0]));
    answer
}

/// The answer to [`Request::GetAttribute`] and [`Request::SetAttribute`].
pub(super) fn attribute(card: u32, attribute: u32, value: &[u8], code: ReturnCode) -> Vec<u8> {
    let mut answer = numbers([card, attribute]);
    answer.extend(padded::<ATTRIBUTE_LENGTH>(value));
    answer.extend(numbers([value.len() as u32, code.0]));
    answer
}

/// What clients are told of one reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ReaderState {
    pub(super) name: String,
    /// How often a card came or left.
    pub(super) events: u32,
    /// Bits of [`state`](super::codes::state).
    pub(super) state: u32,
    /// Connections; -1 where one of them is exclusive.
    pub(super) sharing: i32,
    pub(super) atr: Vec<u8>,
    pub(super) protocol: u32,
}

impl ReaderState {
    /// 184 bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = padded::<NAME_LENGTH>(self.name.as_bytes()).to_vec();
        bytes.extend(numbers([self.events, self.state]));
        bytes.extend(self.sharing.to_ne_bytes());
        // Three bytes align the next number.
        bytes.extend(padded::<{ ATR_LENGTH + 3 }>(&self.atr));
        bytes.extend(numbers([self.atr.len() as u32, self.protocol]));
        bytes
    }
}

/// The bytes, cut or filled up with zeros; the last one is always a zero.
fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut padded = [0; N];
    let length = bytes.len().min(N - 1);
    padded[..length].copy_from_slice(&bytes[..length]);
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(command: u32, body: &[u8]) -> io::Result<Request> {
        let mut bytes = numbers([body.len() as u32, command]);
        bytes.extend(body);
        Request::read(&bytes[..])
    }

    #[test]
    fn structures_have_the_sizes_of_the_c_ones() {
        assert_eq!(ReaderState::default().to_bytes().len(), 184);
        let connected = connected(1, "r", [2, 3], 4, 5, ReturnCode::SUCCESS);
        assert_eq!(connected.len(), 152);
        assert_eq!(attribute(1, 2, &[], ReturnCode::SUCCESS).len(), BODY_LENGTH);
        for (command, size) in [
            (0x01, 12),
            (0x02, 8),
            (0x04, 152),
            (0x05, 24),
            (0x06, 12),
            (0x07, 8),
            (0x08, 12),
            (0x09, 32),
            (0x0A, 24),
            (0x0B, 8),
            (0x0D, 8),
            (0x0F, 280),
            (0x10, 280),
            (0x11, 12),
            (0x12, 0),
            (0x13, 0),
            (0x14, 0),
            (0x15, 0),
            (0x16, 0),
            (0x17, 0),
        ] {
            assert!(request(command, &vec![0; size]).is_ok(), "{command:02X}");
            assert!(request(command, &vec![0; size + 4]).is_err());
            assert!(size == 0 || request(command, &vec![0; size - 4]).is_err());
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert!(request(0x00, &[]).is_err());
        assert!(request(0x03, &[0; 8]).is_err());
        assert!(request(0x18, &[]).is_err());
        // A body, or a command APDU, of four gigabytes.
        assert!(Request::read(&numbers([u32::MAX, 0x0B])[..]).is_err());
        let transmit = numbers([1, 0, 0, u32::MAX, 0, 0, 0, 0]);
        assert!(request(0x09, &transmit).is_err());
    }
}
