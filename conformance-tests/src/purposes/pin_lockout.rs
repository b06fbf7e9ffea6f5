//! Tries that last, and the blocked PIN. Of any card.

use super::prelude::*;
use std::fmt::Write as _;

/// Steps of the random walk of TC-PIN-10.
const WALK: usize = 120;

cases! {
    "TC-PIN-08" version 1 on Own D3 for [PIN_2 PIN_3 PIN_4 PIN_5 INF_2] runs lockout:
        "Three wrong PINs block the card: 63C2, 63C1, 63C0, then 6983 for the right PIN, a wrong \
         one, malformed ones of all lengths and no data, also after SELECT, warm reset and power \
         cycles; a blocked right PIN authorises nobody."
        catches "One try too many; a blocked PIN that takes the right one, or comes back.";
    "TC-PIN-09" version 1 on Issued D1 for [PIN_5 NVM_1 NVM_3] runs over_power_cycles:
        "A try is used up by the time its answer is there: power cuts and SELECT after each wrong \
         or malformed PIN give none back. The log of tries over power cycles is in the report. (A \
         cut in the middle of VERIFY is not for a black box between APDUs: it takes a card whose \
         memory can be watched.)"
        catches "A counter in RAM, or written after the answer.";
    "TC-PIN-10" version 1 on Issued D1 for [PIN_1 PIN_2 PIN_5 PIN_6 SEL_4] runs walk:
        "A random walk of 120 steps (right, wrong, malformed and absent PINs, power cuts, warm \
         resets, SELECT, GET DATA, other commands), kept above zero tries: tries and authorisation \
         are the model's after each step."
        catches "Tries that rise by anything but the right PIN; one command that resets another's \
                 counter.";
}

fn lockout(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    let card = ctx.driver();
    card.expect_right("the right PIN")?;
    card.use_up(0)?;
    let long = [&card.right_pin()?[..], &[0xFF; 255]].concat();
    let stays_blocked = |card: &mut dyn Driver, when: &str| -> Outcome {
        card.expect_left(0, when)?;
        for length in 0..=255 {
            let what = format!("{length} bytes");
            card.expect_presented(&long[..length], Presented::Blocked, &what)
                .at(when)?;
        }
        let wrong = card.wrong_pin()?;
        card.expect_presented(&wrong, Presented::Blocked, "a wrong PIN")
            .at(when)?;
        card.expect_left(0, when)?;
        card.expect_holder(false, when)
    };
    stays_blocked(card, "blocked")?;
    card.reselect()?;
    stays_blocked(card, "blocked, after SELECT")?;
    card.restart(Reset::Warm)?;
    stays_blocked(card, "blocked, after a warm reset")?;
    for _ in 0..3 {
        card.restart(Reset::Cold)?;
        stays_blocked(card, "blocked, after a power cycle")?;
    }
    Ok(())
}

fn over_power_cycles(ctx: &mut CaseContext) -> Outcome {
    let card = ctx.driver();
    let right = card.right_pin()?;
    let fields = [
        ("wrong digits", card.wrong_pin()?),
        ("one byte", right[..1].to_vec()),
        ("a byte fewer", right[..right.len() - 1].to_vec()),
        ("nine bytes more", [&right[..], &[0xFF; 9]].concat()),
        ("a malformed field", vec![0x11; right.len()]),
    ];
    let mut log = String::new();
    for (name, field) in fields {
        card.expect_right("the right PIN")?;
        let most = card.tries_left()?;
        let _ = write!(log, "{name}: {most}");
        for left in (1..most).rev() {
            card.expect_presented(&field, Presented::Wrong { left }, name)?;
            card.restart(Reset::Cold)?;
            card.expect_left(left, "power cut").at(name)?;
            let _ = write!(log, " → power → {left}");
            card.reselect()?;
            card.restart(Reset::Warm)?;
            card.expect_left(left, "power cut, SELECT, warm reset")
                .at(name)?;
        }
        log.push_str("; ");
    }
    card.expect_right("the right PIN")?;
    ctx.note(format!("log of tries over power cycles: {log}right PIN: 3"));
    Ok(())
}

fn walk(ctx: &mut CaseContext) -> Outcome {
    let mut stream = ctx.values.stream("walk");
    let card = ctx.driver();
    let (right, most) = (card.right_pin()?, card.most_tries());
    let (mut tries, mut authorised) = (most, false);
    let mut log = String::new();
    for step in 0..WALK {
        // A wrong PIN only while two tries are left at least: the card must outlive the walk.
        let choice = if tries < 2 {
            stream.below(6)
        } else {
            stream.below(9)
        };
        let place = || format!("step {step}, after{log}");
        match choice {
            0 => {
                card.expect_right("the right PIN").at(place)?;
                (tries, authorised) = (most, true);
                log.push_str(" right");
            }
            1 => {
                card.restart(Reset::Cold)?;
                authorised = false;
                log.push_str(" power");
            }
            2 => {
                card.restart(Reset::Warm)?;
                authorised = false;
                log.push_str(" reset");
            }
            3 => {
                card.reselect()?;
                authorised = false;
                log.push_str(" select");
            }
            4 => {
                card.expect_presented(&[], Presented::Wrong { left: tries }, "no data")
                    .at(place)?;
                log.push_str(" ask");
            }
            5 => {
                card.something_else().at(place)?;
                log.push_str(" other");
            }
            choice => {
                let field = match choice {
                    6 => card.wrong_pin()?,
                    7 => stream.vec(right.len()),
                    _ => right[..1 + stream.below(right.len() as u64 - 1) as usize].to_vec(),
                };
                tries -= 1;
                authorised = false;
                card.expect_presented(
                    &field,
                    Presented::Wrong { left: tries },
                    "a PIN that isn't right",
                )
                .at(place)?;
                log.push_str(" wrong");
            }
        }
        card.expect_left(tries, "the counter")
            .at(|| format!("step {step}, after{log}"))?;
        card.expect_holder(authorised, "authority")
            .at(|| format!("step {step}, after{log}"))?;
        if log.len() > 200 {
            log = format!(" …{}", &log[log.len() - 100..]);
        }
    }
    card.expect_right("the right PIN")
}
