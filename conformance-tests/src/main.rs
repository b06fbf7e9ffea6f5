//! `tillcard-conform`: tells whether a card is a Tillcard.

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tillcard_conform::card_under_test::{
    Choice, CommandTarget, EmulatorTarget, FreshCards, Operator, PcscTarget, Target,
    beside_this_program,
};
use tillcard_conform::case::Case;
use tillcard_conform::context::{REFERENCE_ATR, Settings};
use tillcard_conform::failure::{Code, Failure};
use tillcard_conform::holder::{hold, this_program};
use tillcard_conform::interrupt::on_interruption;
use tillcard_conform::options::Options;
use tillcard_conform::order::{cards_needed, ordered};
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::{CaseReport, Ended, Folder, Report, Sample};
use tillcard_conform::runner::{Progress, run};
use tillcard_conform::supply::Thrift;
use tillcard_conform::{catalogue, matrix};

/// Exit code of a run with FAIL, ERROR or INCONCLUSIVE.
const NOT_CONFORMING: u8 = 1;
/// Exit code when there was no run: a bad argument, no reader, a file that can't be written.
const NO_RUN: u8 = 2;
/// Exit code when the card in the reader isn't one to test.
const UNFIT_CARD: u8 = 3;
/// Cards that a run by hand may take when nobody says otherwise: enough for the whole catalogue.
const CARDS_BY_HAND: u32 = 6;
/// Exit code of `hold` when there is no such program, as shells have it.
const NO_PROGRAM: u8 = 127;

/// Tells whether a card is a Tillcard, by APDUs and power alone.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Lists the cases.
    List {
        /// As one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Prints the matrix of requirements and cases, as Markdown.
    Matrix,
    /// Runs cases. Exit code 0: nothing stands in the way of conforming; 1: something does; 2: no
    /// run; 3: the card isn't one to test (no Tillcard application, or issued already); 130, 143:
    /// ended by Ctrl-C, SIGTERM.
    Run(Box<RunArguments>),
    /// Runs a program until it ends or standard input closes.
    #[command(hide = true)]
    Hold {
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
}

#[derive(clap::Args)]
struct RunArguments {
    /// `emulator`: the reference card, in process. `pcsc` or `pcsc:READER`: the cards in a reader.
    /// `emulator-pcsc` or `emulator-pcsc:READER`: the reference card, in a virtual reader. READER
    /// is part of a reader's name. `command:LINE`: a program that answers for cards on its
    /// standard input and output (docs/conformance.md).
    #[arg(long)]
    target: String,
    /// Where test values, and an emulated card's randomness, come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this case (TC-PIN-03), the cases of this area (PIN or TC-PIN), or those about this
    /// requirement (PIN-3); may be repeated.
    #[arg(long)]
    filter: Vec<String>,
    /// Writes report.json, junit.xml and trace.jsonl (PINs redacted) into this folder.
    #[arg(long)]
    report: Option<PathBuf>,
    /// A command that keeps a card that was never issued in the reader until it gets SIGTERM; run
    /// by sh anew for each card, with a number in TILLCARD_SEED. Without it you are asked.
    #[arg(long)]
    fresh_card_command: Option<String>,
    /// How many seconds you have to change cards.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    operator_timeout: u64,
    /// How many seconds the card has for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    card_timeout: u64,
    /// What the sample is called, for the report.
    #[arg(long, value_name = "SERIAL")]
    sample: Option<String>,
    /// The batch that the sample is of, for the report.
    #[arg(long)]
    batch: Option<String>,
    /// Who runs the test, for the report.
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// The ATR that the card's maker declares, in hexadecimal, if it isn't the reference card's.
    #[arg(long)]
    atr: Option<String>,
    /// Uses a card again after FACTORY RESET, once TC-RST-01 has passed; so it is always when you
    /// change cards by hand.
    #[arg(long)]
    reuse: bool,
    /// The most cards that the run may take; 6 when you change them by hand.
    #[arg(long, value_name = "NUMBER")]
    cards: Option<u32>,
    /// The cards in the reader may be used up: issuing can't be undone.
    #[arg(long)]
    sacrificial: bool,
}

fn main() -> ExitCode {
    match Arguments::parse().action {
        Action::List { json } => print(&if json { list_json() } else { list_text() }),
        Action::Matrix => print(&matrix::markdown()),
        Action::Run(arguments) => match perform(&arguments) {
            Ok(report) if report.ended.is_some() => ExitCode::from(UNFIT_CARD),
            Ok(report) if report.is_clean() => ExitCode::SUCCESS,
            Ok(_) => ExitCode::from(NOT_CONFORMING),
            Err(reason) => {
                tell(&reason.to_string());
                ExitCode::from(NO_RUN)
            }
        },
        Action::Hold { command } => match command.split_first() {
            Some((program, arguments)) => match hold(program, arguments) {
                Ok(code) => ExitCode::from(code),
                Err(e) => {
                    tell(&format!("{} can't be started: {e}", program.display()));
                    ExitCode::from(NO_PROGRAM)
                }
            },
            None => ExitCode::from(NO_PROGRAM),
        },
    }
}

fn tell(reason: &str) {
    eprintln!("tillcard-conform: {reason}");
}

/// Prints to standard output; whoever closed it early has what he wanted.
fn print(text: &str) -> ExitCode {
    drop(std::io::stdout().write_all(text.as_bytes()));
    ExitCode::SUCCESS
}

fn list_text() -> String {
    catalogue::all()
        .map(|case| {
            let requirements: Vec<&str> = case.requirements.iter().map(|req| req.id()).collect();
            format!(
                "{}  {:<9} {}  {}\n    {}\n",
                case.id,
                case.start,
                case.level,
                requirements.join(" "),
                case.purpose
            )
        })
        .collect()
}

fn list_json() -> String {
    let cases: Vec<serde_json::Value> = catalogue::all()
        .map(|case| {
            serde_json::json!({
                "id": case.id,
                "version": case.version,
                "purpose": case.purpose,
                "requirements": case.requirements.iter().map(|req| req.id()).collect::<Vec<_>>(),
                "start": case.start,
                "level": case.level,
                "defect": case.defect,
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Array(cases))
}

fn perform(arguments: &RunArguments) -> Result<Report, Failure> {
    if let Some(unknown) = arguments
        .filter
        .iter()
        .find(|filter| !catalogue::all().any(|case| case.matches(filter)))
    {
        return Err(Code::UnknownFilter.because(format!(
            "no case and no area is called {unknown}, and no case is about it; see `list`"
        )));
    }
    let atr = match &arguments.atr {
        Some(text) => {
            hex::decode(text).map_err(|e| Code::BadAtr.because(format!("--atr {text}: {e}")))?
        }
        None => REFERENCE_ATR.to_vec(),
    };
    let (target, consumable) = target(arguments)?;
    let by_hand = !consumable && arguments.fresh_card_command.is_none();
    let thrift = Thrift {
        reuse: by_hand || arguments.reuse,
        most: (arguments.cards).or_else(|| by_hand.then_some(CARDS_BY_HAND)),
    };
    if by_hand && arguments.sacrificial {
        announce(&arguments.filter, thrift);
    }
    let folder = (arguments.report.as_deref())
        .map(Folder::create)
        .transpose()?;
    let options = Options {
        settings: Settings {
            seed: arguments.seed,
            atr,
        },
        filters: arguments.filter.clone(),
        sacrificial: arguments.sacrificial || consumable,
        thrift,
        trace: folder.as_ref().map(Folder::trace),
        sample: Sample {
            serial: arguments.sample.clone(),
            batch: arguments.batch.clone(),
            operator: arguments.operator.clone(),
        },
        arguments: std::env::args().skip(1).collect(),
    };
    let so_far = SoFar::default();
    end_with_report(so_far.clone(), folder.clone());
    let mut progress = Terminal {
        line: io::stderr().is_terminal(),
        so_far,
        folder,
    };
    let report = run(target, &options, &mut progress)?;
    conclude(&report);
    Ok(report)
}

/// Says how many cards a run by hand takes.
fn announce(filters: &[String], thrift: Thrift) {
    let order = ordered(filters, true);
    let [others, blank] = [false, true].map(|blank| cards_needed(&order, blank));
    let most = thrift.most.unwrap_or(CARDS_BY_HAND);
    eprintln!(
        "{} cases. Cards that pass take {others}, or {blank} if nobody has personalised them; the \
         run may take {most} (--cards).",
        order.len()
    );
}

/// Says how the run went.
fn conclude(report: &Report) {
    let verdict = match &report.ended {
        Some(ended) => format!("The run ended early: {} [{}]", ended.reason, ended.code),
        None if report.conforms => "The card conforms.".to_owned(),
        None if report.is_clean() => {
            "Nothing found; only the whole catalogue says that a card conforms.".to_owned()
        }
        None if report.has_failures() => "The card does not conform.".to_owned(),
        None => {
            "It isn't shown that the card conforms: some questions couldn't be asked.".to_owned()
        }
    };
    print(&format!("{}\n{verdict}\n", report.summary_line()));
}

/// The report of the run so far, for whoever ends it.
#[derive(Clone, Default)]
struct SoFar(Arc<Mutex<Option<Report>>>);

impl SoFar {
    fn lock(&self) -> MutexGuard<'_, Option<Report>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ctrl-C and SIGTERM end the run, with a report of what there is. The card's program, if the
/// suite started one, ends with this one.
fn end_with_report(so_far: SoFar, folder: Option<Folder>) {
    let caught = on_interruption(move |interruption| {
        // Held until the end: nothing is written after this.
        let mut report = so_far.lock();
        if let Some(report) = report.as_mut().filter(|report| !report.complete) {
            let reason = format!("{} ended the run", interruption.name());
            report.ended = Some(Ended::from(&Code::Interrupted.because(reason)));
            if let Some(Err(failure)) = folder.as_ref().map(|folder| folder.write(report)) {
                tell(&failure.to_string());
            }
            eprintln!();
            conclude(report);
        }
        process::exit(interruption.exit_code());
    });
    if let Err(e) = caught {
        // Then a signal ends the program at once, and the last report written stays.
        tell(&format!("signals can't be caught: {e}"));
    }
}

/// The target, and whether its cards cost nothing.
fn target(arguments: &RunArguments) -> Result<(Box<dyn Target>, bool), Failure> {
    let (kind, name) = match arguments.target.split_once(':') {
        Some((kind, name)) => (kind, Some(name)),
        None => (arguments.target.as_str(), None),
    };
    let own = match (kind, name) {
        ("emulator", None) => None,
        ("command", Some(_)) => None,
        ("emulator-pcsc", _) => Some(true),
        ("pcsc", _) => Some(false),
        _ => {
            return Err(Code::BadTarget.because(format!(
                "--target {}: say emulator, pcsc, pcsc:READER, emulator-pcsc, emulator-pcsc:READER \
                 or command:LINE",
                arguments.target
            )));
        }
    };
    if own != Some(false) && arguments.fresh_card_command.is_some() {
        return Err(Code::BadTarget.because(
            "--fresh-card-command is for --target pcsc: the other targets make their cards",
        ));
    }
    let Some(own) = own else {
        let target: Box<dyn Target> = match (kind, name) {
            ("command", Some(line)) => Box::new(CommandTarget::new(line)?),
            _ => Box::new(EmulatorTarget),
        };
        return Ok((target, true));
    };
    let choice = if own { Choice::Virtual } else { Choice::Any };
    let (context, reader) = PcscTarget::find(name, choice)?;
    let fresh = match &arguments.fresh_card_command {
        _ if own => FreshCards::emulator(
            beside_this_program("tillcard-emu")?,
            &reader,
            this_program(),
        ),
        Some(command) => FreshCards::shell(command, this_program()),
        None => FreshCards::Operator(Operator {
            patience: Duration::from_secs(arguments.operator_timeout),
            terminal: io::stderr().is_terminal(),
        }),
    };
    let patience = Duration::from_secs(arguments.card_timeout);
    let target = PcscTarget::new(context, reader, fresh, patience);
    Ok((Box::new(target), own))
}

/// Tells a person how the run goes, and keeps the report.
struct Terminal {
    /// Whether one line can be written over again.
    line: bool,
    so_far: SoFar,
    folder: Option<Folder>,
}

impl Progress for Terminal {
    fn begins(&mut self, case: &Case, done: usize, total: usize) {
        if self.line {
            eprint!("\r\x1b[K[{done}/{total}] {}", case.id);
        }
    }

    fn ended(&mut self, report: &CaseReport) {
        if self.line && report.verdict == Verdict::Pass {
            return;
        }
        let start = if self.line { "\r\x1b[K" } else { "" };
        let reason = report
            .reason
            .as_deref()
            .map(|reason| format!("  {reason}"))
            .unwrap_or_default();
        eprintln!("{start}{} {:<12}{reason}", report.id, report.verdict);
    }

    fn stands(&mut self, report: &Report) -> Result<(), Failure> {
        let mut so_far = self.so_far.lock();
        *so_far = Some(report.clone());
        self.folder
            .as_ref()
            .map_or(Ok(()), |folder| folder.write(report))
    }
}
