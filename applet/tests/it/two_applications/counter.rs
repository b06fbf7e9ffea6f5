//! A tiny application: a counter that the NVM keeps, and random numbers.

use apdu_dispatch::app::{App, CommandView, Interface, VecView};
use embedded_storage::nor_flash::NorFlash;
use iso7816::{Aid, Status};
use rand_core::{TryCryptoRng, TryRng};
use tillcard_runtime::journal::Journal;
use tillcard_runtime::{Application, ClassPolicy, Random};

pub const AID: &[u8] = b"\xF0COUNTER";

/// The one record.
const COUNT: u16 = 0;

pub struct Counter<N, R> {
    journal: Journal<N, 1>,
    rng: Random<R>,
    /// Volatile: commands since it was selected.
    commands: u8,
}

impl<N: NorFlash, R: TryCryptoRng> Counter<N, R> {
    pub fn new(nvm: N, rng: R) -> Self {
        Self {
            journal: Journal::open(nvm),
            rng: Random::new(rng),
            commands: 0,
        }
    }

    fn count(&mut self) -> Result<u8, Status> {
        let mut byte = [0];
        Ok(self
            .journal
            .read(COUNT, &mut byte)?
            .map_or(0, |byte| byte[0]))
    }

    fn increment(&mut self) -> Result<(), Status> {
        let count = self.count()? + 1;
        let mut transaction = self.journal.begin(1, 1)?;
        transaction.put(COUNT, &[count])?;
        Ok(transaction.commit()?)
    }
}

impl<N, R> iso7816::App for Counter<N, R> {
    fn aid(&self) -> Aid {
        Aid::new_truncatable(AID, 5)
    }
}

impl<N: NorFlash, R: TryCryptoRng> App for Counter<N, R> {
    fn select(
        &mut self,
        _: Interface,
        _: CommandView<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        self.commands = 0;
        reply
            .extend_from_slice(AID)
            .map_err(|_| Status::NotEnoughMemory)
    }

    fn deselect(&mut self) {
        self.commands = 0;
    }

    fn call(
        &mut self,
        _: Interface,
        command: CommandView<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        self.commands += 1;
        let mut answer = [0; 8];
        let answer: &[u8] = match u8::from(command.instruction()) {
            0x10 => {
                self.increment()?;
                &[]
            }
            0x12 => &[self.count()?],
            0x14 => {
                self.rng
                    .try_fill_bytes(&mut answer)
                    .map_err(|_| Status::UnspecifiedNonpersistentExecutionError)?;
                &answer
            }
            0x16 => &[self.commands],
            _ => return Err(Status::InstructionNotSupportedOrInvalid),
        };
        reply
            .extend_from_slice(answer)
            .map_err(|_| Status::NotEnoughMemory)
    }
}

impl<N: NorFlash, R: TryCryptoRng> Application for Counter<N, R> {
    fn classes(&self) -> ClassPolicy {
        ClassPolicy {
            accepted: &[0x00, 0xB0],
        }
    }

    fn reset(&mut self) {
        self.journal.reopen();
        self.rng.power_up();
        self.commands = 0;
    }
}
