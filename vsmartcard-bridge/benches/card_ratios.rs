//! What a payment and a PIN entry cost, as multiples of what they can't do without.

mod common;

use std::process::ExitCode;

use common::card::{Flush, OnDisk, Payment, Signature};
use tillcard_testkit::ratio::{Bound, Ratio, medians, report, time};

fn main() -> ExitCode {
    let (payment, signature) = (Payment::new(), Signature::new());
    let (pay, sign) = medians(
        500,
        || {
            let mut card = payment.ready();
            time(|| payment.pay(&mut card))
        },
        || time(|| signature.make()),
    );
    let (mut card, mut store) = (OnDisk::new(), Flush::new());
    let (verify, flush) = medians(
        500,
        || time(|| card.verify()),
        || time(|| store.insert_and_flush()),
    );
    report(&[
        Ratio {
            name: "PAY (1 input, 2 outputs) / one BIP340 signature",
            measured: pay,
            against: sign,
            // Each key is derived a second time, from public data, to verify under it.
            bound: Bound::AtMost(12.0),
        },
        Ratio {
            name: "VERIFY on the disk / one insertion and flush",
            measured: verify,
            against: flush,
            bound: Bound::AtMost(1.5),
        },
    ])
}
