//! What the way through pcscd costs, and what it would cost without quick acknowledgement.

mod common;

use std::process::ExitCode;

use common::reader::{Ours, PlainEcho, QuickEcho};
use common::socket::Program;
use tillcard_emu::{EmulatedCard, Seed};
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
    let own = EmulatedCard::ephemeral(Seed::Number(1)).unwrap();
    let mut own = Program::in_own_reader(Box::new(own));
    let mut through_pcscd = Program::through_pcscd("Virtual PCD 00 00");
    let (own, through_pcscd) = medians(
        1000,
        || time(|| own.select()),
        || time(|| through_pcscd.select()),
    );
    let mut plain = PlainEcho::insert();
    let (select_again, plain) = medians(
        50,
        || time(|| ours.client.select()),
        || time(|| plain.client.select()),
    );
    report(&[
        Ratio {
            name: "SELECT in a reader of our own / through pcscd",
            measured: own,
            against: through_pcscd,
            bound: Bound::AtMost(1.0),
        },
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
