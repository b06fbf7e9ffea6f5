//! One case: brings it to the card that it needs, and writes down what came of it.

use crate::card::Owner;
use crate::card_under_test::Reset;
use crate::case::{Case, Level, Start};
use crate::context::CaseContext;
use crate::failure::{Code, Failure};
use crate::identity;
use crate::model::Profile;
use crate::order::PROOF;
use crate::outcome::{Outcome, Preamble, Step, Stop, Verdict, require};
use crate::panics;
use crate::report::{Begun, CardReport, CaseReport};
use crate::requirements::{Req, req};
use crate::values::Values;
use std::time::Instant;

/// The coins of the card that [`Start::Funded`] cases share, in sat, each at its own index.
pub const FUNDED: [u64; 20] = [
    200_000, 190_000, 180_000, 170_000, 160_000, 150_000, 140_000, 130_000, 120_000, 110_000,
    100_000, 90_000, 80_000, 70_000, 60_000, 50_000, 40_000, 30_000, 20_000, 10_000,
];

/// What FACTORY RESET must do, so that a card can be used again.
const RESET: [Req; 3] = [req::RST_1, req::RST_2, req::RST_3];

/// Which shared card is in the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shared {
    None,
    Factory,
    Issued,
    Funded,
}

/// Runs one case after the other.
pub(super) struct Runner {
    pub(super) context: CaseContext,
    shared: Shared,
    /// How far cards may be worn.
    level: Level,
    /// Whether somebody looked at the first card of the run.
    looked: bool,
    /// What the first card said of itself, where this runner looked.
    pub(super) card: Option<CardReport>,
    /// What the first card of the run said of itself, where this one goes on with a run.
    before: Option<CardReport>,
    /// Who may own the card that was in the reader when the run was interrupted.
    owners: Vec<Owner>,
    /// Why no other case can be run.
    pub(super) ended: Option<Failure>,
    /// How many APDUs had gone when the case began.
    apdus_before: u64,
}

pub(super) fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Runner {
    /// Begins, or goes on with the run so far.
    pub(super) fn new(context: CaseContext, level: Level, begun: Option<&Begun>) -> Self {
        Self {
            context,
            shared: Shared::None,
            level,
            looked: false,
            card: None,
            before: begun.and_then(|begun| begun.report.card.clone()),
            owners: begun.map(|begun| begun.owners.clone()).unwrap_or_default(),
            ended: None,
            apdus_before: 0,
        }
    }

    /// The same, where another looks, or has looked, at the first card of the run.
    pub(super) fn after_the_first(self) -> Self {
        Self {
            looked: true,
            ..self
        }
    }

    pub(super) fn case(&mut self, case: &Case) -> CaseReport {
        let began = Instant::now();
        self.apdus_before = self.apdus();
        let outcome = panics::catch(|| self.ask(case)).unwrap_or_else(|panic| {
            // Nobody knows where in its work the case left the card, or the suite's idea of it.
            self.context.take_out();
            let fault = format!("the suite has a fault; please report it: it panicked at {panic}");
            Err(Stop::Error(Code::SuitePanicked.because(fault).to_string()))
        });
        if let Some(failure) = self.context.supply.take_failure()
            && (!self.looked || failure.code.leaves_no_card())
        {
            self.ended = Some(failure);
        }
        if let Some(refusal) = self.context.supply.ledger.take_refusal() {
            self.ended = Some(refusal);
        }
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
        self.trust(case, verdict);
        if verdict == Verdict::Error {
            self.context.note(self.context.card.left());
        }
        let (notes, measurements, figures) = self.context.take_margin();
        CaseReport {
            notes,
            measurements,
            figures,
            apdus: self.apdus() - self.apdus_before,
            milliseconds: milliseconds(began),
            ..CaseReport::of(case, verdict, reason)
        }
    }

    /// Draws from a case whether cards can be used again after FACTORY RESET.
    fn trust(&mut self, case: &Case, verdict: Verdict) {
        let leaks = !(self.context.recorder.borrow_mut().leaks.sweep().findings).is_empty();
        if case.id == PROOF {
            let proven = verdict == Verdict::Pass && !leaks;
            self.context.supply.prove(proven);
        } else if verdict == Verdict::Fail
            && case.requirements.iter().any(|req| RESET.contains(req))
        {
            self.context.supply.prove(false);
        }
    }

    fn ask(&mut self, case: &Case) -> Outcome {
        self.permit(case)?;
        self.prepare(case)?;
        (case.run)(&mut self.context)?;
        self.canary(case)
    }

    fn permit(&self, case: &Case) -> Outcome {
        let (wears, most) = (case.wears(), self.level);
        if wears <= most {
            return Ok(());
        }
        Err(Stop::Inconclusive(format!(
            "not run: it wears the card to level {wears}, and {most} is the most (--level, \
             --sacrificial)"
        )))
    }

    fn prepare(&mut self, case: &Case) -> Step<()> {
        let shared = match case.start {
            Start::Factory => self.share_factory(),
            Start::Issued => self.share_issued(),
            Start::Funded => self.share_funded(),
            Start::Own => {
                self.shared = Shared::None;
                self.context.begin_case(case.id);
                return self.fresh_card();
            }
            Start::AfterAll => {
                self.shared = Shared::None;
                self.context.begin_case(case.id);
                return Ok(());
            }
        };
        self.context.begin_case(case.id);
        shared?;
        // What the shared card needed is no part of the case.
        self.apdus_before = self.apdus();
        if case.start == Start::Factory {
            return self.context.card.reset(Reset::Cold);
        }
        self.context.card.power_cycle().preamble()
    }

    /// Puts a fresh card in, and looks at the first of the run.
    fn fresh_card(&mut self) -> Step<()> {
        self.context.fresh_card()?;
        if self.looked {
            return self.tell_the_ledger();
        }
        if !self.owners.is_empty() {
            // It may be the card that a case was using when the run was interrupted.
            self.context.card.owners = std::mem::take(&mut self.owners);
            self.context
                .supply
                .renew_left_behind(&mut self.context.card);
        }
        let before = self.apdus();
        let identity = identity::look(&mut self.context.card)?;
        self.apdus_before += self.apdus() - before;
        let first = self.before.as_ref().unwrap_or(&identity.card);
        if identity.has_channels && first.certificates.is_empty() {
            self.context.supply.is_blank();
        }
        let differs = (self.before.as_ref()).is_some_and(|before| !before.is_like(&identity.card));
        self.card = Some(identity.card);
        self.looked = true;
        self.ended = identity.unfit.or_else(|| {
            differs.then(|| {
                Code::OtherCard.because(
                    "this card isn't of the kind that the run began with: its ATR, its answer to \
                     SELECT or its capabilities are others",
                )
            })
        });
        match &self.ended {
            Some(unfit) => Err(Stop::Inconclusive(unfit.to_string())),
            None => Ok(()),
        }
    }

    /// Where the ledger may have to refuse, it must know the tries of a card before anything else.
    fn tell_the_ledger(&mut self) -> Step<()> {
        if self.level == Level::D3 {
            return Ok(());
        }
        let card = &mut self.context.card;
        card.select().and_then(|()| card.status()).preamble()?;
        card.reset(Reset::Cold)
    }

    fn share_factory(&mut self) -> Step<()> {
        if self.shared != Shared::Factory {
            self.context.begin_case("shared card");
            self.fresh_card()?;
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
                let index = card.host()?.purse.next_receive();
                card.expect_receive_script(index)
            }
        });
        let looked = looked.map_err(|stop| stop.at("the card isn't as it was before the case"));
        // Where cards are few, none is used up to find that out again.
        if let (Err(Stop::Fail(why)), true) = (&looked, self.context.supply.reuses()) {
            self.ended = Some(Code::CardChanged.because(format!("after {}, {why}", case.id)));
        }
        looked
    }

    fn apdus(&self) -> u64 {
        self.context.recorder.borrow().apdus()
    }
}

fn standard_profile(values: &Values) -> Step<Profile> {
    Profile::new(values, "standard")
}
