//! NVM that stops the world at a chosen byte, so that a process can be killed exactly there.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use tillcard_emu::layers::Counted;
use tillcard_emu::nvm::{CardMemory, MemoryFault, NvmError, SledNvm};
use tillcard_emu::slot::{Layer, SlotError};
use tillcard_emu::{CardInSlot, EmulatedCard};

/// What a stalling process says when it stands still.
pub const STALLED: &str = "stalled";
/// What it says when the command ended without that.
pub const ANSWERED: &str = "answered";

/// Memory on the disk which, once armed, makes durable what it has at the chosen byte and then
/// never returns.
pub struct StallNvm {
    inner: SledNvm,
    stall: Stall,
}

/// Bytes that a [`StallNvm`] still changes before it stands still; none while it isn't armed.
#[derive(Clone, Default)]
pub struct Stall(Arc<Mutex<Option<usize>>>);

impl Stall {
    pub fn arm(&self, bytes: Option<usize>) {
        *self.0.lock().unwrap() = bytes;
    }

    fn left(&self) -> Option<usize> {
        *self.0.lock().unwrap()
    }
}

impl StallNvm {
    pub fn new(inner: SledNvm, stall: Stall) -> Self {
        Self { inner, stall }
    }

    /// Counts `bytes` as changed and stands still at the last of those that are left.
    fn count(&mut self, bytes: usize) {
        if let Some(left) = self.stall.left() {
            let left = left.saturating_sub(bytes);
            self.stall.arm(Some(left));
            if left == 0 {
                self.inner.flush().unwrap();
                say(STALLED);
                loop {
                    thread::park();
                }
            }
        }
    }
}

impl ErrorType for StallNvm {
    type Error = NvmError;
}

impl ReadNorFlash for StallNvm {
    const READ_SIZE: usize = SledNvm::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NvmError> {
        self.inner.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.inner.capacity()
    }
}

impl NorFlash for StallNvm {
    const WRITE_SIZE: usize = SledNvm::WRITE_SIZE;
    const ERASE_SIZE: usize = SledNvm::ERASE_SIZE;

    /// An erase is over before the world stops.
    fn erase(&mut self, from: u32, to: u32) -> Result<(), NvmError> {
        self.inner.erase(from, to)?;
        self.count((to - from) as usize);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NvmError> {
        let before = self.stall.left().unwrap_or(bytes.len()).min(bytes.len());
        let (now, later) = bytes.split_at(before);
        self.inner.write(offset, now)?;
        self.count(now.len());
        self.inner
            .write(offset + u32::try_from(before).unwrap(), later)
    }
}

impl CardMemory for StallNvm {
    fn flush(&mut self) -> Result<(), MemoryFault> {
        self.inner.flush()
    }
}

/// A card that stands still when the APDU after `before` others has changed `bytes` bytes.
pub struct StallingCard {
    pub card: Counted<EmulatedCard<StallNvm>>,
    pub stall: Stall,
    pub before: u64,
    pub bytes: usize,
}

impl Layer for StallingCard {
    type Inner = Counted<EmulatedCard<StallNvm>>;

    fn inner(&self) -> &Self::Inner {
        &self.card
    }

    fn inner_mut(&mut self) -> &mut Self::Inner {
        &mut self.card
    }

    fn on_transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        let armed = self.card.apdus() == self.before;
        self.stall.arm(armed.then_some(self.bytes));
        let answer = self.card.transmit(command)?;
        if armed {
            say(ANSWERED);
        }
        Ok(answer)
    }
}

fn say(line: &str) {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .unwrap();
}
