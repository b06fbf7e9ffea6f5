//! Reports: what a manufacturer shows to a customer.

mod card;
mod case;
mod figure;
mod files;
mod junit;
mod page;
mod place;
mod wear;

pub use card::{CardReport, CertificateReport, Sample};
pub use case::CaseReport;
pub use figure::{Cut, Figure, Series};
pub use files::Folder;
pub use junit::junit;
pub(crate) use page::command_name;
pub use page::{Evidence, page};
pub use wear::Wear;

use crate::card::Owner;
use crate::card_under_test::Target;
use crate::case::{Level, Start};
use crate::catalogue;
use crate::failure::Failure;
use crate::leak::Searched;
use crate::options::Options;
use crate::outcome::{BEYOND_TARGET, Verdict};
use crate::proforma::{Declaration, Ics, Ixit};
use crate::waivers::{Standing, Waived};
use place::{host, now};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Raised when a reader of reports must know of a change.
const SCHEMA: &str = "tillcard-conform-report/4";

/// So many questions that weren't put are named in a summary.
const NAMED: usize = 12;

/// What the cases that come after all others judge. Answers are hexadecimal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Gathered {
    /// The ATRs of all cards.
    pub atrs: BTreeSet<String>,
    /// Their answers to SELECT.
    pub selects: BTreeSet<String>,
    /// What the search for leaks gave.
    pub searched: Searched,
}

/// A run that goes on.
#[derive(Clone)]
pub struct Begun {
    /// The report so far.
    pub report: Report,
    /// Who may own the card in the reader, the last one last.
    pub owners: Vec<Owner>,
}

/// Why a run ended before its last case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// A code of `docs/errors/conformance.md`.
    pub code: String,
    /// What happened.
    pub reason: String,
}

impl From<&Failure> for Ended {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code.to_string(),
            reason: failure.reason.clone(),
        }
    }
}

/// What came of a run, or of a run so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// `tillcard-conform-report/4`.
    pub schema: String,
    /// The suite's version.
    pub suite: String,
    /// The version of the protocol text, major.minor.
    pub protocol: String,
    /// `emulator`, or `pcsc:` and the reader's name.
    pub target: String,
    /// The reader's name, where there is a reader.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reader: Option<String>,
    /// What the reader's driver says of itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub driver: Option<String>,
    /// Which sample was tested, and by whom.
    pub sample: Sample,
    /// The version of the suite's own emulator, if the cards are its.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub emulator: Option<String>,
    /// The operating system of the computer that ran the suite.
    pub host: String,
    /// When the run began, in the form of RFC 3339, UTC.
    pub started: String,
    /// The program's arguments.
    pub arguments: Vec<String>,
    /// What the card's maker says of it, where that was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ics: Option<Ics>,
    /// How it is tested here, where that was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ixit: Option<Ixit>,
    /// The maker's statement against what the first card declares, where there are both.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub declaration: Option<Declaration>,
    /// How far cards might be worn.
    pub level: Level,
    /// What was done to each card, in the order in which they came.
    pub wear: Vec<Wear>,
    /// Divergences that are put up with.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub waivers: Vec<Waived>,
    /// What the first card said of itself, once there was one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card: Option<CardReport>,
    /// Where all test values came from.
    pub seed: u64,
    /// What was asked for; empty means the whole catalogue.
    pub filters: Vec<String>,
    /// When the run went on after an interruption.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub resumed: Vec<String>,
    /// What the cases that come after all others judge.
    pub gathered: Gathered,
    /// Cards used.
    pub cards: u32,
    /// Where cards were used again: how often FACTORY RESET made one fresh for another case, which
    /// it was trusted to do after TC-RST-01 had passed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resets: Option<u32>,
    /// Commands sent.
    pub apdus: u64,
    /// SHA-256 of the trace, once the run has ended, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trace_sha256: Option<String>,
    /// How long the run took.
    pub milliseconds: u64,
    /// How long the cases of each area took together, in milliseconds.
    pub areas: BTreeMap<String, u64>,
    /// Cases in the catalogue.
    pub catalogue: usize,
    /// Cases asked for.
    pub wanted: usize,
    /// Whether every case asked for has a verdict.
    pub complete: bool,
    /// Why the run ended before that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended: Option<Ended>,
    /// How many cases had each verdict.
    pub summary: BTreeMap<String, usize>,
    /// Cases that weren't asked because the card doesn't declare what they are about.
    pub undeclared: usize,
    /// Whether the whole catalogue ran, without FAIL, ERROR or INCONCLUSIVE, and the card declares
    /// what its maker says.
    pub conforms: bool,
    /// Every case that ran, in the catalogue's order.
    pub cases: Vec<CaseReport>,
}

impl Report {
    /// A run that begins now, with so many cases to come.
    pub(crate) fn begin(target: &dyn Target, options: &Options, wanted: usize) -> Self {
        let [major, minor] = crate::card::VERSION;
        let about = target.about();
        let own = about.own_emulator;
        let mut report = Self {
            schema: SCHEMA.to_owned(),
            suite: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: format!("{major}.{minor}"),
            target: target.name(),
            reader: about.reader,
            driver: about.driver,
            sample: options.sample.clone(),
            // Suite and emulator are built together.
            emulator: own.then(|| env!("CARGO_PKG_VERSION").to_owned()),
            host: host(),
            started: now(),
            arguments: options.arguments.clone(),
            ics: options.ics.clone(),
            ixit: options.ixit.clone(),
            declaration: None,
            level: options.level,
            wear: Vec::new(),
            waivers: (options.waivers.iter().cloned()).map(Waived::new).collect(),
            card: None,
            seed: options.settings.seed,
            filters: options.filters.clone(),
            resumed: Vec::new(),
            gathered: Gathered::default(),
            cards: 0,
            resets: None,
            apdus: 0,
            trace_sha256: None,
            milliseconds: 0,
            areas: BTreeMap::new(),
            catalogue: catalogue::all().count(),
            wanted,
            complete: false,
            ended: None,
            summary: BTreeMap::new(),
            undeclared: 0,
            conforms: false,
            cases: Vec::with_capacity(wanted),
        };
        report.count();
        report
    }

    /// The run goes on now.
    pub(crate) fn resumed(mut self) -> Self {
        self.resumed.push(now());
        self.ended = None;
        self.trace_sha256 = None;
        self
    }

    /// Takes the verdicts back that stand in the way of conforming, and those on the whole run.
    pub fn forget_failed(&mut self) {
        if self.cases.iter().all(|case| case.verdict.conforms()) {
            return;
        }
        (self.cases).retain(|case| case.verdict.conforms() && case.start != Start::AfterAll);
        self.count();
    }

    /// Takes the verdicts back that aren't to be kept.
    pub(crate) fn keep(&mut self, kept: impl Fn(&CaseReport) -> bool) {
        self.cases.retain(kept);
        self.count();
    }

    /// This report, about the cards and the run that the other is about.
    pub(crate) fn about_the_cards_of(self, other: &Self) -> Self {
        Self {
            reader: other.reader.clone(),
            driver: other.driver.clone(),
            emulator: other.emulator.clone(),
            sample: other.sample.clone(),
            host: other.host.clone(),
            started: other.started.clone(),
            resumed: other.resumed.clone(),
            ended: other.ended.clone(),
            trace_sha256: other.trace_sha256.clone(),
            ..self
        }
    }

    /// Whether what is said of all cases together follows from them.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let mut again = self.clone();
        again.count();
        again == *self
    }

    /// Whether a case has a verdict.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.cases.iter().any(|case| case.id == id)
    }

    /// Whether a case has the verdict PASS.
    #[must_use]
    pub fn passed(&self, id: &str) -> bool {
        (self.cases.iter()).any(|case| case.id == id && case.verdict == Verdict::Pass)
    }

    /// The first card of the run said this of itself.
    pub(crate) fn met(&mut self, card: &CardReport) {
        if self.card.is_none() {
            self.card = Some(card.clone());
            self.count();
        }
    }

    /// One more case has a verdict.
    pub(crate) fn add(&mut self, case: CaseReport) {
        let position = |id: &str| catalogue::all().position(|case| case.id == id);
        let own = position(&case.id);
        let at = (self.cases).partition_point(|before| position(&before.id) < own);
        self.cases.insert(at, case);
        self.count();
    }

    fn count(&mut self) {
        self.summary = (Verdict::ALL.iter())
            .map(|verdict| {
                let cases = self.cases.iter();
                let count = cases.filter(|case| case.verdict == *verdict).count();
                (verdict.to_string(), count)
            })
            .collect();
        let undeclared = |case: &&CaseReport| {
            let reason = case.reason.as_deref().unwrap_or_default();
            case.verdict == Verdict::NotApplicable && !reason.contains(BEYOND_TARGET)
        };
        self.undeclared = self.cases.iter().filter(undeclared).count();
        self.areas.clear();
        for case in &self.cases {
            *self.areas.entry(case.area().to_owned()).or_default() += case.milliseconds;
        }
        self.declaration = (self.ics.as_ref().zip(self.card.as_ref()))
            .map(|(ics, card)| Declaration::compare(ics, card));
        for waived in &mut self.waivers {
            waived.standing = waived.waiver.standing(&self.cases, &self.started);
        }
        self.complete = self.cases.len() == self.wanted;
        self.conforms = self.cases.len() == self.catalogue
            && self.is_as_stated()
            && self.cases.iter().all(|case| case.verdict.conforms());
    }

    /// Whether nothing that was asked for stands in the way of conforming but what is waived, and
    /// no waiver is left of what has passed. A filtered run can be
    /// clean and still says nothing of conformity.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.complete
            && self.is_as_stated()
            && !self.cases.is_empty()
            && !self
                .waivers
                .iter()
                .any(|waived| waived.standing == Standing::Stale)
            && !self.cases.iter().any(|case| self.is_in_the_way(case))
    }

    /// Whether a case stands in the way, and nobody waived it.
    #[must_use]
    pub fn is_in_the_way(&self, case: &CaseReport) -> bool {
        let waives =
            |waived: &Waived| waived.standing == Standing::InForce && waived.waiver.case == case.id;
        !case.verdict.conforms() && !self.waivers.iter().any(waives)
    }

    /// Whether the card declares what its maker says, as far as he says anything.
    #[must_use]
    pub fn is_as_stated(&self) -> bool {
        self.declaration.as_ref().is_none_or(Declaration::agrees)
    }

    /// Whether the card broke a requirement.
    #[must_use]
    pub fn has_failures(&self) -> bool {
        self.cases.iter().any(|case| case.verdict == Verdict::Fail)
    }

    /// The verdict of each case.
    #[must_use]
    pub fn verdicts(&self) -> BTreeMap<String, Verdict> {
        self.cases
            .iter()
            .map(|case| (case.id.clone(), case.verdict))
            .collect()
    }

    /// Which questions weren't put to the card, where there are some: one line.
    #[must_use]
    pub fn not_put(&self) -> Option<String> {
        let open = |case: &&CaseReport| case.verdict == Verdict::Inconclusive;
        let open: Vec<&str> = (self.cases.iter().filter(open))
            .map(|case| case.id.as_str())
            .collect();
        let (named, others) = open.split_at(open.len().min(NAMED));
        let more = match others.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = named.join(", ");
        (!open.is_empty()).then(|| format!("Questions that weren't put: {named}{more}."))
    }

    /// One line: how many of each.
    #[must_use]
    pub fn summary_line(&self) -> String {
        let counts: Vec<String> = Verdict::ALL
            .iter()
            .map(|verdict| {
                let name = verdict.to_string();
                format!("{} {name}", self.summary.get(&name).copied().unwrap_or(0))
            })
            .collect();
        let resets = self
            .resets
            .map(|resets| format!(", {resets} times made fresh again by FACTORY RESET"));
        format!(
            "{} of {} cases: {} ({} cards{}, {} APDUs, {:.1} s)",
            self.cases.len(),
            self.catalogue,
            counts.join(", "),
            self.cards,
            resets.unwrap_or_default(),
            self.apdus,
            self.milliseconds as f64 / 1000.0
        )
    }
}
