//! Runs cases, one after the other, and keeps the report.

mod one;

pub use one::FUNDED;

use crate::card_under_test::Target;
use crate::case::{Case, Level};
use crate::context::{CaseContext, Settings};
use crate::failure::{Code, Failure};
use crate::options::Options;
use crate::order::{PROOF, ordered};
use crate::recorder::Recorder;
use crate::report::{CaseReport, Ended, Report};
use crate::supply::Supply;
use bitcoin::hashes::{Hash, sha256};
use one::{Runner, milliseconds};
use std::cell::RefCell;
use std::fs;
use std::rc::Rc;
use std::time::Instant;

/// Hears how the run goes.
pub trait Progress {
    /// A case begins: the `done`th of `total`, from 0.
    fn begins(&mut self, case: &Case, done: usize, total: usize);
    /// A case ended.
    fn ended(&mut self, report: &CaseReport);
    /// What came of the run so far: before the first case, and after each.
    ///
    /// # Errors
    /// When it can't be kept, which ends the run.
    fn stands(&mut self, report: &Report) -> Result<(), Failure>;
}

/// Says nothing of how a run goes.
struct Silent;

impl Progress for Silent {
    fn begins(&mut self, _: &Case, _: usize, _: usize) {}
    fn ended(&mut self, _: &CaseReport) {}
    fn stands(&mut self, _: &Report) -> Result<(), Failure> {
        Ok(())
    }
}

/// Runs the cases that a filter means, or all without filters, on cards of the target, and says
/// nothing meanwhile. The cards are given up for it.
///
/// # Panics
/// Never: only a trace could fail a run, and there is none.
#[must_use]
pub fn run_silently(target: Box<dyn Target>, seed: u64, filters: &[&str]) -> Report {
    let options = Options {
        settings: Settings {
            seed,
            ..Settings::default()
        },
        filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
        level: Level::D3,
        ..Options::default()
    };
    run_quietly(target, &options).expect("a run without a trace can't fail")
}

/// Runs cases, and says nothing meanwhile.
///
/// # Errors
/// As for [`run`].
pub(crate) fn run_quietly(target: Box<dyn Target>, options: &Options) -> Result<Report, Failure> {
    run(target, options, &mut Silent)
}

/// Runs the cases on cards of the target, those that have no verdict yet. The report isn't complete
/// when the first card isn't one that can be tested, when there is no card any more, or when the
/// time is up.
///
/// # Errors
/// When report or trace can't be written; failures of cards and readers are verdicts.
pub fn run(
    target: Box<dyn Target>,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Report, Failure> {
    let began = Instant::now();
    let order = ordered(&options.filters, options.thrift.reuse);
    let begun = options.begun.as_ref();
    let mut report = match begun {
        Some(begun) => begun.report.clone().resumed(),
        None => Report::begin(target.as_ref(), options, order.len()),
    };
    let (cards, apdus, time) = (report.cards, report.apdus, report.milliseconds);
    let resets = report.resets.unwrap_or_default();
    let recorder = Recorder::new(options, &report.gathered).map_err(trace_failed)?;
    let recorder = Rc::new(RefCell::new(recorder));
    progress.stands(&report)?;
    let mut supply = Supply::new(target, options.thrift, options.level);
    if begun.is_some() {
        supply.resume(
            cards,
            report.passed(PROOF) && report.gathered.searched.findings.is_empty(),
        );
    }
    let context = CaseContext::new(supply, options.settings.clone(), Rc::clone(&recorder));
    let mut runner = Runner::new(context, options.level, begun);
    for (done, case) in order.iter().enumerate() {
        if report.has(case.id) {
            continue;
        }
        if options
            .most_time
            .is_some_and(|most| began.elapsed() >= most)
        {
            let reason = "the time that the run may take is over; --resume goes on with it";
            report.ended = Some(Ended::from(&Code::TimeIsUp.because(reason)));
            progress.stands(&report)?;
            break;
        }
        progress.begins(case, done, order.len());
        let ended = runner.case(case);
        progress.ended(&ended);
        report.add(ended);
        if let Some(card) = &runner.card {
            report.met(card);
        }
        let supply = &runner.context.supply;
        report.driver = supply.about().driver;
        report.resets = (options.thrift.reuse).then(|| resets + supply.resets());
        report.ended = runner.ended.as_ref().map(Ended::from);
        report.wear.truncate(cards as usize);
        report.wear.extend(supply.ledger.cards());
        report.cards = cards + recorder.borrow().card();
        report.apdus = apdus + recorder.borrow().apdus();
        report.milliseconds = time + milliseconds(began);
        report.gathered = recorder.borrow().gathered();
        progress.stands(&report)?;
        // Nobody goes on for a day without evidence.
        recorder.borrow_mut().finish().map_err(trace_failed)?;
        if runner.ended.is_some() {
            break;
        }
    }
    runner.context.take_out();
    recorder.borrow_mut().finish().map_err(trace_failed)?;
    if let Some(trace) = &options.trace {
        let bytes = fs::read(trace).map_err(trace_failed)?;
        let digest = sha256::Hash::hash(&bytes).to_byte_array();
        report.trace_sha256 = Some(hex::encode_upper(digest));
        progress.stands(&report)?;
    }
    Ok(report)
}

fn trace_failed(error: impl std::fmt::Display) -> Failure {
    Code::ReportNotWritten.because(format!("the trace can't be written: {error}"))
}
