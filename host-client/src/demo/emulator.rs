//! The card: an emulator process with a card in a reader.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::child::{Line, Player};
use super::failure::DemoError;
use super::stage::Stage;
use tillcard::scan::Snapshot;
use tillcard_client::transport::Readers;

/// Time within which pcscd notices that a card was put in or taken out: it looks about twice a
/// second.
const NOTICE: Duration = Duration::from_secs(10);

/// Time out of the reader that pcscd can't overlook.
const ABSENCE: Duration = Duration::from_secs(1);

/// A card in the reader.
pub(super) struct Emulator {
    player: Player,
    reader: String,
}

impl Emulator {
    /// Puts the card that is kept in `store` into the reader, a fresh one the first time.
    pub(super) fn insert(stage: &Stage, store: &Path) -> Result<Self, DemoError> {
        let mut command = Command::new(stage.emulator());
        command.arg("--data").arg(store);
        if let Some(socket) = stage.socket() {
            command.arg("--pcsc-socket").arg(socket);
        }
        let mut player = stage.start("the emulator", &mut command)?;
        loop {
            match player.next_line()? {
                Some(Line::Out(line)) => {
                    if let Some(reader) = line.strip_prefix("card inserted in ") {
                        let reader = reader.to_owned();
                        return Ok(Self { player, reader });
                    }
                }
                Some(Line::Err(line)) if line.starts_with("waiting: ") => {
                    return Err(DemoError::new(
                        "a card is in the virtual reader already: stop the tillcard-emu, or the \
                         demo, that put it there",
                    ));
                }
                Some(Line::Err(line)) if line.starts_with("programs see it") => {}
                Some(Line::Err(line)) => return Err(DemoError::new(line)),
                None => return Err(DemoError::new("the emulator ended without a word")),
            }
        }
    }

    /// Takes the card out, long enough to be noticed, and puts it in again.
    ///
    /// A card that follows another one within half a second, as that of a demonstration just
    /// stopped may have done, isn't seen: for pcscd (1.9.9) the slot was never empty, and yet it
    /// has lost its card.
    pub(super) fn insert_again(self, stage: &Stage, store: &Path) -> Result<Self, DemoError> {
        self.player.interrupt()?;
        self.player.finish()?;
        std::thread::sleep(ABSENCE);
        Self::insert(stage, store)
    }

    /// The reader's name.
    pub(super) fn reader(&self) -> &str {
        &self.reader
    }

    /// The memory of the card's process.
    pub(super) fn memory(&self) -> Result<Snapshot, DemoError> {
        Ok(Snapshot::of_child(self.player.pid())?)
    }

    /// Takes the card out and waits until everybody has noticed. Returns the number of command
    /// APDUs that the card answered.
    pub(super) fn remove(mut self, stage: &Stage) -> Result<u64, DemoError> {
        self.player.interrupt()?;
        let mut apdus = None;
        while let Some(line) = self.player.next_line()? {
            if let Line::Out(line) = line {
                apdus = apdus.or_else(|| count(&line));
            }
        }
        let Self { player, reader } = self;
        player.finish()?;
        // The emulator's own reader is gone with the emulator.
        if stage.socket().is_none() {
            Readers::establish(None)?.wait_for_removal(&reader, Some(NOTICE))?;
        }
        apdus.ok_or_else(|| DemoError::new("the emulator didn't say how many APDUs it answered"))
    }
}

/// `card removed; 17 APDUs`
fn count(line: &str) -> Option<u64> {
    let count = line
        .strip_prefix("card removed; ")?
        .strip_suffix(" APDUs")?;
    count.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_emulator_s_count_is_read() {
        assert_eq!(count("card removed; 17 APDUs"), Some(17));
        assert_eq!(count("card removed"), None);
    }
}
