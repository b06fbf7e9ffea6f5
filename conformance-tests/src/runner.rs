//! Runs cases: brings each to the card that it needs, and writes down what came of it.

use crate::case::{Case, Level, Start};
use crate::catalogue;
use crate::context::{CaseContext, Settings};
use crate::model::Profile;
use crate::outcome::{Outcome, Preamble, Step, Stop, Verdict, require};
use crate::recorder::Recorder;
use crate::report::{CaseReport, Report};
use crate::target::{Reset, Target};
use crate::values::Values;
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

/// The coins of the card that [`Start::Funded`] cases share, in sat, each at its own index.
pub const FUNDED: [u64; 20] = [
    200_000, 190_000, 180_000, 170_000, 160_000, 150_000, 140_000, 130_000, 120_000, 110_000,
    100_000, 90_000, 80_000, 70_000, 60_000, 50_000, 40_000, 30_000, 20_000, 10_000,
];

/// Which cases to run, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the tester says of the run.
    pub settings: Settings,
    /// Only the cases that one of these means; all when empty.
    pub filters: Vec<String>,
    /// Whether cards may be used up. When not, only cases of level D0 on a factory card run, and
    /// the rest are INCONCLUSIVE.
    pub sacrificial: bool,
    /// Where the trace goes.
    pub trace: Option<PathBuf>,
}

/// Hears how the run goes.
pub trait Progress {
    /// A case begins: the `done`th of `total`, from 0.
    fn begins(&mut self, case: &Case, done: usize, total: usize);
    /// A case ended.
    fn ended(&mut self, report: &CaseReport);
}

/// Which shared card is in the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shared {
    None,
    Factory,
    Issued,
    Funded,
}

struct Runner {
    context: CaseContext,
    shared: Shared,
    sacrificial: bool,
}

/// Runs the cases on cards of the target.
///
/// # Errors
/// When the trace can't be written; failures of cards and readers are verdicts.
pub fn run(
    target: Box<dyn Target>,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Report, String> {
    let began = Instant::now();
    let recorder =
        Recorder::new(options.trace.as_deref()).map_err(|e| format!("the trace: {e}"))?;
    let recorder = Rc::new(RefCell::new(recorder));
    let mut runner = Runner {
        context: CaseContext::new(target, options.settings.clone(), Rc::clone(&recorder)),
        shared: Shared::None,
        sacrificial: options.sacrificial,
    };
    let wanted = |case: &&Case| {
        options.filters.is_empty() || options.filters.iter().any(|filter| case.matches(filter))
    };
    let catalogued: Vec<&Case> = catalogue::all().filter(wanted).collect();
    // Cases that share a card stand together, so that few cards are used up.
    let mut order = catalogued.clone();
    order.sort_by_key(|case| case.start);

    let mut reports = Vec::with_capacity(order.len());
    for (done, case) in order.iter().enumerate() {
        progress.begins(case, done, order.len());
        let report = runner.case(case);
        progress.ended(&report);
        reports.push(report);
    }
    runner.context.take_out();
    recorder
        .borrow_mut()
        .finish()
        .map_err(|e| format!("the trace: {e}"))?;
    reports.sort_by_key(|report| catalogued.iter().position(|case| case.id == report.id));
    let recorder = recorder.borrow();
    Ok(Report::new(
        runner.context.target_name(),
        options,
        reports,
        recorder.card(),
        recorder.apdus(),
        began.elapsed(),
    ))
}

impl Runner {
    fn case(&mut self, case: &Case) -> CaseReport {
        let began = Instant::now();
        let apdus = self.apdus();
        let outcome = self
            .permit(case)
            .and_then(|()| self.prepare(case))
            .and_then(|()| (case.run)(&mut self.context))
            .and_then(|()| self.canary(case));
        if outcome.is_err() || !case.start.is_shared() {
            // Nobody knows what a failed case left behind, and an own card is used up.
            self.shared = Shared::None;
        }
        let (verdict, reason) = match outcome {
            Ok(()) => (Verdict::Pass, None),
            Err(stop) => {
                let (verdict, reason) = stop.into_parts();
                (verdict, Some(reason))
            }
        };
        let (notes, measurements) = self.context.take_margin();
        CaseReport {
            id: case.id.to_owned(),
            version: case.version,
            purpose: case.purpose.to_owned(),
            requirements: case
                .requirements
                .iter()
                .map(|req| req.id().to_owned())
                .collect(),
            start: case.start,
            level: case.level,
            defect: case.defect.to_owned(),
            verdict,
            reason,
            notes,
            measurements,
            apdus: self.apdus() - apdus,
            milliseconds: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn permit(&self, case: &Case) -> Outcome {
        if self.sacrificial || (case.start == Start::Factory && case.level == Level::D0) {
            return Ok(());
        }
        Err(Stop::Inconclusive(
            "not run: it uses up the card, which only --sacrificial allows on a real reader"
                .to_owned(),
        ))
    }

    fn prepare(&mut self, case: &Case) -> Step<()> {
        let shared = match case.start {
            Start::Factory => self.share_factory(),
            Start::Issued => self.share_issued(),
            Start::Funded => self.share_funded(),
            Start::Own | Start::AfterAll => {
                self.shared = Shared::None;
                self.context.begin_case(case.id);
                return self.context.fresh_card();
            }
        };
        self.context.begin_case(case.id);
        shared?;
        if case.start == Start::Factory {
            return self.context.card.reset(Reset::Cold);
        }
        self.context.card.power_cycle().preamble()
    }

    fn share_factory(&mut self) -> Step<()> {
        if self.shared != Shared::Factory {
            self.context.begin_case("shared card");
            self.context.fresh_card()?;
            self.shared = Shared::Factory;
        }
        Ok(())
    }

    fn share_issued(&mut self) -> Step<()> {
        if self.shared != Shared::Issued {
            self.share_factory()?;
            self.context.begin_case("shared card");
            let profile = standard_profile(&self.context.values)?;
            self.context.prepare(&profile)?;
            self.shared = Shared::Issued;
        }
        Ok(())
    }

    fn share_funded(&mut self) -> Step<()> {
        if self.shared != Shared::Funded {
            self.share_issued()?;
            self.context.begin_case("shared card");
            let mut stream = self.context.values.stream("coins");
            self.context.card.power_cycle().preamble()?;
            self.context.card.fund(&mut stream, &FUNDED)?;
            self.shared = Shared::Funded;
        }
        Ok(())
    }

    /// A case on a shared card must leave it as it found it; otherwise it is the case that fails,
    /// not an innocent one after it.
    fn canary(&mut self, case: &Case) -> Outcome {
        if !case.start.is_shared() {
            return Ok(());
        }
        let request_of = self.context.requests();
        let card = &mut self.context.card;
        let looked = card.power_cycle().and_then(|()| match case.start {
            Start::Factory => {
                let status = card.status()?;
                require!(
                    status == crate::card::Status::Factory,
                    "the card says that it was issued"
                );
                Ok(())
            }
            _ => {
                card.expect_tries(3, "after the case")?;
                let request = request_of(50_000);
                card.preview_checked(&request)?.ok();
                card.verify_right()?;
                let index = card.host()?.purse.next_receive;
                card.expect_receive_script(index)
            }
        });
        looked.map_err(|stop| stop.at("the card isn't as it was before the case"))
    }

    fn apdus(&self) -> u64 {
        self.context.recorder.borrow().apdus()
    }
}

fn standard_profile(values: &Values) -> Step<Profile> {
    Profile::new(values, "standard")
}
