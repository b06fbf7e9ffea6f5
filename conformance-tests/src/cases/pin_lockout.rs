//! Tries that last, and the blocked PIN. Section 4.

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
    "TC-PIN-12" version 2 on Own D3 for [PIN_9 RRC_1] runs keeps_all:
        "A blocked card keeps its key and coins: the owner enters another coin at the next index, \
         both coins are known to it, and once he has unblocked it, it pays from both."
        catches "A card that wipes itself, or forgets its coins, when blocked.";
}

fn block(ctx: &mut CaseContext) -> Outcome {
    ctx.block_pin()?;
    Ok(())
}

fn lockout(ctx: &mut CaseContext) -> Outcome {
    let profile = ctx.profile()?;
    ctx.prepare(&profile)?;
    ctx.verify_right()?;
    block(ctx)?;
    let right = ctx.right_block()?;
    let long = [&right[..], &[0xFF; 247]].concat();
    let stays_blocked = |ctx: &mut CaseContext, when: &str| -> Outcome {
        ctx.expect_tries(0, when)?;
        for length in 0..=255 {
            ctx.verify(&long[..length])?
                .want_bare(Sw::BLOCKED, &format!("VERIFY with {length} bytes"))
                .at(when)?;
        }
        let wrong = ctx.wrong_block()?;
        ctx.verify(&wrong)?
            .want_bare(Sw::BLOCKED, "VERIFY with a wrong PIN")?;
        ctx.expect_tries(0, when)?;
        ctx.expect_authorised(false, when)
    };
    stays_blocked(ctx, "blocked")?;
    ctx.select()?;
    stays_blocked(ctx, "blocked, after SELECT")?;
    ctx.reset(Reset::Warm)?;
    ctx.select()?;
    stays_blocked(ctx, "blocked, after a warm reset")?;
    for _ in 0..3 {
        ctx.power_cycle()?;
        stays_blocked(ctx, "blocked, after a power cycle")?;
    }
    Ok(())
}

fn over_power_cycles(ctx: &mut CaseContext) -> Outcome {
    let wrong = ctx.wrong_block()?;
    let right = ctx.right_block()?;
    let long = [&right[..], &[0xFF; 9]].concat();
    let fields: [(&str, &[u8]); 5] = [
        ("wrong digits", &wrong),
        ("one byte", &right[..1]),
        ("seven bytes", &right[..7]),
        ("seventeen bytes", &long),
        ("a malformed block", &[0x11; 8]),
    ];
    let mut log = String::new();
    for (name, field) in fields {
        ctx.verify_right()?;
        let mut left = ctx.tries()?;
        let _ = write!(log, "{name}: {left}");
        for _ in 0..2 {
            left -= 1;
            ctx.verify(field)?.want_bare(Sw::tries(left), name)?;
            ctx.power_cycle()?;
            ctx.expect_tries(left, &format!("{name}, power cut"))?;
            let _ = write!(log, " → power → {left}");
            ctx.select()?;
            ctx.reset(Reset::Warm)?;
            ctx.select()?;
            ctx.expect_tries(left, &format!("{name}, power cut, SELECT, warm reset"))?;
        }
        log.push_str("; ");
    }
    ctx.verify_right()?;
    ctx.note(format!("log of tries over power cycles: {log}right PIN: 3"));
    Ok(())
}

fn walk(ctx: &mut CaseContext) -> Outcome {
    let right = ctx.right_block()?;
    let mut stream = ctx.values.stream("walk");
    let (mut tries, mut authorised) = (3_u8, false);
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
                ctx.verify_right().at(place)?;
                (tries, authorised) = (3, true);
                log.push_str(" right");
            }
            1 => {
                ctx.power_cycle()?;
                authorised = false;
                log.push_str(" power");
            }
            2 => {
                ctx.reset(Reset::Warm)?;
                ctx.select()?;
                authorised = false;
                log.push_str(" reset");
            }
            3 => {
                ctx.select()?;
                authorised = false;
                log.push_str(" select");
            }
            4 => {
                ctx.verify(&[])?
                    .want_bare(Sw::tries(tries), "VERIFY without data")
                    .at(place)?;
                log.push_str(" ask");
            }
            5 => {
                ctx.challenge_answer()?;
                ctx.generate_answer()?
                    .want_bare(Sw::CONDITIONS, "GENERATE")
                    .at(place)?;
                log.push_str(" other");
            }
            choice => {
                let field = match choice {
                    6 => ctx.wrong_block()?.to_vec(),
                    7 => stream.vec(8),
                    _ => right[..1 + stream.below(7) as usize].to_vec(),
                };
                tries -= 1;
                authorised = false;
                ctx.verify(&field)?
                    .want_bare(Sw::tries(tries), "a PIN that isn't right")
                    .at(place)?;
                log.push_str(" wrong");
            }
        }
        ctx.expect_tries(tries, "GET DATA")
            .at(|| format!("step {step}, after{log}"))?;
        ctx.expect_authorised(authorised, "RECEIVE SCRIPT")
            .at(|| format!("step {step}, after{log}"))?;
        if log.len() > 200 {
            log = format!(" …{}", &log[log.len() - 100..]);
        }
    }
    ctx.verify_right()
}

fn keeps_all(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let profile = ctx.profile()?;
    ctx.prepare(&profile)?;
    let mut stream = ctx.values.stream("coins");
    let (first, transaction) = ctx.coin_at(&mut stream, 20_000, 0)?;
    ctx.enter(&first, &transaction, 20_000).preamble()?;
    block(ctx).preamble()?;
    ctx.power_cycle()?;
    let status = ctx.status()?;
    require!(
        status
            == Status::Issued {
                network: profile.network,
                tries: 0,
                policy: profile.policy,
            },
        "the status of a blocked card is {status:?}"
    );
    ctx.challenge_answer()?
        .want(Sw::OK, "GET CHALLENGE of a blocked card")?;
    let (second, transaction) = ctx.coin_at(&mut stream, 30_000, 9)?;
    ctx.enter(&second, &transaction, 30_000)
        .at("a coin at index 9 of a blocked card")?;
    ctx.power_cycle()?;
    for entry in [first, second] {
        ctx.begin_entry(&entry)?.want_bare(
            Sw::COIN_KNOWN,
            "ENTER COIN of a coin that the blocked card has",
        )?;
    }
    ctx.reset_tries(None)?;
    ctx.verify_right()?;
    ctx.pay_checked(&request_of(45_000)).map(drop)
}
