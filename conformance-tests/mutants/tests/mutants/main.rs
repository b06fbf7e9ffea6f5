//! The suite finds what is wrong with faulty cards.

use tillcard_conform::catalogue;
use tillcard_conform::outcome::Verdict;
use tillcard_conform::requirements::REQUIREMENTS;
use tillcard_mutants::kill::{by_its_cases, chosen, on_all_processors};
use tillcard_mutants::{MUTANTS, Mutated, run};

#[test]
fn every_mutant_fails_the_cases_that_are_there_for_it() {
    let mut judged = on_all_processors(&chosen(&[]), |mutant| by_its_cases(mutant));
    judged.retain(|judged| !judged.missed_by.is_empty());
    assert!(judged.is_empty(), "{judged:#?}");
}

#[test]
fn without_a_mutant_the_card_is_the_reference_card() {
    let ids: Vec<&str> = catalogue::all().map(|case| case.id).collect();
    let others = on_all_processors(&ids, |id| {
        let report = run(Box::new(Mutated::without_defect()), &[*id]);
        let cases = report.cases.into_iter();
        cases
            .filter(|case| case.verdict != Verdict::Pass)
            .map(|case| format!("{} is {} {:?}", case.id, case.verdict, case.reason))
            .collect::<Vec<_>>()
    })
    .concat();
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
