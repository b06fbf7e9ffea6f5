//! `tillcard-conform`: tells whether a card is a Tillcard.

mod program;

use clap::{Parser, Subcommand};
use program::arguments::{Form, JudgeArguments, ProbeArguments, RunArguments};
use program::judging::judge;
use program::performance::perform;
use program::results::{page, sign, verify};
use program::statements::write_first;
use program::terminal::{print, tell};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use tillcard_conform::failure::Failure;
use tillcard_conform::holder::hold;
use tillcard_conform::schema::File;
use tillcard_conform::{catalogue, matrix};

/// Exit code of a run with FAIL, ERROR or INCONCLUSIVE.
const NOT_CONFORMING: u8 = 1;
/// Exit code when there was no run: a bad argument, no reader, a file that can't be written.
const NO_RUN: u8 = 2;
/// Exit code when the card in the reader isn't one to test.
const UNFIT_CARD: u8 = 3;
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
    /// Writes ics.toml and ixit.toml, for --ics and --ixit, from what a card shows. Changes nothing
    /// on it.
    Probe(ProbeArguments),
    /// Prints the JSON Schema of a file.
    Schema {
        /// Which file.
        form: Form,
    },
    /// Gives the verdicts of a run anew, from its trace, without a card. Exit code 0: those of its
    /// report, and nothing stands in the way of conforming; 1: otherwise; 2: it couldn't be judged.
    Judge(JudgeArguments),
    /// Makes report.html of a folder anew, from report.json and trace.jsonl.
    Page {
        /// The folder.
        folder: PathBuf,
    },
    /// Signs the report of a folder with a laboratory's Ed25519 key: writes report.sig.
    Sign {
        /// The folder with report.json.
        folder: PathBuf,
        /// The private key (PKCS #8, PEM), such as `openssl genpkey -algorithm ed25519` makes.
        #[arg(long)]
        key: PathBuf,
    },
    /// Checks report.sig of a folder, and says what the report says. Exit code 0: this key signed
    /// it; 1: it didn't, or something was changed; 2: it couldn't be checked.
    Verify {
        /// The folder with report.json and report.sig.
        folder: PathBuf,
        /// The public key (PEM).
        #[arg(long)]
        key: PathBuf,
    },
    /// Runs a program until it ends or standard input closes.
    #[command(hide = true)]
    Hold {
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().action {
        Action::List { json } => print(&if json { list_json() } else { list_text() }),
        Action::Matrix => print(&matrix::markdown()),
        Action::Run(arguments) => match perform(&arguments) {
            Ok(report) if report.ended.is_some() => ExitCode::from(UNFIT_CARD),
            Ok(report) if report.is_clean() => ExitCode::SUCCESS,
            Ok(_) => ExitCode::from(NOT_CONFORMING),
            Err(reason) => no_run(reason),
        },
        Action::Probe(arguments) => write_first(&arguments).unwrap_or_else(no_run),
        Action::Judge(arguments) => judge(&arguments).unwrap_or_else(no_run),
        Action::Schema { form } => print(&File::from(form).schema()),
        Action::Page { folder } => page(&folder).unwrap_or_else(no_run),
        Action::Sign { folder, key } => sign(&folder, &key),
        Action::Verify { folder, key } => verify(&folder, &key),
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

fn no_run(reason: Failure) -> ExitCode {
    tell(&reason.to_string());
    ExitCode::from(NO_RUN)
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
