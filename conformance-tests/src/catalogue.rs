//! The catalogue, and the check that it covers the protocol text.

use crate::case::Case;
use crate::cases;
use crate::purposes;
use crate::requirements::{REQUIREMENTS, Requirement};

/// Every case, area by area.
pub const AREAS: &[&[Case]] = &[
    purposes::atr::CASES,
    cases::framing::CASES,
    purposes::extended::CASES,
    purposes::get_response::CASES,
    purposes::headers::CASES,
    purposes::lengths::CASES,
    cases::framing_fields::CASES,
    cases::framing_refusal_order::CASES,
    purposes::sweeps::CASES,
    cases::select::CASES,
    cases::get_data::CASES,
    cases::undeclared_capabilities::CASES,
    cases::channel_sessions::CASES,
    cases::streams::CASES,
    cases::channel_opening::CASES,
    cases::channel_life::CASES,
    cases::channel_messages::CASES,
    cases::channel_attacks::CASES,
    cases::channel_edges::CASES,
    cases::sessions_mixed::CASES,
    cases::states::CASES,
    cases::issue::CASES,
    cases::issue_imported::CASES,
    cases::keys::CASES,
    cases::nonces::CASES,
    cases::nonce_timing::CASES,
    purposes::leaks::CASES,
    cases::random_source::CASES,
    cases::after_resets::CASES,
    cases::personalisation::CASES,
    cases::certificates::CASES,
    cases::genuineness::CASES,
    purposes::pin::CASES,
    purposes::pin_lockout::CASES,
    purposes::pin_timing::CASES,
    cases::verify::CASES,
    cases::tries_kept::CASES,
    cases::owner_authority::CASES,
    cases::reset_retry_counter::CASES,
    cases::change_owner_key::CASES,
    cases::read_account::CASES,
    cases::owner_sessions::CASES,
    cases::set_policy::CASES,
    cases::set_policy_open::CASES,
    cases::factory_reset::CASES,
    cases::termination::CASES,
    cases::receive_script::CASES,
    cases::retired_rows::CASES,
    cases::enter_coin::CASES,
    cases::enter_coin_refusals::CASES,
    cases::enter_coin_parsing::CASES,
    cases::enter_coin_sessions::CASES,
    cases::enter_coin_marks::CASES,
    cases::enter_credit::CASES,
    cases::read_coins::CASES,
    cases::set_limits::CASES,
    cases::pay::CASES,
    cases::pay_limits::CASES,
    cases::large_numbers::CASES,
    cases::amount_edges::CASES,
    cases::many_coins::CASES,
    cases::pay_inputs::CASES,
    cases::pay_refusals::CASES,
    cases::pay_fuzz::CASES,
    cases::pay_terminal::CASES,
    cases::pay_source::CASES,
    cases::pay_transaction::CASES,
    cases::pay_change::CASES,
    cases::last_change_index::CASES,
    cases::report_absent::CASES,
    cases::report_absent_counted::CASES,
    cases::ancestors::CASES,
    cases::preview_offers::CASES,
    cases::every_element::CASES,
    cases::pay_without_pin::CASES,
    cases::payment_state::CASES,
    cases::pay_again::CASES,
    cases::read_log::CASES,
    cases::full_log::CASES,
    cases::sign::CASES,
    cases::sign_refusals::CASES,
    cases::sign_sessions::CASES,
    cases::owner_commands::CASES,
    cases::sign_inputs::CASES,
    cases::statement::CASES,
    cases::statement_last_pay::CASES,
    cases::sign_after_statement::CASES,
    cases::both_chains::CASES,
    cases::resolve::CASES,
    cases::compared_whole::CASES,
    cases::interleaving::CASES,
    cases::power_failures::CASES,
    purposes::pin_tearing::CASES,
    cases::power_cuts::CASES,
    cases::power_cuts_books::CASES,
    cases::power_cuts_more::CASES,
    cases::life_cycle::CASES,
    cases::damaged_memory::CASES,
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
