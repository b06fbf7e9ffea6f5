//! The trials of `differential`, for as long as a night has room for.

mod oracle;
mod trials;

#[test]
fn a_hundred_thousand_payments() {
    trials::payments(100_000);
}

#[test]
fn a_hundred_thousand_signatures_for_the_owner() {
    trials::owner_signatures(100_000);
}

#[test]
fn the_last_sat_on_either_side() {
    trials::boundaries();
}
