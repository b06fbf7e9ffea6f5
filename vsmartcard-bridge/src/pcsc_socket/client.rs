//! One client: reads its requests, answers each.

use std::io::{self, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::codes::ReturnCode;
use super::readers::{Picture, Readers};
use super::wire::{self, ATTRIBUTE_LENGTH, ReaderState, Request};
use super::{ClientId, Clients, Event};

/// The protocol's major version, and the minor ones that are spoken.
const MAJOR: u32 = 4;
const MINORS: std::ops::RangeInclusive<u32> = 4..=6;
/// From this minor version on, waiting is answered by the event only, and the array has any size.
const ANY_SIZE: u32 = 6;
/// Readers in the array of older clients.
const OLD_ARRAY: usize = 16;

pub(super) struct Client {
    pub(super) id: ClientId,
    pub(super) stream: Arc<UnixStream>,
    pub(super) readers: Arc<Readers>,
    pub(super) clients: Arc<Clients>,
    /// What it speaks, which is the oldest until it says.
    minor: u32,
    /// Its context; 0 for none.
    context: u32,
}

impl Client {
    pub(super) fn new(
        id: ClientId,
        stream: Arc<UnixStream>,
        readers: Arc<Readers>,
        clients: Arc<Clients>,
    ) -> Self {
        Self {
            id,
            stream,
            readers,
            clients,
            minor: *MINORS.start(),
            context: 0,
        }
    }

    /// Answers requests until the client goes, or says what can't be answered.
    pub(super) fn serve(mut self) {
        while let Ok(request) = Request::read(&*self.stream) {
            if self.answer(request).is_err() {
                break;
            }
        }
        self.readers.release(self.id);
        self.clients.leave(self.id);
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        (&*self.stream).write_all(bytes)
    }

    fn code(&self, first: u32, code: impl Into<ReturnCode>) -> io::Result<()> {
        self.write(&wire::numbers([first, code.into().0]))
    }

    /// A connection that isn't this client's is none.
    fn own(&self, card: u32) -> Result<(), ReturnCode> {
        self.readers.check_owner(self.id, card)
    }

    fn answer(&mut self, request: Request) -> io::Result<()> {
        match request {
            Request::Version { major, minor } => self.version(major, minor),
            Request::EstablishContext { scope } => self.establish(scope),
            Request::ReleaseContext { context } => {
                let released = self.has_context(context);
                if released.is_ok() {
                    self.readers.release(self.id);
                    self.clients.set_context(self.id, 0);
                    self.context = 0;
                }
                self.code(context, released)
            }
            Request::Connect {
                context,
                reader,
                mode,
                protocols,
            } => {
                let connected = self
                    .has_context(context)
                    .and_then(|()| self.readers.connect(self.id, &reader, mode, protocols));
                let (card, protocol) = connected.unwrap_or_default();
                let code = connected.into();
                let modes = [mode, protocols];
                self.write(&wire::connected(
                    context, &reader, modes, card, protocol, code,
                ))
            }
            Request::Reconnect {
                card,
                mode,
                protocols,
                initialization,
            } => {
                let done = self.own(card).and_then(|()| {
                    self.readers
                        .reconnect(card, mode, protocols, initialization)
                });
                let protocol = done.unwrap_or_default();
                let code = ReturnCode::from(done).0;
                self.write(&wire::numbers([
                    card,
                    mode,
                    protocols,
                    initialization,
                    protocol,
                    code,
                ]))
            }
            Request::Disconnect { card, disposition } => {
                let done = self
                    .own(card)
                    .and_then(|()| self.readers.disconnect(card, disposition));
                self.write(&wire::numbers([
                    card,
                    disposition,
                    ReturnCode::from(done).0,
                ]))
            }
            Request::BeginTransaction { card } => {
                let done = self
                    .own(card)
                    .and_then(|()| self.readers.begin_transaction(card));
                self.code(card, done)
            }
            Request::EndTransaction { card, disposition } => {
                let done = self
                    .own(card)
                    .and_then(|()| self.readers.end_transaction(card, disposition));
                self.write(&wire::numbers([
                    card,
                    disposition,
                    ReturnCode::from(done).0,
                ]))
            }
            Request::Status { card } => {
                let done = self.own(card).and_then(|()| self.readers.status(card));
                self.code(card, done)
            }
            Request::Transmit {
                card,
                send_pci,
                room,
                command,
            } => self.transmit(card, send_pci, room, &command),
            Request::Control {
                card,
                code,
                room,
                data,
            } => self.control(card, code, room, &data),
            Request::GetAttribute {
                card,
                attribute,
                room,
            } => {
                let room = (room as usize).min(ATTRIBUTE_LENGTH);
                let value = self
                    .own(card)
                    .and_then(|()| self.readers.attribute(card, attribute));
                let (value, code) = match value {
                    Ok(value) if value.len() > room => (value, ReturnCode::INSUFFICIENT_BUFFER),
                    Ok(value) => (value, ReturnCode::SUCCESS),
                    Err(code) => (Vec::new(), code),
                };
                self.write(&wire::attribute(card, attribute, &value, code))
            }
            Request::SetAttribute { card, attribute } => {
                let done = self.own(card);
                let code = done.err().unwrap_or(ReturnCode::UNSUPPORTED_FEATURE);
                self.write(&wire::attribute(card, attribute, &[], code))
            }
            Request::Cancel { context } => {
                let found = self.clients.with_context(context);
                if let Some(client) = found {
                    self.readers.cancel(client);
                }
                self.code(context, found.ok_or(ReturnCode::INVALID_HANDLE))
            }
            Request::ReaderStates => self.write(&old_array(&self.readers.picture())),
            Request::WaitForChange if self.minor >= ANY_SIZE => {
                self.readers.wait(self.id, self.event(), None);
                Ok(())
            }
            Request::WaitForChange => {
                let picture = self.readers.picture();
                self.write(&old_array(&picture))?;
                self.readers.wait(self.id, self.event(), Some(&picture));
                Ok(())
            }
            Request::StopWaiting => match self.readers.stop_waiting(self.id) {
                true => self.code(0, ReturnCode::SUCCESS),
                // Its event is its answer.
                false => Ok(()),
            },
            Request::ReaderEvents => self.code(self.readers.reader_events(), ReturnCode::SUCCESS),
            Request::StateArraySize => {
                let size = self.readers.array_size() as u32;
                self.write(&wire::numbers([size]))
            }
            Request::StateArray => {
                let size = self.readers.array_size();
                self.write(&array(&self.readers.picture(), size))
            }
        }
    }

    fn control(&self, card: u32, code: u32, room: u32, data: &[u8]) -> io::Result<()> {
        let done = self
            .own(card)
            .and_then(|()| self.readers.control(card, code, data));
        let (answer, result) = match done {
            Ok(answer) if answer.len() > room as usize => {
                (Vec::new(), ReturnCode::INSUFFICIENT_BUFFER)
            }
            Ok(answer) => (answer, ReturnCode::SUCCESS),
            Err(result) => (Vec::new(), result),
        };
        let (sent, length) = (data.len() as u32, answer.len() as u32);
        self.write(&wire::numbers([card, code, sent, room, length, result.0]))?;
        self.write(&answer)
    }

    fn event(&self) -> Event {
        Event(Arc::clone(&self.stream))
    }

    fn version(&mut self, major: u32, minor: u32) -> io::Result<()> {
        if major != MAJOR || !MINORS.contains(&minor) {
            let code = ReturnCode::SERVICE_STOPPED.0;
            self.write(&wire::numbers([MAJOR, *MINORS.end(), code]))?;
            return Err(ErrorKind::Unsupported.into());
        }
        self.minor = minor;
        self.write(&wire::numbers([major, minor, ReturnCode::SUCCESS.0]))
    }

    fn establish(&mut self, scope: u32) -> io::Result<()> {
        let code = match scope {
            0..=3 => {
                self.context = self.clients.new_context(self.id);
                ReturnCode::SUCCESS
            }
            _ => ReturnCode::INVALID_VALUE,
        };
        self.write(&wire::numbers([scope, self.context, code.0]))
    }

    fn has_context(&self, context: u32) -> Result<(), ReturnCode> {
        match context != 0 && context == self.context {
            true => Ok(()),
            false => Err(ReturnCode::INVALID_HANDLE),
        }
    }

    fn transmit(
        &self,
        card: u32,
        [protocol, pci_length]: [u32; 2],
        room: u32,
        command: &[u8],
    ) -> io::Result<()> {
        let done = self
            .own(card)
            .and_then(|()| self.readers.transmit(card, command));
        let (length, received, code) = match &done {
            Ok((answer, received)) => {
                let length = answer.len() as u32;
                let code = match length > room {
                    true => ReturnCode::INSUFFICIENT_BUFFER,
                    false => ReturnCode::SUCCESS,
                };
                (length, *received, code)
            }
            Err(code) => (0, protocol, *code),
        };
        let sent = command.len() as u32;
        self.write(&wire::numbers([
            card, protocol, pci_length, sent, received, pci_length, length, code.0,
        ]))?;
        match done {
            Ok((answer, _)) if code == ReturnCode::SUCCESS => self.write(&answer),
            _ => Ok(()),
        }
    }
}

fn old_array(picture: &Picture) -> Vec<u8> {
    array(picture, OLD_ARRAY)
}

fn array(picture: &Picture, size: usize) -> Vec<u8> {
    let none = ReaderState::default();
    let states = picture.states.iter().chain(std::iter::repeat(&none));
    states.take(size).flat_map(ReaderState::to_bytes).collect()
}
