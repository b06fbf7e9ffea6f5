//! Why the program ends with status 1.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use tillcard_emu::card::CardError;
use tillcard_emu::control::ControlError;
use tillcard_emu::nvm::StoreError;
use tillcard_emu::replay::ReplayError;
use tillcard_emu::seed::NoRandomness;
use tillcard_emu::slot::SlotError;
use tillcard_emu::test_cards::TestCardError;
use tillcard_emu::tray::{PortError, TrayError};
use tillcard_emu::vpcd::LinkError;

/// Why the program ends with status 1.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(
        "no folder for the card: neither XDG_DATA_HOME nor a home folder is there; \
         name one with --data, or use --ephemeral"
    )]
    NoDataFolder,
    #[error(
        "this card is for real money, which an emulated card doesn't protect; \
         it is shown with --mainnet only, and never with --seed"
    )]
    MainnetCard,
    #[error("the log filter can't be read: {0}; write for example --log debug")]
    LogFilter(#[from] tracing_subscriber::filter::ParseError),
    #[error("the program can't be told to end: {0}; nothing was shown")]
    Signals(io::Error),
    #[error("the trace can't be written to {}: {}; nothing was shown", .0.display(), .1)]
    Trace(PathBuf, io::Error),
    #[error("the trace in {} can't be read: {}", .0.display(), .1)]
    TraceUnread(PathBuf, io::Error),
    #[error("{0}")]
    Different(String),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error("there are more cards than readers; name a reader for each with --reader")]
    TooFewReaders,
    #[error(
        "vpcd's reader takes one card; for more, have readers of the emulator's own: --pcsc-socket"
    )]
    OneCard,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Card(#[from] CardError),
    #[error(transparent)]
    TestCard(#[from] TestCardError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Slot(#[from] SlotError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Tray(#[from] TrayError),
    #[error(transparent)]
    CardPort(#[from] PortError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("{} can't be run: {}", .0.display(), .1)]
    Command(OsString, io::Error),
    #[error("no folder for the chain: {0}; nothing was shown")]
    ChainFolder(io::Error),
    #[error(
        "{} can't be run: {}; --chain embedded needs the program tillcard, built with its feature \
         regtest: install it, or name its path in TILLCARD",
        .0.display(),
        .1
    )]
    NoChainProgram(PathBuf, io::Error),
    #[error(
        "the program tillcard served no chain; what it says on standard error tells why. Was it \
         built with its feature regtest?"
    )]
    ChainEnded,
}

impl Failure {
    /// The error's stable name (`docs/errors/emulator.md`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoDataFolder => "no-data-folder",
            Self::MainnetCard => "mainnet-card",
            Self::LogFilter(_) => "log-filter",
            Self::Signals(_) => "no-signals",
            Self::Trace(..) | Self::TraceUnread(..) => "trace-file",
            Self::Different(_) => "trace-differs",
            Self::Replay(error) => error.code(),
            Self::TooFewReaders => "too-few-readers",
            Self::OneCard => "one-card",
            Self::Store(error) => error.code(),
            Self::Card(error) => error.code(),
            Self::TestCard(error) => error.code(),
            Self::Randomness(error) => error.code(),
            Self::Slot(error) => error.code(),
            Self::Link(error) => error.code(),
            Self::Tray(error) => error.code(),
            Self::CardPort(error) => error.code(),
            Self::Control(error) => error.code(),
            Self::Command(..) => "command-not-run",
            Self::ChainFolder(_) | Self::NoChainProgram(..) | Self::ChainEnded => "embedded-chain",
        }
    }
}
