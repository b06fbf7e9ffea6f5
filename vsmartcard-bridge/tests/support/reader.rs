//! The virtual reader: pcscd with the driver vpcd, or one of the emulator's own in its place.

use std::ffi::CStr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pcsc::{Card, Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};
use tillcard_protocol::command::Apdu;

use super::DEADLINE;
use super::contacts::Contacts;
use super::program::{Emulator, Ended};
use super::slots::slot;

/// What PC/SC calls vpcd's first slot.
pub const NAME: &CStr = c"Virtual PCD 00 00";

/// There is one reader, so one test at a time has it.
pub fn lock() -> MutexGuard<'static, ()> {
    static READER: Mutex<()> = Mutex::new(());
    let guard = READER.lock().unwrap_or_else(PoisonError::into_inner);
    wait_for(State::EMPTY);
    guard
}

/// A client's connection to pcscd.
pub fn client() -> Context {
    Context::establish(Scope::User).unwrap_or_else(|error| {
        panic!(
            "these tests need pcscd with the virtual reader, and pcscd says: {error}; run them as \
             scripts/with-pcscd.sh cargo test --features pcsc-tests --test 'pcsc*'"
        )
    })
}

/// Waits until the first slot is in this state.
pub fn wait_for(state: State) {
    wait_for_in(NAME, state);
}

/// Waits until a slot is in this state.
pub fn wait_for_in(slot: &CStr, state: State) {
    let context = client();
    let mut states = [ReaderState::new(slot, State::UNAWARE)];
    loop {
        match context.get_status_change(DEADLINE, &mut states) {
            Ok(()) => {}
            Err(Error::Timeout) => panic!(
                "the reader is {:?} and doesn't become {state:?}",
                states[0].event_state()
            ),
            Err(error) => panic!("{}: {error}", slot.to_str().unwrap()),
        }
        let seen = states[0].event_state();
        if seen.contains(state) {
            return;
        }
        assert!(
            !seen.contains(State::UNKNOWN),
            "pcscd has no reader {}",
            slot.to_str().unwrap()
        );
        states[0].sync_current_state();
    }
}

/// Starts an emulator of a card for the first slot.
pub fn start(home: &Path, arguments: &[&str]) -> Emulator {
    let slot = slot(0).to_string();
    Emulator::start(home, ["--vpcd", &slot].iter().chain(arguments))
}

/// What the emulator calls the first slot.
pub fn slot_name() -> String {
    let slot = slot(0);
    (slot.reader_name()).unwrap_or_else(|| format!("the virtual reader at {slot}"))
}

/// Puts a card in, and waits until PC/SC sees it.
pub fn insert(home: &Path, arguments: &[&str]) -> Emulator {
    let mut emulator = start(home, arguments);
    let line = emulator.line_or_end();
    assert_eq!(
        line,
        Some(format!("card inserted in {}", slot_name())),
        "{}",
        emulator.errors()
    );
    wait_for(State::PRESENT);
    emulator
}

/// Takes the card out, waits until PC/SC sees that too, and returns how many APDUs it answered.
pub fn remove(emulator: Emulator) -> u64 {
    emulator.signal("INT");
    let Ended { status, stdout, .. } = emulator.end();
    assert!(status.success());
    wait_for(State::EMPTY);
    let count = stdout
        .strip_prefix("card removed; ")
        .and_then(|rest| rest.strip_suffix(" APDUs\n"));
    count.unwrap_or_else(|| panic!("{stdout}")).parse().unwrap()
}

/// Connects to the card, sharing it with other clients.
pub fn connect(context: &Context) -> Card {
    context
        .connect(NAME, ShareMode::Shared, Protocols::T1)
        .unwrap()
}

/// Ends a client's connection without a reset, which other clients would notice.
pub fn leave(card: Card) {
    card.disconnect(Disposition::LeaveCard)
        .map_err(|(_, error)| error)
        .unwrap();
}

/// Sends a command; a card that left in the middle of it is an error too, whatever PC/SC calls it.
pub fn try_transmit(card: &Card, command: &[u8]) -> Result<Vec<u8>, Error> {
    let mut buffer = vec![0; 65_538];
    let answer = card.transmit(command, &mut buffer)?;
    if answer.len() < 2 {
        return Err(Error::RemovedCard);
    }
    Ok(answer.to_vec())
}

/// A card in the reader, and the number of APDUs that this client sent.
pub struct Session {
    card: Card,
    pub apdus: u64,
}

impl Session {
    pub fn new(card: Card) -> Self {
        Self { card, apdus: 0 }
    }

    pub fn end(self) -> u64 {
        leave(self.card);
        self.apdus
    }
}

impl Contacts for Session {
    fn exchange(&mut self, command: &[u8]) -> std::io::Result<Vec<u8>> {
        self.apdus += 1;
        try_transmit(&self.card, command).map_err(std::io::Error::other)
    }
}

/// Sends a command that must succeed.
pub fn done(card: &Card, command: &Apdu) -> Vec<u8> {
    let mut answer = try_transmit(card, command.as_bytes()).unwrap();
    assert_eq!(answer.split_off(answer.len() - 2), [0x90, 0x00]);
    answer
}
