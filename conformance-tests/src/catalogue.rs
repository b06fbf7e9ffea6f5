//! The catalogue, and the check that it covers the protocol text.

use crate::case::Case;
use crate::cases;
use crate::requirements::{REQUIREMENTS, Requirement};

/// Every case, area by area.
pub const AREAS: &[&[Case]] = &[
    cases::framing::CASES,
    cases::responses::CASES,
    cases::headers::CASES,
    cases::fields::CASES,
    cases::refusal_order::CASES,
    cases::sweeps::CASES,
    cases::selection::CASES,
    cases::information::CASES,
    cases::left_out::CASES,
    cases::channel_sessions::CASES,
    cases::under_way::CASES,
    cases::channel_opening::CASES,
    cases::channel_life::CASES,
    cases::channel_messages::CASES,
    cases::channel_attacks::CASES,
    cases::states::CASES,
    cases::issuing::CASES,
    cases::importing::CASES,
    cases::keys::CASES,
    cases::random::CASES,
    cases::personal::CASES,
    cases::certificates::CASES,
    cases::genuine::CASES,
    cases::pin::CASES,
    cases::pin_lockout::CASES,
    cases::pin_timing::CASES,
    cases::owner::CASES,
    cases::owner_pin::CASES,
    cases::owner_key::CASES,
    cases::owner_reads::CASES,
    cases::channel_owner::CASES,
    cases::policy::CASES,
    cases::resets::CASES,
    cases::ends::CASES,
    cases::receiving::CASES,
    cases::entry::CASES,
    cases::entry_refusals::CASES,
    cases::entry_parsing::CASES,
    cases::entry_sessions::CASES,
    cases::places::CASES,
    cases::credits::CASES,
    cases::image::CASES,
    cases::limits::CASES,
    cases::payment::CASES,
    cases::payment_limits::CASES,
    cases::payment_refusals::CASES,
    cases::terminal::CASES,
    cases::request_source::CASES,
    cases::transaction::CASES,
    cases::change::CASES,
    cases::absent::CASES,
    cases::reports::CASES,
    cases::offers::CASES,
    cases::without_pin::CASES,
    cases::again::CASES,
    cases::log::CASES,
    cases::signing::CASES,
    cases::signing_refusals::CASES,
    cases::sign_inputs::CASES,
    cases::statements::CASES,
    cases::last_payment::CASES,
    cases::pledges::CASES,
    cases::resolving::CASES,
    cases::persistence::CASES,
    cases::cuts::CASES,
    cases::lives::CASES,
    cases::damage::CASES,
];

const _: () = assert_covers(REQUIREMENTS, AREAS);

/// Every case in the order of the areas.
pub fn all() -> impl Iterator<Item = &'static Case> {
    AREAS.iter().copied().flatten()
}

/// Refuses, at compile time, a requirement without a case and a case without a requirement.
///
/// ```
/// use tillcard_conform::catalogue::{AREAS, assert_covers};
/// use tillcard_conform::requirements::REQUIREMENTS;
/// const _: () = assert_covers(REQUIREMENTS, AREAS);
/// ```
///
/// One area left out leaves requirements without a case:
///
/// ```compile_fail
/// use tillcard_conform::catalogue::{AREAS, assert_covers};
/// use tillcard_conform::requirements::REQUIREMENTS;
/// const _: () = assert_covers(REQUIREMENTS, AREAS.split_at(1).1);
/// ```
///
/// # Panics
/// With the requirement's number, or the case's id; as a constant assertion that is a compile
/// error.
pub const fn assert_covers(requirements: &[Requirement], areas: &[&[Case]]) {
    let mut position = 0;
    while position < requirements.len() {
        if !is_covered(position, areas) {
            panic!("{}", requirements[position].without_case);
        }
        position += 1;
    }
    let mut area = 0;
    while area < areas.len() {
        let mut case = 0;
        while case < areas[area].len() {
            if areas[area][case].requirements.is_empty() {
                panic!("{}", areas[area][case].id);
            }
            case += 1;
        }
        area += 1;
    }
}

const fn is_covered(requirement: usize, areas: &[&[Case]]) -> bool {
    let mut area = 0;
    while area < areas.len() {
        let mut case = 0;
        while case < areas[area].len() {
            let cited = areas[area][case].requirements;
            let mut at = 0;
            while at < cited.len() {
                if cited[at].0 == requirement {
                    return true;
                }
                at += 1;
            }
            case += 1;
        }
        area += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::all;
    use std::collections::HashSet;

    #[test]
    fn ids_are_unique_and_well_formed() {
        let mut seen = HashSet::new();
        for case in all() {
            let parts: Vec<&str> = case.id.split('-').collect();
            assert!(
                matches!(parts.as_slice(), ["TC", area, number]
                    if area.bytes().all(|b| b.is_ascii_uppercase())
                        && number.len() == 2
                        && number.bytes().all(|b| b.is_ascii_digit())),
                "{}",
                case.id
            );
            assert!(seen.insert(case.id), "{} twice", case.id);
            assert!(
                !case.purpose.is_empty() && !case.defect.is_empty(),
                "{}",
                case.id
            );
        }
        assert!(seen.len() >= 60, "{} cases", seen.len());
    }
}
