//! Verdicts on what a trace holds, without a card.

use crate::card::Owner;
use crate::card_under_test::{ReplayTarget, Tape};
use crate::failure::{Code, Failure};
use crate::options::Options;
use crate::report::{Begun, Report};
use crate::runner::run_quietly;
use std::path::Path;

/// Puts the cases to a trace as they were put to the cards, and judges them anew. `told` is the
/// report of that run, which knows what it was, and `owners` are the accounts' of its cards; of its
/// verdicts nothing is taken.
///
/// # Errors
/// When the trace can't be read, or is of another run.
pub fn judge(
    trace: &Path,
    told: &Report,
    owners: &[Owner],
    options: &Options,
) -> Result<Report, Failure> {
    let tape = Tape::open(trace)?;
    let mut begun = None;
    loop {
        let target = ReplayTarget::new(tape.clone(), &told.target);
        let options = Options {
            begun,
            trace: None,
            owners: None,
            jobs: None,
            most_time: None,
            ..options.clone()
        };
        let mut report = run_quietly(Box::new(target), &options)?;
        if let Some(misfit) = tape.misfit() {
            return Err(misfit);
        }
        let ends = format!("[{}]", Code::TraceEnds);
        report.keep(|case| (case.reason.as_deref()).is_none_or(|reason| !reason.contains(&ends)));
        let Some((count, done)) = tape.goes_on() else {
            return Ok(report.about_the_cards_of(told));
        };
        report.keep(|case| done.contains(&case.id));
        begun = Some(Begun {
            report,
            owners: owners.iter().take(count).cloned().collect(),
        });
    }
}
