//! What the story is played on, and how all of it is cleared away, come what may.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::fs::{FlockOperation, flock};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::child::{Handle, Player};
use super::failure::DemoError;
use super::reader::ReaderKind;

/// How often the removal of the folder is tried.
const REMOVALS: usize = 100;

/// The folder and the processes of one demonstration. Dropping it ends and removes them.
pub(super) struct Stage {
    places: Places,
    emulator: PathBuf,
    players: Players,
    /// Of those who share pcscd's reader; released when the file is closed.
    _lock: Option<File>,
}

/// What there is on the disk.
#[derive(Clone)]
struct Places {
    folder: PathBuf,
    /// The socket of the emulator's own reader, in a folder made for it alone.
    socket: Option<PathBuf>,
}

impl Places {
    fn remove(&self) {
        // What can't be removed is in the system's temporary folder, and its own to remove. What
        // this process is just writing there may come up again behind the removal's back.
        for _ in 0..REMOVALS {
            let _ = fs::remove_dir_all(&self.folder);
            if !self.folder.exists() {
                break;
            }
        }
        if let Some(socket) = &self.socket {
            let _ = fs::remove_file(socket);
            if let Some(folder) = socket.parent() {
                // Only when it is empty.
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

#[derive(Clone, Default)]
struct Players(Arc<Mutex<Cast>>);

#[derive(Default)]
struct Cast {
    players: Vec<Handle>,
    /// A signal has ended the demonstration: nobody enters any more.
    over: bool,
}

impl Players {
    fn lock(&self) -> MutexGuard<'_, Cast> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cast, unless a signal has ended the demonstration: then the thread with the signal ends
    /// the process, and this one has nothing left to say.
    fn on_stage(&self) -> MutexGuard<'_, Cast> {
        let cast = self.lock();
        if !cast.over {
            return cast;
        }
        drop(cast);
        loop {
            thread::park();
        }
    }

    fn clear_away(cast: &mut Cast, places: &Places) {
        for player in cast.players.drain(..) {
            player.kill();
        }
        places.remove();
    }
}

impl Stage {
    /// Makes sure that everything is there, and that nobody else plays in this reader.
    pub(super) fn set(reader: ReaderKind) -> Result<Self, DemoError> {
        let lock = match &reader {
            ReaderKind::Pcscd => Some(take_lock()?),
            ReaderKind::Own(_) => None,
        };
        let emulator = beside_this_program("tillcard-emu")?;
        let folder = tempfile::Builder::new()
            .prefix("tillcard-demo-")
            .tempdir()?
            .keep();
        let places = Places {
            folder,
            socket: reader.socket().map(Path::to_owned),
        };
        let players = Players::default();
        clear_away_on_signal(players.clone(), places.clone())?;
        Ok(Self {
            places,
            emulator,
            players,
            _lock: lock,
        })
    }

    /// A folder for `name`, not made yet.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.places.folder.join(name)
    }

    /// The socket of the emulator's own reader; none with pcscd's.
    pub(super) fn socket(&self) -> Option<&Path> {
        self.places.socket.as_deref()
    }

    /// The emulator's program.
    pub(super) fn emulator(&self) -> &Path {
        &self.emulator
    }

    /// Starts a process, which ends with the stage.
    pub(super) fn start(
        &self,
        name: &'static str,
        command: &mut Command,
    ) -> Result<Player, DemoError> {
        let mut cast = self.players.on_stage();
        let player = Player::start(name, command)?;
        cast.players.push(player.handle());
        Ok(player)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        Players::clear_away(&mut self.players.on_stage(), &self.places);
    }
}

/// One demonstration at a time for each user in pcscd's reader: they would pull each other's cards.
fn take_lock() -> Result<File, DemoError> {
    let folder = env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute() && folder.is_dir())
        .unwrap_or_else(env::temp_dir);
    let uid = rustix::process::getuid().as_raw();
    let path = folder.join(format!("tillcard-demo-{uid}.lock"));
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| DemoError::new(format!("{}: {error}", path.display())))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(DemoError::new(
            "another demo is running: wait until it has ended, or stop it with Ctrl-C",
        )),
        Err(error) => Err(DemoError::new(format!("{}: {error}", path.display()))),
    }
}

fn beside_this_program(name: &str) -> Result<PathBuf, DemoError> {
    let path = env::current_exe()?.with_file_name(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(DemoError::new(format!(
        "{} isn't there: build it with cargo build -p tillcard-emu, in the same profile as this \
         program",
        path.display()
    )))
}

/// Ctrl-C, or a terminal that is closed, ends everything.
fn clear_away_on_signal(players: Players, places: Places) -> Result<(), DemoError> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let mut cast = players.lock();
            cast.over = true;
            Players::clear_away(&mut cast, &places);
            eprintln!("\ntillcard: stopped; card, till and chain are gone");
            // As shells have it for a program that a signal ended.
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}
