//! `tillcard-emu`: shows cards in readers, vpcd's or its own, until it is told to take them out.

mod arguments;
mod embedded_chain;
mod failure;
mod listing;
mod own_reader;
mod vpcd_reader;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use etcetera::BaseStrategy;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tillcard_emu::card::EmulatedCard;
use tillcard_emu::layers::{Faulty, TraceFile, Traced};
use tillcard_emu::nvm::{CardMemory, PowerSwitch, Store};
use tillcard_emu::replay::{Replayed, replay};
use tillcard_emu::seed::Seed;
use tillcard_emu::test_cards::{Description, TestCard, TestCardError, scenario_schema};
use tillcard_protocol::command::Network;
use tillcard_test_owner::Faucet;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use arguments::{Arguments, Ask};
use embedded_chain::EmbeddedChain;
use failure::Failure;

fn main() -> ExitCode {
    match run(Arguments::parse()) {
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

fn run(mut arguments: Arguments) -> Result<ExitCode, Failure> {
    if let Some(ask) = &arguments.ask {
        let answer = match ask {
            Ask::Cards { schema: true, .. } => scenario_schema(),
            Ask::Cards { json, .. } => listing::list(*json)?,
            Ask::Replay { trace, card, seed } => replayed(trace, card, *seed)?,
        };
        tell(io::stdout(), &answer);
        return Ok(ExitCode::SUCCESS);
    }
    start_log(arguments.log.as_deref())?;
    if arguments.chain.as_deref() != Some(embedded_chain::NAME) {
        return show_cards(&arguments);
    }
    let chain = EmbeddedChain::start()?;
    arguments.chain = Some(chain.source().to_owned());
    show_cards(&arguments)
}

/// Shows the cards that the arguments name, until the program is to end.
fn show_cards(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.begins_empty() {
        return own_reader::show(Vec::new(), arguments)?;
    }
    if !arguments.card.is_empty() {
        let seed = arguments.seed.unwrap_or(0);
        let mut faucet = faucet(arguments)?;
        let mut cards = Vec::new();
        for name in &arguments.card {
            let funding = faucet.as_mut().map(|faucet| faucet as _);
            cards.push(TestCard::called(name, name, seed, funding)?);
        }
        return show(cards, arguments);
    }
    let seed = arguments.seed.map_or(Seed::System, Seed::Number);
    if arguments.ephemeral {
        let card = match arguments.blank {
            true => EmulatedCard::ephemeral_blank(seed)?,
            false => EmulatedCard::ephemeral(seed)?,
        };
        return show(vec![usual(card, seed, arguments)?], arguments);
    }
    let folder = match &arguments.data {
        Some(folder) => folder.clone(),
        None => data_folder()?,
    };
    let store = Store::open(&folder)?;
    let name = arguments.kept_name();
    let mut card = match arguments.blank {
        true => EmulatedCard::persistent_as_is(&store, name, seed)?,
        false => EmulatedCard::persistent(&store, name, seed)?,
    };
    if let Some(damage) = card.nvm_mut().damage() {
        let (code, folder) = (damage.code(), folder.display());
        let line = format!(
            "tillcard-emu: warning[{code}]: the memory of the card {name} in {folder}: {damage}. The \
             card says that it is damaged, and nothing of it is changed: put a copy of the folder \
             back, or choose another card with --name"
        );
        tell(io::stderr(), &line);
    }
    show(vec![usual(card, seed, arguments)?], arguments)
}

/// Where test cards get real coins from.
fn faucet(arguments: &Arguments) -> Result<Option<Faucet>, TestCardError> {
    let chain = arguments.chain.as_deref();
    Ok(chain.map(Faucet::open).transpose()?)
}

/// Replays a trace; what to say when all answers are the same.
fn replayed(trace: &Path, card: &str, seed: u64) -> Result<String, Failure> {
    let text =
        fs::read_to_string(trace).map_err(|error| Failure::TraceUnread(trace.to_owned(), error))?;
    let mut test = TestCard::named(card, seed)?;
    match replay(&text, &mut test)? {
        Replayed::Same(commands) => Ok(format!("{commands} commands, all answered as before")),
        Replayed::Different(different) => {
            let nothing = || "no answer".to_owned();
            Err(Failure::Different(format!(
                "line {}: {} was answered by {}, and is now by {}",
                different.line,
                different.command,
                different.traced.unwrap_or_else(nothing),
                different.given.unwrap_or_else(nothing)
            )))
        }
    }
}

/// Where traces are written to.
fn trace_files(arguments: &Arguments) -> Result<Vec<TraceFile>, Failure> {
    let made = |path: &Option<PathBuf>, create: fn(&Path) -> io::Result<TraceFile>| {
        let file = path
            .as_ref()
            .map(|path| create(path).map_err(|error| Failure::Trace(path.clone(), error)));
        file.transpose()
    };
    let lines = made(&arguments.trace, TraceFile::create)?;
    let packets = made(&arguments.pcap, TraceFile::create_pcap)?;
    Ok(lines.into_iter().chain(packets).collect())
}

/// A card that isn't one of the test cards.
fn usual<N: CardMemory + 'static>(
    mut card: EmulatedCard<N>,
    seed: Seed,
    arguments: &Arguments,
) -> Result<TestCard, Failure> {
    if !arguments.mainnet && card.network()? == Some(Network::Mainnet) {
        return Err(Failure::MainnetCard);
    }
    if !arguments.mainnet {
        card.refuse_mainnet();
    }
    let about = match arguments.ephemeral {
        true => "A new card, kept in memory.",
        false => "A card that is kept on the disk.",
    };
    let name = arguments.kept_name();
    let lots = ChaCha20Rng::from_rng(&mut seed.generator("lots", 0)?);
    let card = Faulty::new(Traced::new(card), PowerSwitch::default(), lots);
    Ok(TestCard::around(card, Description::new(name, about)))
}

/// Shows the cards until they are taken out.
fn show(mut cards: Vec<TestCard>, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let traces: Vec<_> = cards.iter().map(|card| card.trace.clone()).collect();
    let served = if arguments.has_own_reader() {
        own_reader::show(cards, arguments)?
    } else {
        match &mut cards[..] {
            [one] => {
                for file in trace_files(arguments)? {
                    file.follow(&one.trace, &one.about.name);
                }
                vpcd_reader::show(&mut *one.card, &arguments.vpcd)?
            }
            _ => return Err(Failure::OneCard),
        }
    };
    // Other programs read this line: one line, whatever happened.
    let answered: u64 = traces.iter().map(|trace| trace.answered()).sum();
    let line = format!("card removed; {answered} APDUs");
    tell(own_reader::output(arguments), &line);
    served
}

/// Prints a line at once. The card stays in when nobody reads the output any more.
fn tell(mut to: impl Write, line: &str) {
    let _ = writeln!(to, "{line}").and_then(|()| to.flush());
}
