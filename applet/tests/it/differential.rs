//! What the card computes against what rust-bitcoin, miniscript and libsecp256k1
//! compute from the text of the protocol: transactions, txids, sighashes, fees,
//! sizes, scripts. Ten times as many and more in `soak/differential.rs`.

#[test]
fn two_thousand_payments() {
    crate::trials::payments(2_000);
}

#[test]
fn two_thousand_signatures_for_the_owner() {
    crate::trials::owner_signatures(2_000);
}

#[test]
fn the_last_sat_on_either_side() {
    crate::trials::boundaries();
}
