//! The suite finds what is wrong with faulty cards.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use tillcard_conform::catalogue;
use tillcard_conform::outcome::Verdict;
use tillcard_conform::requirements::REQUIREMENTS;
use tillcard_mutants::{MUTANTS, Mutant, Mutated, run};

/// What `judge` finds against the items, which as many threads take as there are processors.
fn faults<T: Sync>(items: &[T], judge: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let faults = judge(item);
                    found.lock().expect("no judge panics").extend(faults);
                }
            });
        }
    });
    found.into_inner().expect("no judge panics")
}

/// The cases that should catch the mutant and don't.
fn survived(mutant: &'static Mutant) -> Vec<String> {
    let report = run(Box::new(Mutated::new(mutant)), mutant.caught_by);
    let verdict = |id: &str| {
        let case = report.cases.iter().find(|case| case.id == id);
        case.map_or((Verdict::Error, "not run"), |case| {
            (case.verdict, case.reason.as_deref().unwrap_or_default())
        })
    };
    let (area, name) = (mutant.area, mutant.name);
    (mutant.caught_by.iter())
        .map(|id| (id, verdict(id)))
        .filter(|(_, (verdict, _))| *verdict != Verdict::Fail)
        .map(|(id, (verdict, reason))| format!("{area}: {name}: {id} is {verdict} {reason}"))
        .collect()
}

#[test]
fn every_mutant_fails_the_cases_that_are_there_for_it() {
    let mutants: Vec<&'static Mutant> = MUTANTS.iter().collect();
    let survivors = faults(&mutants, |mutant| survived(mutant));
    assert!(survivors.is_empty(), "{survivors:#?}");
}

#[test]
fn without_a_mutant_the_card_is_the_reference_card() {
    let ids: Vec<&str> = catalogue::all().map(|case| case.id).collect();
    let others = faults(&ids, |id| {
        let report = run(Box::new(Mutated::without_defect()), &[*id]);
        let cases = report.cases.into_iter();
        cases
            .filter(|case| case.verdict != Verdict::Pass)
            .map(|case| format!("{} is {} {:?}", case.id, case.verdict, case.reason))
            .collect()
    });
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn every_case_catches_a_mutant() {
    let idle: Vec<&str> = catalogue::all()
        .map(|case| case.id)
        .filter(|id| !MUTANTS.iter().any(|mutant| mutant.caught_by.contains(id)))
        .collect();
    assert!(
        idle.is_empty(),
        "no mutant shows that these can fail: {idle:?}"
    );
}

#[test]
fn mutants_name_cases_and_requirements_that_there_are() {
    let mut names: Vec<&str> = MUTANTS.iter().map(|mutant| mutant.name).collect();
    for mutant in MUTANTS {
        for id in mutant.caught_by {
            assert!(
                catalogue::all().any(|case| case.id == *id),
                "{}: {id}",
                mutant.name
            );
        }
        for id in mutant.breaks {
            let known = REQUIREMENTS.iter().any(|requirement| requirement.id == *id);
            assert!(known, "{}: {id}", mutant.name);
        }
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), MUTANTS.len(), "two mutants have one name");
}
