//! The trials of `it/differential.rs`, for as long as a night has room for.

#[test]
fn a_hundred_thousand_payments() {
    crate::trials::payments(100_000);
}

#[test]
fn a_hundred_thousand_signatures_for_the_owner() {
    crate::trials::owner_signatures(100_000);
}

#[test]
fn the_last_sat_on_either_side() {
    crate::trials::boundaries();
}
