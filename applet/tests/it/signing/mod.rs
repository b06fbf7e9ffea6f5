//! The owner's signing, against rust-bitcoin and libsecp256k1.

mod coins;
mod order;
mod refusals;
mod signatures;

use crate::support::signing::*;
use crate::support::*;
use tillcard_protocol::command::Place;

/// A fee that every size allows.
const FEE: u64 = 7_000;

/// A small transaction of unknown coins.
fn small(seed: u64) -> Built {
    Built::random(&mut rng(seed), 2, 2, FEE)
}

fn own(built: &mut Built, place: Place) {
    built.outputs[0].1 = Payee::Own(place);
}
