//! NVM that stops the world at a chosen byte, so that a process can be killed exactly there.

use std::io::{self, Write};
use std::thread;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use tillcard_emu::EmulatedCard;
use tillcard_emu::nvm::{Durable, NvmError, SledNvm};
use tillcard_emu::vpcd::{CardFault, SmartCard};

/// What a stalling process says when it stands still.
pub const STALLED: &str = "stalled";
/// What it says when the command ended without that.
pub const ANSWERED: &str = "answered";

/// Memory on the disk which, once armed, makes durable what it has at the chosen byte and then
/// never returns.
pub struct StallNvm {
    inner: SledNvm,
    left: Option<usize>,
}

impl StallNvm {
    pub fn new(inner: SledNvm) -> Self {
        Self { inner, left: None }
    }

    /// Counts `bytes` as changed and stands still at the last of those that are left.
    fn count(&mut self, bytes: usize) {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(bytes);
            if *left == 0 {
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
        let before = self.left.unwrap_or(bytes.len()).min(bytes.len());
        let (now, later) = bytes.split_at(before);
        self.inner.write(offset, now)?;
        self.count(now.len());
        self.inner
            .write(offset + u32::try_from(before).unwrap(), later)
    }
}

impl Durable for StallNvm {
    type Error = NvmError;

    fn flush(&mut self) -> Result<(), NvmError> {
        self.inner.flush()
    }
}

/// A card that stands still when the APDU after `before` others has changed `bytes` bytes.
pub struct StallingCard {
    pub card: EmulatedCard<StallNvm>,
    pub before: u64,
    pub bytes: usize,
}

impl SmartCard for StallingCard {
    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn reset(&mut self) {
        self.card.reset();
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardFault> {
        let armed = self.card.apdus() == self.before;
        self.card.nvm_mut().left = armed.then_some(self.bytes);
        let answer = self.card.transmit(command)?.to_vec();
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
