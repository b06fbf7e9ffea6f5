//! What a person sees of a run, and what stays of one that a signal ends.

use std::io::Write;
use std::process::{self, ExitCode};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tillcard_conform::case::Case;
use tillcard_conform::failure::{Code, Failure};
use tillcard_conform::interrupt::on_interruption;
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::{CaseReport, Ended, Folder, Report};
use tillcard_conform::runner::Progress;

/// Tells what went wrong.
pub fn tell(reason: &str) {
    eprintln!("tillcard-conform: {reason}");
}

/// Prints to standard output; whoever closed it early has what he wanted.
pub fn print(text: &str) -> ExitCode {
    drop(std::io::stdout().write_all(text.as_bytes()));
    ExitCode::SUCCESS
}

/// Says how the run went.
pub fn conclude(report: &Report) {
    let verdict = match &report.ended {
        Some(ended) => format!("The run ended early: {} [{}]", ended.reason, ended.code),
        None if report.has_failures() && report.is_clean() => {
            "The card does not conform; what diverges is waived.".to_owned()
        }
        None if report.has_failures() => "The card does not conform.".to_owned(),
        None if !report.is_as_stated() => {
            "The card isn't what its maker says: see the lines above.".to_owned()
        }
        None if report.conforms => "The card conforms.".to_owned(),
        None if report.is_clean() => {
            "Nothing found; only the whole catalogue says that a card conforms.".to_owned()
        }
        None => {
            "It isn't shown that the card conforms: some questions couldn't be asked.".to_owned()
        }
    };
    let undeclared = match report.undeclared {
        0 => String::new(),
        count => format!(
            "{count} cases ({} % of the catalogue) weren't asked, since the card doesn't declare what \
             they are about.\n",
            count * 100 / report.catalogue.max(1)
        ),
    };
    let not_put = (report.not_put()).map_or(String::new(), |line| line + "\n");
    let waived: String = (report.waivers.iter())
        .map(|waived| format!("{waived}\n"))
        .collect();
    print(&format!(
        "{}\n{not_put}{undeclared}{}{waived}{verdict}\n",
        report.summary_line(),
        differences(report)
    ));
}

/// Where the card isn't what its maker says.
fn differences(report: &Report) -> String {
    let Some(found) = &report.declaration else {
        return String::new();
    };
    let kinds = [
        ("Stated and not declared by the card", &found.over),
        ("Declared by the card and not stated", &found.under),
        ("Otherwise than stated", &found.other),
    ];
    (kinds.iter())
        .filter(|(_, what)| !what.is_empty())
        .map(|(kind, what)| format!("{kind}: {}.\n", what.join("; ")))
        .collect()
}

/// The report of the run so far, for whoever ends it.
#[derive(Clone, Default)]
pub struct SoFar(Arc<Mutex<Option<Report>>>);

impl SoFar {
    fn lock(&self) -> MutexGuard<'_, Option<Report>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ctrl-C and SIGTERM end the run, with a report of what there is. The card's program, if the
/// suite started one, ends with this one.
pub fn end_with_report(so_far: SoFar, folder: Option<Folder>) {
    let caught = on_interruption(move |interruption| {
        // Held until the end: nothing is written after this.
        let mut report = so_far.lock();
        if let Some(report) = report.as_mut().filter(|report| !report.complete) {
            let reason = format!("{} ended the run", interruption.name());
            report.ended = Some(Ended::from(&Code::Interrupted.because(reason)));
            let written = |folder: &Folder| {
                folder.write(report)?;
                folder.write_page(report)
            };
            if let Some(Err(failure)) = folder.as_ref().map(written) {
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

/// Tells a person how the run goes, and keeps the report.
pub struct Terminal {
    /// Whether one line can be written over again.
    pub line: bool,
    /// For whoever ends the run.
    pub so_far: SoFar,
    /// Where the report goes.
    pub folder: Option<Folder>,
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
