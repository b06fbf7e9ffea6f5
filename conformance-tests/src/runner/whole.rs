//! A whole run: what is known of it so far, and what each case adds.

use super::Progress;
use super::one::{Runner, milliseconds};
use crate::card_under_test::Target;
use crate::case::Case;
use crate::context::CaseContext;
use crate::failure::{Code, Failure};
use crate::options::Options;
use crate::order::{PROOF, ordered};
use crate::recorder::Recorder;
use crate::report::{CardReport, CaseReport, Ended, Report, Wear};
use crate::supply::Supply;
use bitcoin::hashes::{Hash, sha256};
use std::cell::RefCell;
use std::fs;
use std::rc::Rc;
use std::time::Instant;

/// A case that comes, and its number in the run, from 0.
pub(super) type Numbered = (usize, &'static Case);

/// What a case gave, and what is known of the cards since.
pub(super) struct Given {
    pub(super) ended: CaseReport,
    /// What the first card of the run said of itself, where it was looked at.
    pub(super) card: Option<CardReport>,
    /// What the reader's driver says of itself.
    pub(super) driver: Option<String>,
    /// How often a card was made fresh again.
    pub(super) resets: u32,
    /// What was done to the cards that came after so many of this run.
    pub(super) wear: (u32, Vec<Wear>),
    /// Why no other case can be run.
    pub(super) failure: Option<Failure>,
}

impl Given {
    /// What a runner knows whose cards came after so many of this run.
    pub(super) fn by(runner: &Runner, ended: CaseReport, after: u32) -> Self {
        let supply = &runner.context.supply;
        Self {
            ended,
            card: runner.card.clone(),
            driver: supply.about().driver,
            resets: supply.resets(),
            wear: (after, supply.ledger.cards()),
            failure: runner.ended.clone(),
        }
    }
}

/// A run.
pub(super) struct Run<'a> {
    pub(super) began: Instant,
    pub(super) options: &'a Options,
    progress: &'a mut dyn Progress,
    order: Vec<&'static Case>,
    report: Report,
    pub(super) recorder: Rc<RefCell<Recorder>>,
    /// What was before an interruption.
    cards: u32,
    apdus: u64,
    time: u64,
    resets: u32,
}

impl<'a> Run<'a> {
    pub(super) fn begin(
        target: &dyn Target,
        options: &'a Options,
        progress: &'a mut dyn Progress,
    ) -> Result<Self, Failure> {
        let began = Instant::now();
        let order = ordered(&options.filters, options.thrift.reuse);
        let report = match &options.begun {
            Some(begun) => begun.report.clone().resumed(),
            None => Report::begin(target, options, order.len()),
        };
        let recorder = Recorder::new(options, &report.gathered).map_err(trace_failed)?;
        progress.stands(&report)?;
        Ok(Self {
            began,
            options,
            progress,
            order,
            cards: report.cards,
            apdus: report.apdus,
            time: report.milliseconds,
            resets: report.resets.unwrap_or_default(),
            report,
            recorder: Rc::new(RefCell::new(recorder)),
        })
    }

    /// The cases that have no verdict yet.
    pub(super) fn to_come(&self) -> Vec<Numbered> {
        let all = self.order.iter().copied().enumerate();
        all.filter(|(_, case)| !self.report.has(case.id)).collect()
    }

    /// Whether the time that the run may take is over.
    pub(super) fn is_over_time(&self) -> bool {
        (self.options.most_time).is_some_and(|most| self.began.elapsed() >= most)
    }

    /// Whether no other case is to be run.
    pub(super) const fn has_ended(&self) -> bool {
        self.report.ended.is_some()
    }

    /// This case is the next to have a verdict.
    pub(super) fn begins(&mut self, (number, case): Numbered) {
        self.progress.begins(case, number, self.order.len());
    }

    /// The time is up.
    pub(super) fn ends_over_time(&mut self) -> Result<(), Failure> {
        let reason = "the time that the run may take is over; --resume goes on with it";
        self.report.ended = Some(Ended::from(&Code::TimeIsUp.because(reason)));
        self.progress.stands(&self.report)
    }

    /// A case has its verdict, and the record has what it said to cards.
    pub(super) fn take(&mut self, given: Given) -> Result<(), Failure> {
        let report = &mut self.report;
        self.progress.ended(&given.ended);
        report.add(given.ended);
        if let Some(card) = &given.card {
            report.met(card);
        }
        report.driver = given.driver;
        let reuse = self.options.thrift.reuse;
        report.resets = reuse.then_some(self.resets + given.resets);
        report.ended = given.failure.as_ref().map(Ended::from);
        let (after, wear) = given.wear;
        report.wear.truncate((self.cards + after) as usize);
        report.wear.extend(wear);
        let mut recorder = self.recorder.borrow_mut();
        report.cards = self.cards + recorder.card();
        report.apdus = self.apdus + recorder.apdus();
        report.milliseconds = self.time + milliseconds(self.began);
        report.gathered = recorder.gathered();
        self.progress.stands(report)?;
        // Nobody goes on for a day without evidence.
        recorder.finish().map_err(trace_failed)
    }

    /// Runs these cases, unless the run has ended.
    pub(super) fn one_after_the_other(
        &mut self,
        target: Box<dyn Target>,
        cases: &[Numbered],
    ) -> Result<(), Failure> {
        let before = self.recorder.borrow().card();
        let begun = self.options.begun.as_ref();
        let mut supply = Supply::new(target, self.options.thrift, self.options.level);
        if begun.is_some() {
            supply.resume(
                self.cards,
                self.report.passed(PROOF) && self.report.gathered.searched.findings.is_empty(),
            );
        }
        let settings = self.options.settings.clone();
        let context = CaseContext::new(supply, settings, Rc::clone(&self.recorder));
        let mut runner = Runner::new(context, self.options.level, begun);
        if before > 0 {
            runner = runner.after_the_first();
        }
        for case in cases {
            if self.has_ended() {
                break;
            }
            if self.is_over_time() {
                self.ends_over_time()?;
                break;
            }
            self.begins(*case);
            let ended = runner.case(case.1);
            self.take(Given::by(&runner, ended, before))?;
        }
        runner.context.take_out();
        Ok(())
    }

    /// The report, with the digest of the trace.
    pub(super) fn finish(mut self) -> Result<Report, Failure> {
        self.recorder.borrow_mut().finish().map_err(trace_failed)?;
        if let Some(trace) = &self.options.trace {
            let bytes = fs::read(trace).map_err(trace_failed)?;
            let digest = sha256::Hash::hash(&bytes).to_byte_array();
            self.report.trace_sha256 = Some(hex::encode_upper(digest));
            self.progress.stands(&self.report)?;
        }
        Ok(self.report)
    }
}

fn trace_failed(error: impl std::fmt::Display) -> Failure {
    Code::ReportNotWritten.because(format!("the trace can't be written: {error}"))
}
