//! `tillcard-conform`: tells whether a card is a Tillcard.

use clap::{Parser, Subcommand};
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tillcard_conform::case::Case;
use tillcard_conform::context::{REFERENCE_ATR, Settings};
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::{CaseReport, Report, junit};
use tillcard_conform::runner::{Options, Progress, run};
use tillcard_conform::target::{EmulatorTarget, FreshCards, PcscTarget, Target};
use tillcard_conform::{catalogue, matrix};

/// Exit code of a run with FAIL, ERROR or INCONCLUSIVE.
const NOT_CONFORMING: u8 = 1;
/// Exit code when there was no run: a bad argument, no reader, a file that can't be written.
const NO_RUN: u8 = 2;

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
    /// run.
    Run(RunArguments),
}

#[derive(clap::Args)]
struct RunArguments {
    /// `emulator`, `pcsc`, or `pcsc:` and part of a reader's name.
    #[arg(long)]
    target: String,
    /// Where test values, and an emulated card's randomness, come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only cases whose id contains this, or that are about this requirement; may be repeated.
    #[arg(long)]
    filter: Vec<String>,
    /// Writes report.json, junit.xml and trace.jsonl (PINs redacted) into this folder.
    #[arg(long)]
    report: Option<PathBuf>,
    /// A command that keeps a card that was never issued in the reader until it gets SIGTERM; run
    /// anew for each card, with a number in TILLCARD_SEED. Without it, virtual readers get
    /// emulated cards, and at real ones you are asked.
    #[arg(long)]
    fresh_card_command: Option<String>,
    /// The ATR that the card's maker declares, in hexadecimal, if it isn't the reference card's.
    #[arg(long)]
    atr: Option<String>,
    /// The cards in the reader may be used up: issuing can't be undone.
    #[arg(long)]
    sacrificial: bool,
}

fn main() -> ExitCode {
    match Arguments::parse().action {
        Action::List { json } => print(&if json { list_json() } else { list_text() }),
        Action::Matrix => print(&matrix::markdown()),
        Action::Run(arguments) => match perform(&arguments) {
            Ok(report) if report.is_clean() => ExitCode::SUCCESS,
            Ok(_) => ExitCode::from(NOT_CONFORMING),
            Err(reason) => {
                eprintln!("tillcard-conform: {reason}");
                ExitCode::from(NO_RUN)
            }
        },
    }
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

fn perform(arguments: &RunArguments) -> Result<Report, String> {
    if let Some(unknown) = arguments
        .filter
        .iter()
        .find(|filter| !catalogue::all().any(|case| case.matches(filter)))
    {
        return Err(format!(
            "no case is called {unknown}, and none is about it; see `list`"
        ));
    }
    let atr = match &arguments.atr {
        Some(text) => hex::decode(text).map_err(|e| format!("--atr {text}: {e}"))?,
        None => REFERENCE_ATR.to_vec(),
    };
    let (target, consumable) = target(arguments)?;
    if let Some(folder) = &arguments.report {
        fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let options = Options {
        settings: Settings {
            seed: arguments.seed,
            atr,
        },
        filters: arguments.filter.clone(),
        sacrificial: arguments.sacrificial || consumable,
        trace: arguments
            .report
            .as_ref()
            .map(|folder| folder.join("trace.jsonl")),
    };
    let mut progress = Terminal {
        line: std::io::stderr().is_terminal(),
    };
    let report = run(target, &options, &mut progress)?;
    if let Some(folder) = &arguments.report {
        let json = serde_json::to_string_pretty(&report).map_err(|e| e.to_string())?;
        write(&folder.join("report.json"), &(json + "\n"))?;
        write(&folder.join("junit.xml"), &junit(&report))?;
    }
    print(&format!(
        "{}\n{}\n",
        report.summary_line(),
        if report.conforms {
            "The card conforms."
        } else if report.is_clean() {
            "Nothing found; only the whole catalogue says that a card conforms."
        } else if report.has_failures() {
            "The card does not conform."
        } else {
            "It isn't shown that the card conforms: some questions couldn't be asked."
        }
    ));
    Ok(report)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

/// The target, and whether its cards cost nothing.
fn target(arguments: &RunArguments) -> Result<(Box<dyn Target>, bool), String> {
    let reader = match arguments.target.as_str() {
        "emulator" => return Ok((Box::new(EmulatorTarget), true)),
        "pcsc" => None,
        other => Some(other.strip_prefix("pcsc:").ok_or_else(|| {
            format!("--target {other}: say emulator, pcsc, or pcsc: and part of a reader's name")
        })?),
    };
    let (context, reader) = PcscTarget::find(reader).map_err(|e| e.0)?;
    let fresh = match &arguments.fresh_card_command {
        Some(command) => FreshCards::shell(command),
        None => FreshCards::for_reader(&reader).map_err(|e| e.0)?,
    };
    let emulated = fresh.is_emulator();
    Ok((Box::new(PcscTarget::new(context, reader, fresh)), emulated))
}

/// Tells a person how the run goes.
struct Terminal {
    /// Whether one line can be written over again.
    line: bool,
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
}
