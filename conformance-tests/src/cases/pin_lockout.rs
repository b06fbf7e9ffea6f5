//! Tries that last, and the blocked PIN. Section 4.

use super::prelude::*;
use std::fmt::Write as _;

/// Steps of the random walk of TC-PIN-10.
const WALK: usize = 120;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-PIN-08",
        version: 1,
        purpose: "Three wrong PINs block the card: 63C2, 63C1, 63C0, then 6983 for the right PIN, \
                  a wrong one, malformed ones of all lengths and no data, also after SELECT, warm \
                  reset and power cycles; a blocked right PIN authorises nobody.",
        requirements: &[req::PIN_2, req::PIN_3, req::PIN_4, req::PIN_5, req::INF_2],
        start: Start::Own,
        level: Level::D3,
        defect: "One try too many; a blocked PIN that takes the right one, or comes back.",
        run: lockout,
    },
    Case {
        id: "TC-PIN-09",
        version: 1,
        purpose: "A try is used up by the time its answer is there: power cuts and SELECT after \
                  each wrong or malformed PIN give none back. The log of tries over power cycles \
                  is in the report. (A cut in the middle of VERIFY is not for a black box between \
                  APDUs: it takes a card whose memory can be watched.)",
        requirements: &[req::PIN_5, req::NVM_1, req::NVM_3],
        start: Start::Issued,
        level: Level::D1,
        defect: "A counter in RAM, or written after the answer.",
        run: over_power_cycles,
    },
    Case {
        id: "TC-PIN-10",
        version: 1,
        purpose: "A random walk of 120 steps (right, wrong, malformed and absent PINs, power \
                  cuts, warm resets, SELECT, GET DATA, other commands), kept above zero tries: \
                  tries and authorisation are the model's after each step.",
        requirements: &[req::PIN_1, req::PIN_2, req::PIN_5, req::PIN_6, req::SEL_4],
        start: Start::Issued,
        level: Level::D1,
        defect: "Tries that rise by anything but the right PIN; one command that resets another's \
                 counter.",
        run: walk,
    },
    Case {
        id: "TC-PIN-12",
        version: 2,
        purpose: "A blocked card keeps its key and coins: the owner enters another coin at the \
                  next index, both coins are known to it, and once he has unblocked it, it pays \
                  from both.",
        requirements: &[req::PIN_9, req::RRC_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A card that wipes itself, or forgets its coins, when blocked.",
        run: keeps_all,
    },
];

fn block(b: &mut Bench) -> Outcome {
    for left in [2, 1, 0] {
        b.card.verify_wrong(left)?;
    }
    Ok(())
}

fn lockout(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    b.card.verify_right()?;
    block(b)?;
    let right = b.card.right_block()?;
    let long = [&right[..], &[0xFF; 247]].concat();
    let stays_blocked = |b: &mut Bench, when: &str| -> Outcome {
        b.card.expect_tries(0, when)?;
        for length in 0..=255 {
            b.card
                .verify(&long[..length])?
                .want_bare(Sw::BLOCKED, &format!("VERIFY with {length} bytes"))
                .at(|| when.to_owned())?;
        }
        let wrong = b.card.wrong_block()?;
        b.card
            .verify(&wrong)?
            .want_bare(Sw::BLOCKED, "VERIFY with a wrong PIN")?;
        b.card.expect_tries(0, when)?;
        b.card.expect_authorised(false, when)
    };
    stays_blocked(b, "blocked")?;
    b.card.select()?;
    stays_blocked(b, "blocked, after SELECT")?;
    b.card.reset(Reset::Warm)?;
    b.card.select()?;
    stays_blocked(b, "blocked, after a warm reset")?;
    for _ in 0..3 {
        b.card.power_cycle()?;
        stays_blocked(b, "blocked, after a power cycle")?;
    }
    Ok(())
}

fn over_power_cycles(b: &mut Bench) -> Outcome {
    let wrong = b.card.wrong_block()?;
    let right = b.card.right_block()?;
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
        b.card.verify_right()?;
        let mut left = b.card.tries()?;
        let _ = write!(log, "{name}: {left}");
        for _ in 0..2 {
            left -= 1;
            b.card.verify(field)?.want_bare(Sw::tries(left), name)?;
            b.card.power_cycle()?;
            b.card.expect_tries(left, &format!("{name}, power cut"))?;
            let _ = write!(log, " → power → {left}");
            b.card.select()?;
            b.card.reset(Reset::Warm)?;
            b.card.select()?;
            b.card
                .expect_tries(left, &format!("{name}, power cut, SELECT, warm reset"))?;
        }
        log.push_str("; ");
    }
    b.card.verify_right()?;
    b.note(format!("log of tries over power cycles: {log}right PIN: 3"));
    Ok(())
}

fn walk(b: &mut Bench) -> Outcome {
    let right = b.card.right_block()?;
    let mut stream = b.values.stream("walk");
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
                b.card.verify_right().at(place)?;
                (tries, authorised) = (3, true);
                log.push_str(" right");
            }
            1 => {
                b.card.power_cycle()?;
                authorised = false;
                log.push_str(" power");
            }
            2 => {
                b.card.reset(Reset::Warm)?;
                b.card.select()?;
                authorised = false;
                log.push_str(" reset");
            }
            3 => {
                b.card.select()?;
                authorised = false;
                log.push_str(" select");
            }
            4 => {
                b.card
                    .verify(&[])?
                    .want_bare(Sw::tries(tries), "VERIFY without data")
                    .at(place)?;
                log.push_str(" ask");
            }
            5 => {
                b.card.challenge_answer()?;
                b.card
                    .generate_answer()?
                    .want_bare(Sw::CONDITIONS, "GENERATE")
                    .at(place)?;
                log.push_str(" other");
            }
            choice => {
                let field = match choice {
                    6 => b.card.wrong_block()?.to_vec(),
                    7 => stream.vec(8),
                    _ => right[..1 + stream.below(7) as usize].to_vec(),
                };
                tries -= 1;
                authorised = false;
                b.card
                    .verify(&field)?
                    .want_bare(Sw::tries(tries), "a PIN that isn't right")
                    .at(place)?;
                log.push_str(" wrong");
            }
        }
        b.card
            .expect_tries(tries, "GET DATA")
            .at(|| format!("step {step}, after{log}"))?;
        b.card
            .expect_authorised(authorised, "RECEIVE SCRIPT")
            .at(|| format!("step {step}, after{log}"))?;
        if log.len() > 200 {
            log = format!(" …{}", &log[log.len() - 100..]);
        }
    }
    b.card.verify_right()
}

fn keeps_all(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    let (first, transaction) = b.card.coin_at(&mut stream, 20_000, 0)?;
    b.card.enter(&first, &transaction, 20_000).preamble()?;
    block(b).preamble()?;
    b.card.power_cycle()?;
    let status = b.card.status()?;
    require!(
        status
            == Status::Issued {
                network: profile.network,
                tries: 0,
                policy: profile.policy,
            },
        "the status of a blocked card is {status:?}"
    );
    b.card
        .challenge_answer()?
        .want(Sw::OK, "GET CHALLENGE of a blocked card")?;
    let (second, transaction) = b.card.coin_at(&mut stream, 30_000, 9)?;
    b.card
        .enter(&second, &transaction, 30_000)
        .at(|| "a coin at index 9 of a blocked card".to_owned())?;
    b.card.power_cycle()?;
    for entry in [first, second] {
        b.card.begin_entry(&entry)?.want_bare(
            Sw::COIN_KNOWN,
            "ENTER COIN of a coin that the blocked card has",
        )?;
    }
    b.card.reset_tries(None)?;
    b.card.verify_right()?;
    b.card.pay_checked(&request(45_000)).map(drop)
}
