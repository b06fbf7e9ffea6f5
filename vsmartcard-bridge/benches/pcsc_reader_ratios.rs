//! What the way through pcscd costs, and what it would cost without quick acknowledgement.

mod common;

use std::process::ExitCode;

use common::reader::{Ours, PlainEcho, QuickEcho};
use tillcard_testkit::ratio::{Bound, Ratio, medians, report, time};

fn main() -> ExitCode {
    let mut ours = Ours::insert();
    let (select, echo) = {
        let mut echo = QuickEcho::insert();
        medians(
            1000,
            || time(|| ours.client.select()),
            || time(|| echo.client.select()),
        )
    };
    let mut plain = PlainEcho::insert();
    let (select_again, plain) = medians(
        50,
        || time(|| ours.client.select()),
        || time(|| plain.client.select()),
    );
    report(&[
        Ratio {
            name: "SELECT / an echo with quick acknowledgement",
            measured: select,
            against: echo,
            bound: Bound::AtMost(1.3),
        },
        Ratio {
            name: "an echo over vpicc as it is / SELECT",
            measured: plain,
            against: select_again,
            bound: Bound::AtLeast(100.0),
        },
    ])
}
