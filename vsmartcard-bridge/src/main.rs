//! `tillcard-emu`: shows one card in a reader, vpcd's or its own, until it is told to take it out.

mod own_reader;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;
use etcetera::BaseStrategy;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tillcard_emu::card::{CardError, DEFAULT_NAME, EmulatedCard};
use tillcard_emu::layers::{Counted, Traced};
use tillcard_emu::nvm::{CardMemory, Store, StoreError};
use tillcard_emu::pcsc_socket::SocketError;
use tillcard_emu::seed::{NoRandomness, Seed};
use tillcard_emu::slot::{CardInSlot, SlotError};
use tillcard_emu::vpcd::{Address, Link, LinkError, Remover, Waited};
use tillcard_protocol::command::Network;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How long a reader may take to notice a card before the user is told that the slot may be taken:
/// pcscd looks about twice a second.
const PATIENCE: Duration = Duration::from_secs(2);

/// Exit status after a second signal, as shells have it for SIGINT.
const INTERRUPTED: i32 = 128 + SIGINT;

/// Shows a Tillcard in the virtual PC/SC reader (vpcd), or in a reader of its own, until Ctrl-C
/// takes it out.
///
/// With a COMMAND, or with --pcsc-socket, the reader is the emulator's own: it needs no pcscd and no
/// root. For example: tillcard-emu --ephemeral -- opensc-tool --list-readers
///
/// The card is kept on the disk and is the same one next time. It is an emulation: whoever can read
/// its file has its keys.
#[derive(Parser)]
#[command(name = "tillcard-emu", version)]
struct Arguments {
    /// Forget the card when it is taken out
    #[arg(long, conflicts_with_all = ["data", "card"])]
    ephemeral: bool,
    /// Make the card's random numbers from this number: its keys are no secret then
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Where the virtual reader's slot listens
    #[arg(long, value_name = "HOST:PORT", default_value_t)]
    vpcd: Address,
    /// Show the card in a reader of the emulator's own, in the place of vpcd's. Programs see it with
    /// PCSCLITE_CSOCK_NAME=PATH in their environment
    #[arg(long, value_name = "PATH", conflicts_with = "vpcd")]
    pcsc_socket: Option<PathBuf>,
    /// The name of the emulator's own reader, 1 to 127 bytes
    #[arg(long, value_name = "NAME", default_value = own_reader::DEFAULT_NAME)]
    reader: String,
    /// The folder with the cards [default: tillcard/emu in the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Which of the folder's cards; a new name makes a new card
    #[arg(long, value_name = "NAME", default_value = DEFAULT_NAME)]
    card: String,
    /// Leave a fresh card without keys and certificates of its own, as its manufacturer gets it: for
    /// those who test personalisation. Otherwise it is one of the batch "Tillcard emulator", under
    /// the test root
    #[arg(long)]
    blank: bool,
    /// Let the card be issued for mainnet: real money, in a file that protects none. Without this,
    /// the card refuses ISSUE for mainnet (status word 6A80)
    #[arg(long, conflicts_with = "seed")]
    mainnet: bool,
    /// Write what happens to standard error, for example `debug` or `tillcard_emu=debug`: which
    /// commands come and how they end, never their data
    #[arg(long, value_name = "FILTER", env = "TILLCARD_LOG")]
    log: Option<String>,
    /// Run this with the emulator's own reader, and take the card out when it ends. The exit status
    /// is that of the command
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "vpcd")]
    command: Vec<OsString>,
}

/// Why the program ends with status 1.
#[derive(Debug, thiserror::Error)]
enum Failure {
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
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Card(#[from] CardError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Slot(#[from] SlotError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error("{} can't be run: {}", .0.display(), .1)]
    Command(OsString, io::Error),
    #[error("no folder for the reader's socket: {0}; name a path with --pcsc-socket")]
    SocketFolder(io::Error),
}

impl Failure {
    /// The error's stable name (`docs/errors/emulator.md`).
    fn code(&self) -> &'static str {
        match self {
            Self::NoDataFolder => "no-data-folder",
            Self::MainnetCard => "mainnet-card",
            Self::LogFilter(_) => "log-filter",
            Self::Signals(_) => "no-signals",
            Self::Store(error) => error.code(),
            Self::Card(error) => error.code(),
            Self::Randomness(error) => error.code(),
            Self::Slot(error) => error.code(),
            Self::Link(error) => error.code(),
            Self::Socket(error) => error.code(),
            Self::Command(..) => "command-not-run",
            Self::SocketFolder(_) => "no-socket-folder",
        }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(status) => status,
        Err(error) => {
            let code = error.code();
            tell(
                io::stderr(),
                &format!("tillcard-emu: error[{code}]: {error}"),
            );
            ExitCode::FAILURE
        }
    }
}

/// Has what matches the filter written to standard error; without one, nothing is.
fn start_log(filter: Option<&str>) -> Result<(), Failure> {
    let Some(filter) = filter else {
        return Ok(());
    };
    let filter: Targets = filter.parse()?;
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_writer(io::stderr))
        .with(filter)
        .init();
    Ok(())
}

/// `tillcard/emu` in the user's data folder (XDG Base Directory Specification 0.8).
fn data_folder() -> Result<PathBuf, Failure> {
    let strategy = etcetera::choose_base_strategy().map_err(|_| Failure::NoDataFolder)?;
    Ok(strategy.data_dir().join("tillcard/emu"))
}

fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    start_log(arguments.log.as_deref())?;
    let seed = arguments.seed.map_or(Seed::System, Seed::Number);
    if arguments.ephemeral {
        let card = match arguments.blank {
            true => EmulatedCard::ephemeral_blank(seed)?,
            false => EmulatedCard::ephemeral(seed)?,
        };
        return show(card, arguments);
    }
    let folder = match &arguments.data {
        Some(folder) => folder.clone(),
        None => data_folder()?,
    };
    let store = Store::open(&folder)?;
    let card = match arguments.blank {
        true => EmulatedCard::persistent_as_is(&store, &arguments.card, seed)?,
        false => EmulatedCard::persistent(&store, &arguments.card, seed)?,
    };
    show(card, arguments)
}

fn show<N: CardMemory + 'static>(
    mut card: EmulatedCard<N>,
    arguments: &Arguments,
) -> Result<ExitCode, Failure> {
    if !arguments.mainnet && card.network()? == Some(Network::Mainnet) {
        return Err(Failure::MainnetCard);
    }
    if !arguments.mainnet {
        card.refuse_mainnet();
    }
    let mut card = Counted::new(Traced::new(card));
    let answered = card.count();
    let served = if arguments.pcsc_socket.is_some() || !arguments.command.is_empty() {
        own_reader::show(Box::new(card), arguments)?
    } else {
        let link = Link::connect(&arguments.vpcd)?;
        remove_on_signal(link.remover()).map_err(Failure::Signals)?;
        let served = insert(link, &mut card, &arguments.vpcd);
        served.map(|()| ExitCode::SUCCESS).map_err(Failure::from)
    };
    // Other programs read this line: one line, whatever happened.
    let line = format!("card removed; {} APDUs", answered.get());
    tell(own_reader::output(arguments), &line);
    served
}

/// Waits for the reader, then shows the card until it is removed.
fn insert(link: Link, card: &mut dyn CardInSlot, address: &Address) -> Result<(), LinkError> {
    let reader = address
        .reader_name()
        .unwrap_or_else(|| format!("the virtual reader at {address}"));
    let mut waited = link.wait(Some(PATIENCE))?;
    if waited == Waited::NotYet {
        tell(
            io::stderr(),
            &format!("waiting: {reader} asks for no card; most likely another one is in it"),
        );
        waited = link.wait(None)?;
    }
    if waited == Waited::Inserted {
        tell(io::stdout(), &format!("card inserted in {reader}"));
        link.serve(card)?;
    }
    Ok(())
}

/// The first signal takes the card out; a second one ends a program that doesn't get to it.
fn remove_on_signal(remover: Remover) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        let mut arriving = signals.forever();
        if arriving.next().is_some() {
            remover.remove();
        }
        if arriving.next().is_some() {
            std::process::exit(INTERRUPTED);
        }
    });
    Ok(())
}

/// Prints a line at once. The card stays in when nobody reads the output any more.
fn tell(mut to: impl Write, line: &str) {
    let _ = writeln!(to, "{line}").and_then(|()| to.flush());
}
