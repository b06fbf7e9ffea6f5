//! What a channel costs the card, as multiples of what it does without one.

mod common;

use common::{Ready, Session, Till};
use std::process::ExitCode;
use std::time::Duration;
use tillcard_testkit::ratio::{Bound, Ratio, medians, report, time};

fn main() -> ExitCode {
    let till = Till::new();
    let card_time = |mut ready: Ready| time(|| ready.run());
    let status = |session| card_time(till.status(session));
    let payment = |session| card_time(till.payment(session));
    let turns = |work: &dyn Fn(Session) -> Duration| {
        medians(500, || work(Session::Channel), || work(Session::Plain))
    };
    let (status_protected, status_plain) = turns(&status);
    let (payment_protected, payment_plain) = turns(&payment);
    let (opening, payment_beside) = medians(
        500,
        || card_time(till.opening()),
        || payment(Session::Plain),
    );
    let (opening_again, agreement) = medians(
        500,
        || card_time(till.opening()),
        || time(|| till.agreement()),
    );
    report(&[
        Ratio {
            name: "GET DATA, protected / plain",
            measured: status_protected,
            against: status_plain,
            bound: Bound::AtMost(10.0),
        },
        Ratio {
            name: "VERIFY, PREVIEW and PAY (1 input, 2 outputs), protected / plain",
            measured: payment_protected,
            against: payment_plain,
            bound: Bound::AtMost(1.1),
        },
        Ratio {
            name: "opening a channel / VERIFY, PREVIEW and PAY, plain",
            measured: opening,
            against: payment_beside,
            bound: Bound::AtMost(4.0),
        },
        Ratio {
            name: "opening a channel / one agreement on P-256 (p256)",
            measured: opening_again,
            against: agreement,
            bound: Bound::AtMost(4.0),
        },
    ])
}
