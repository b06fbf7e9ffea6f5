//! A run from its arguments to its last line.

use super::arguments::{Rerun, RunArguments};
use super::targets::{CARD_TIMEOUT, Means, OPERATOR_TIMEOUT, costs_nothing, target};
use super::terminal::{SoFar, Terminal, conclude, end_with_report};
use clap::Parser;
use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;
use tillcard_conform::case::Level;
use tillcard_conform::catalogue;
use tillcard_conform::context::{REFERENCE_ATR, Settings};
use tillcard_conform::failure::{Code, Failure};
use tillcard_conform::options::Options;
use tillcard_conform::order::{cards_needed, ordered};
use tillcard_conform::proforma::{Ics, Ixit, read_ics, read_ixit};
use tillcard_conform::report::{Begun, Folder, Report, Sample};
use tillcard_conform::runner::run;
use tillcard_conform::supply::Thrift;
use tillcard_conform::waivers;

/// Cards that a run by hand may take when nobody says otherwise: enough for the whole catalogue.
const CARDS_BY_HAND: u32 = 6;

/// Runs, or goes on with a run, and says how it went.
///
/// # Errors
/// When there is no run, or it can't be written down.
pub fn perform(arguments: &RunArguments) -> Result<Report, Failure> {
    let Some(path) = &arguments.resume else {
        return run_as(arguments, std::env::args().skip(1).collect(), None);
    };
    let mut begun = Folder::create(path)?.begun()?;
    if arguments.rerun == Some(Rerun::Failed) {
        begun.report.forget_failed();
    }
    let said = begun.report.arguments.clone();
    let mut options = as_said(&said).ok_or_else(|| {
        Code::NothingToResume.because("its arguments aren't those of a run that goes on")
    })?;
    options.report = Some(path.clone());
    options.max_time = arguments.max_time;
    options.jobs = arguments.jobs.or(options.jobs);
    run_as(&options, said, Some(begun))
}

/// The options of a run that was called with these arguments.
pub fn as_said(arguments: &[String]) -> Option<RunArguments> {
    #[derive(Parser)]
    struct Said {
        #[command(flatten)]
        run: RunArguments,
    }
    let said = Said::try_parse_from(arguments).ok()?;
    (arguments.first()? == "run").then_some(said.run)
}

/// What these arguments ask of a run, without what only the run itself has. Where the cards cost
/// nothing they may be used up.
///
/// # Errors
/// When one means nothing.
pub fn options(
    arguments: &RunArguments,
    ics: Option<Ics>,
    ixit: Option<Ixit>,
) -> Result<Options, Failure> {
    let waivers = arguments.waivers.as_deref().map(waivers::read);
    let waivers = waivers.transpose()?.unwrap_or_default();
    // What the laboratory's file says is for every card, and not for the one that lies there.
    let serial = arguments.sample.as_ref();
    let arguments = &with(arguments, ixit.as_ref());
    let level = level(arguments, serial)?;
    if let Some(unknown) = arguments
        .filter
        .iter()
        .find(|filter| !catalogue::all().any(|case| case.matches(filter)))
    {
        return Err(Code::UnknownFilter.because(format!(
            "no case and no area is called {unknown}, and no case is about it; see `list`"
        )));
    }
    let stated = ics.as_ref().map(|ics| &ics.atr);
    let atr = match arguments.atr.as_ref().or(stated) {
        Some(text) => {
            hex::decode(text).map_err(|e| Code::BadAtr.because(format!("--atr {text}: {e}")))?
        }
        None => REFERENCE_ATR.to_vec(),
    };
    let by_hand = is_by_hand(arguments);
    Ok(Options {
        settings: Settings {
            seed: arguments.seed.unwrap_or(1),
            atr,
        },
        filters: arguments.filter.clone(),
        level,
        waivers,
        thrift: Thrift {
            reuse: by_hand || arguments.reuse,
            most: (arguments.cards).or_else(|| by_hand.then_some(CARDS_BY_HAND)),
        },
        sample: Sample {
            serial: arguments.sample.clone(),
            batch: arguments.batch.clone(),
            operator: arguments.operator.clone(),
        },
        ics,
        ixit,
        jobs: jobs(arguments)?,
        most_time: arguments.max_time.map(Duration::from_secs),
        ..Options::default()
    })
}

/// How many cards are tested side by side.
fn jobs(arguments: &RunArguments) -> Result<Option<NonZeroUsize>, Failure> {
    let can =
        means(arguments).target == "emulator" && !arguments.reuse && arguments.cards.is_none();
    match arguments.jobs {
        None if can => Ok(thread::available_parallelism().ok()),
        Some(jobs) if jobs.get() > 1 && !can => Err(Code::BadTarget.because(
            "--jobs is for --target emulator, without --reuse and --cards: elsewhere there is one \
             card at a time",
        )),
        jobs => Ok(jobs),
    }
}

/// How far cards may be worn.
fn level(arguments: &RunArguments, serial: Option<&String>) -> Result<Level, Failure> {
    let free = costs_nothing(&means(arguments).target);
    let otherwise = if free || arguments.sacrificial {
        Level::D3
    } else {
        Level::D0
    };
    let level = arguments.level.map_or(otherwise, Level::from);
    if free || level == Level::D0 {
        return Ok(level);
    }
    if serial.is_none() {
        return Err(Code::BadLevel.because(format!(
            "level {level} wears the card in the reader: say what it is called (--sample SERIAL)"
        )));
    }
    if level == Level::D3 && !arguments.sacrificial {
        return Err(Code::BadLevel.because("level D3 uses cards up: --sacrificial allows it"));
    }
    Ok(level)
}

/// Whether a person changes cards.
fn is_by_hand(arguments: &RunArguments) -> bool {
    !costs_nothing(&means(arguments).target) && arguments.fresh_card_command.is_none()
}

/// The options, and where they say nothing those of the laboratory.
fn with(arguments: &RunArguments, ixit: Option<&Ixit>) -> RunArguments {
    ixit.map_or_else(|| arguments.clone(), |ixit| arguments.or(ixit))
}

fn run_as(
    arguments: &RunArguments,
    said: Vec<String>,
    begun: Option<Begun>,
) -> Result<Report, Failure> {
    let (ics, ixit) = statements(arguments, begun.as_ref())?;
    let mut options = options(arguments, ics, ixit)?;
    let arguments = &with(arguments, options.ixit.as_ref());
    let target = target(&means(arguments))?;
    if is_by_hand(arguments) && options.level == Level::D3 {
        announce(&options);
    }
    let folder = (arguments.report.as_deref())
        .map(Folder::create)
        .transpose()?;
    options.trace = folder.as_ref().map(Folder::trace);
    options.owners = folder.as_ref().map(Folder::owners);
    options.begun = begun;
    options.arguments = said;
    let so_far = SoFar::default();
    end_with_report(so_far.clone(), folder.clone());
    let mut progress = Terminal {
        line: io::stderr().is_terminal(),
        so_far,
        folder,
    };
    let report = run(target, &options, &mut progress)?;
    if let Some(folder) = &progress.folder {
        folder.write_page(&report)?;
    }
    conclude(&report);
    Ok(report)
}

/// What maker and laboratory say: as when the run began, where this one goes on with it.
fn statements(
    arguments: &RunArguments,
    begun: Option<&Begun>,
) -> Result<(Option<Ics>, Option<Ixit>), Failure> {
    if let Some(begun) = begun {
        return Ok((begun.report.ics.clone(), begun.report.ixit.clone()));
    }
    let ics = arguments.ics.as_deref().map(read_ics).transpose()?;
    let ixit = arguments.ixit.as_deref().map(read_ixit).transpose()?;
    Ok((ics, ixit))
}

fn means(arguments: &RunArguments) -> Means {
    let most = arguments
        .max_wait
        .map_or(Duration::MAX, Duration::from_secs);
    let seconds =
        |said: Option<u64>, otherwise| said.map_or(otherwise, Duration::from_secs).min(most);
    Means {
        target: arguments.target.clone().unwrap_or_default(),
        fresh_card_command: arguments.fresh_card_command.clone(),
        operator_timeout: seconds(arguments.operator_timeout, OPERATOR_TIMEOUT),
        card_timeout: seconds(arguments.card_timeout, CARD_TIMEOUT),
    }
}

/// Says how many cards a run by hand takes.
fn announce(options: &Options) {
    let order = ordered(&options.filters, true);
    let [others, blank] = [false, true].map(|blank| cards_needed(&order, blank));
    let most = options.thrift.most.unwrap_or(CARDS_BY_HAND);
    eprintln!(
        "{} cases. Cards that pass take {others}, or {blank} if nobody has personalised them; the \
         run may take {most} (--cards).",
        order.len()
    );
}
