//! Cases on several cards at the same time.
//!
//! Threads take groups of cases, each group with cards, a record and a runner of its own; the
//! values of a case, and the seeds of its cards, come from its name, and so are those of a run with
//! one job. What they give is taken over in the order of the cases.

use super::one::Runner;
use super::whole::{Given, Numbered, Run};
use crate::card_under_test::Target;
use crate::case::Start;
use crate::context::CaseContext;
use crate::failure::Failure;
use crate::options::Options;
use crate::recorder::{Part, Recorder};
use crate::supply::Supply;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

/// Cases that go together.
type Group = Vec<Numbered>;

/// What the threads share.
struct Plan<'a> {
    began: Instant,
    options: &'a Options,
    groups: Vec<Group>,
    /// The group that is taken next.
    next: AtomicUsize,
    /// Whether nobody waits for verdicts any more.
    over: AtomicBool,
}

/// What came of a case.
struct Told {
    number: usize,
    /// Whether its group begins with it.
    first: bool,
    given: Given,
    part: Part,
}

/// Runs cases side by side where that is asked for and the target can do it. Gives those that are
/// still to be run: the ones that judge the whole run, or all.
pub(super) fn side_by_side(
    run: &mut Run<'_>,
    target: &dyn Target,
) -> Result<Vec<Numbered>, Failure> {
    let all = run.to_come();
    let apart = |(_, case): &Numbered| case.start != Start::AfterAll;
    let (ones, rest): (Group, Group) = all.iter().partition(|case| apart(case));
    let groups = groups(ones);
    let jobs = (run.options.jobs).map_or(1, |jobs| jobs.get().min(groups.len()));
    let targets: Option<Vec<_>> = (0..jobs).map(|_| target.another()).collect();
    // Where cards are few, what came of one case decides on which card the next one is asked.
    let thrift = run.options.thrift;
    let targets = targets.filter(|_| jobs > 1 && !thrift.reuse && thrift.most.is_none());
    let Some(targets) = targets else {
        return Ok(all);
    };
    let plan = Plan {
        began: run.began,
        options: run.options,
        groups,
        next: AtomicUsize::new(0),
        over: AtomicBool::new(false),
    };
    let (tell, told) = channel();
    thread::scope(|scope| {
        for target in targets {
            let tell = tell.clone();
            let plan = &plan;
            scope.spawn(move || plan.work(target.as_ref(), &tell));
        }
        drop(tell);
        let taken = take_in_order(run, plan.groups.iter().flatten(), &told);
        plan.over.store(true, Ordering::Relaxed);
        taken
    })?;
    Ok(rest)
}

/// Takes over what the threads tell, in the order of the cases.
fn take_in_order<'a>(
    run: &mut Run<'_>,
    cases: impl Iterator<Item = &'a Numbered>,
    told: &Receiver<Told>,
) -> Result<(), Failure> {
    let mut waiting = BTreeMap::new();
    let mut after = 0;
    for case in cases {
        run.begins(*case);
        let told = loop {
            if let Some(told) = waiting.remove(&case.0) {
                break told;
            }
            match told.recv() {
                Ok(told) => waiting.insert(told.number, told),
                // Threads stop before the last case when the time is up.
                Err(_) => return run.ends_over_time(),
            };
        };
        if told.first {
            after = run.recorder.borrow().card();
        }
        run.recorder.borrow_mut().take_over(told.part, after);
        let (_, wear) = told.given.wear;
        run.take(Given {
            wear: (after, wear),
            ..told.given
        })?;
        if run.has_ended() {
            break;
        }
    }
    Ok(())
}

/// Cases that share a card stand together.
fn groups(cases: Group) -> Vec<Group> {
    let shared = |(_, case): &Numbered| case.start.is_shared();
    let groups = cases.chunk_by(|one, next| shared(one) && shared(next));
    groups.map(<[Numbered]>::to_vec).collect()
}

impl Plan<'_> {
    fn work(&self, target: &(dyn Target + Send), tell: &Sender<Told>) {
        while let Some((number, group)) = self.take() {
            let Some(target) = target.another() else {
                break;
            };
            let recorder = Recorder::apart(self.began, self.options.trace.is_some());
            let recorder = Rc::new(RefCell::new(recorder));
            let supply = Supply::new(target, self.options.thrift, self.options.level);
            let settings = self.options.settings.clone();
            let context = CaseContext::new(supply, settings, Rc::clone(&recorder));
            let begun = self.options.begun.as_ref();
            let mut runner = Runner::new(context, self.options.level, begun);
            if number > 0 {
                runner = runner.after_the_first();
            }
            for (at, (number, case)) in group.iter().enumerate() {
                if self.stops() {
                    return;
                }
                let ended = runner.case(case);
                let told = Told {
                    number: *number,
                    first: at == 0,
                    given: Given::by(&runner, ended, 0),
                    part: recorder.borrow_mut().take_part(),
                };
                if tell.send(told).is_err() {
                    return;
                }
            }
            runner.context.take_out();
        }
    }

    /// The next group and its number.
    fn take(&self) -> Option<(usize, &Group)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Some((number, self.groups.get(number)?))
    }

    /// Whether no other case is to be begun.
    fn stops(&self) -> bool {
        let most = self.options.most_time;
        self.over.load(Ordering::Relaxed) || most.is_some_and(|most| self.began.elapsed() >= most)
    }
}
