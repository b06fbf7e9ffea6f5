//! What `--filter` means.

use std::collections::BTreeSet;
use tillcard_conform::catalogue;
use tillcard_conform::requirements::REQUIREMENTS;

/// The ids of the cases that a filter means.
fn meant(filter: &str) -> Vec<&'static str> {
    catalogue::all()
        .filter(|case| case.matches(filter))
        .map(|case| case.id)
        .collect()
}

#[test]
fn a_requirement_is_that_requirement_and_no_other() {
    for requirement in REQUIREMENTS {
        let cases = meant(requirement.id);
        assert!(!cases.is_empty(), "{}", requirement.id);
        for case in catalogue::all() {
            let cites = case
                .requirements
                .iter()
                .any(|req| req.id() == requirement.id);
            assert_eq!(
                cases.contains(&case.id),
                cites,
                "{} {}",
                requirement.id,
                case.id
            );
        }
    }
    // There are PAY-1 and PAY-10, which cases tell apart.
    let (one, ten) = (meant("PAY-1"), meant("PAY-10"));
    assert!(
        ten.iter().any(|case| !one.contains(case)),
        "{one:?} {ten:?}"
    );
}

#[test]
fn a_case_is_that_case() {
    for case in catalogue::all() {
        assert_eq!(meant(case.id), [case.id]);
    }
}

#[test]
fn an_area_is_all_its_cases_with_tc_and_without() {
    let areas: BTreeSet<&str> = catalogue::all().map(|case| case.area()).collect();
    for area in areas {
        let start = format!("TC-{area}-");
        let cases: Vec<&str> = catalogue::all()
            .map(|case| case.id)
            .filter(|id| id.starts_with(&start))
            .collect();
        assert_eq!(meant(area), cases);
        assert_eq!(meant(&format!("TC-{area}")), cases);
    }
}

#[test]
fn part_of_a_name_means_nothing() {
    for part in [
        "TC", "TC-", "TC-PIN-", "TC-PIN-0", "PI", "TC-PI", "PIN-", "-PIN", "0", "", "pin",
    ] {
        assert_eq!(meant(part), [""; 0], "{part}");
    }
}
