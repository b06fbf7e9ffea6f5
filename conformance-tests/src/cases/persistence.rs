//! Power failures between commands, and long random lives. Section 10.

use super::prelude::*;
use crate::values::Stream;

/// Power failures that TC-NVM-02 puts a card through.
const FAILURES: usize = 100;
/// Steps of TC-NVM-03's life.
const STEPS: usize = 400;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-NVM-01",
        version: 1,
        purpose: "A whole life with the power cut after each command: what the command's answer \
                  said is there, what it didn't say is not, nothing between. (Power failing \
                  inside a command is for a card whose memory can be watched; a black box sees \
                  the moments between commands.)",
        requirements: &[req::NVM_1, req::NVM_3, req::ISS_1, req::ENT_1, req::PAY_7],
        start: Start::Own,
        level: Level::D3,
        defect: "An effect that is answered before it is stored, or stored in halves.",
        run: cut_after_each_command,
    },
    Case {
        id: "TC-NVM-02",
        version: 1,
        purpose: "After 100 power failures and warm resets, following all kinds of commands, \
                  finished or given up halfway, keys, PIN, limits and network are as they were.",
        requirements: &[req::NVM_2, req::PIN_5],
        start: Start::Own,
        level: Level::D3,
        defect: "A memory that wears out a fixed place, or repairs itself into another state.",
        run: hundred_failures,
    },
    Case {
        id: "TC-NVM-03",
        version: 1,
        purpose: "A random life of 400 steps (PINs right and wrong, entries finished and given \
                  up, previews, payments good and refused, power cuts) agrees with the suite's \
                  model of the card at every step, to the byte.",
        requirements: &[
            req::NVM_1,
            req::NVM_3,
            req::STA_1,
            req::TX_1,
            req::PAY_4,
            req::PIN_5,
        ],
        start: Start::Own,
        level: Level::D3,
        defect: "What only shows when commands come in an order that nobody thought of.",
        run: random_life,
    },
];

fn cut_after_each_command(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    // Key generation leaves nothing behind.
    b.card.select()?;
    b.card.generate()?;
    b.card.power_cycle()?;
    require!(
        b.card.status()? == Status::Factory,
        "the card was issued by key generation"
    );
    b.card.issue_answer(&profile.encode())?.want_bare(
        Sw::CONDITIONS,
        "ISSUE with a key generation that the power cut ended",
    )?;
    // ISSUE, wholly.
    b.card.issue(&profile)?;
    b.card.power_cycle()?;
    let status = b.card.status()?;
    require!(
        status
            == Status::Issued {
                network: profile.network,
                tries: 3,
                policy: profile.policy,
            },
        "after ISSUE and a power cut the status is {status:?}"
    );
    b.card.verify_right()?;
    b.card.expect_receive_script(0)?;
    // VERIFY: a try, and the tries.
    b.card.verify_wrong(2)?;
    b.card.power_cycle()?;
    b.card
        .expect_tries(2, "after a wrong PIN and a power cut")?;
    b.card.verify_right()?;
    b.card.power_cycle()?;
    b.card
        .expect_tries(3, "after the right PIN and a power cut")?;
    b.card.expect_authorised(false, "after a power cut")?;
    // ENTER COIN: with its last piece, not before.
    let mut stream = b.values.stream("coins");
    for index in [0, 1] {
        let (entry, bytes) = b.card.coin_at(&mut stream, 50_000, index)?;
        b.card.begun_entry(&entry)?;
        b.card.power_cycle()?;
        b.card.begun_entry(&entry)?;
        b.card
            .piece(&bytes[..bytes.len() - 1])?
            .want_bare(Sw::OK, "ENTER COIN, a piece")?;
        b.card.power_cycle()?;
        b.card.enter(&entry, &bytes, 50_000)?;
        b.card.power_cycle()?;
        b.card
            .begin_entry(&entry)?
            .want_bare(Sw::COIN_KNOWN, "ENTER COIN of a coin that entered")?;
        b.card.verify_right()?;
        b.card.expect_receive_script(index + 1)?;
    }
    // PREVIEW changes nothing, PAY everything.
    let request = request(60_000);
    b.card.preview_checked(&request)?.ok();
    b.card.power_cycle()?;
    b.card.preview_checked(&request)?.ok();
    let answer = b.card.pay_answer(&request)?;
    b.card.power_cycle()?;
    b.card.paid(&request, answer)?;
    b.card.preview_checked(&self::request(30_000))?.ok();
    b.card.power_cycle()?;
    b.card.pay_checked(&self::request(30_000)).map(drop)
}

fn hundred_failures(b: &mut Bench) -> Outcome {
    let limits = Limits {
        per_payment: 40_000,
        cumulative: 70_000,
        fee_cap: 3_000,
        highest_rate: 9_000,
        ..Limits::WIDE
    };
    let mut profile = b.profile()?.limits(limits);
    profile.network = 1;
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[60_000, 50_000])?;
    for round in 0..FAILURES {
        give_up_halfway(b, &mut stream, round)?;
        b.card.reset(if round % 5 == 4 {
            Reset::Warm
        } else {
            Reset::Cold
        })?;
        b.card.select()?;
        if round % 10 != 9 {
            continue;
        }
        let status = b.card.status()?;
        require!(
            matches!(status, Status::Issued { network: 1, .. }),
            "after {round} power failures the status is {status:?}"
        );
        b.card
            .verify_right()
            .at(|| format!("after {round} power failures"))?;
        let index = b.card.host()?.purse.next_receive;
        b.card.expect_receive_script(index)?;
        let checks = [
            request(40_000),
            request(40_001),
            Request {
                rate: 9_001,
                ..request(20_000)
            },
            Request {
                rate: 9_000,
                ..request(20_000)
            },
        ];
        for request in checks {
            b.card
                .preview_checked(&request)
                .at(|| format!("after {round} power failures"))?
                .ok();
        }
    }
    b.card.pay_checked(&request(40_000))?;
    b.card.power_cycle()?;
    let over = b.card.preview_checked(&request(35_000))?;
    require!(
        over == Err(Sw::OVER_CUMULATIVE_LIMIT),
        "the case needs the cumulative limit"
    );
    Ok(())
}

/// Some command, and sometimes only a part of what belongs together.
fn give_up_halfway(b: &mut Bench, stream: &mut Stream, round: usize) -> Outcome {
    match round % 8 {
        0 => b.card.verify_right(),
        1 => {
            // Rounds 0 and 2 bring the right PIN, so that the tries last.
            b.card.verify_wrong(2)
        }
        2 => b.card.authorise(),
        3 => b.card.challenge().map(drop),
        4 => {
            let index = b.card.host()?.purse.next_receive;
            let (entry, bytes) = b.card.coin_at(stream, 1_000, index)?;
            b.card.begun_entry(&entry)?;
            b.card
                .piece(&bytes[..40])?
                .want_bare(Sw::OK, "ENTER COIN, a piece")
        }
        5 => b.card.preview_checked(&request(10_000)).map(drop),
        6 => {
            b.card.authorise()?;
            b.card
                .pay_answer(&request(50_000))?
                .want_bare(Sw::OVER_PAYMENT_LIMIT, "PAY")
        }
        _ => {
            let first = b.card.raw(&[0x00, 0xCA, 0x01, 0x01])?;
            require!(
                first.sw.more().is_some(),
                "GET DATA without Le answered {}",
                first.sw
            );
            Ok(())
        }
    }
}

/// What a random life knows besides the purse.
struct Life {
    tries: u8,
    entered: Vec<Entry>,
}

fn random_life(b: &mut Bench) -> Outcome {
    let limits = Limits {
        per_payment: 90_000,
        cumulative: 1_200_000,
        fee_cap: 6_000,
        highest_rate: 15_000,
        ..Limits::WIDE
    };
    let profile = b.profile()?.limits(limits);
    b.issue(&profile)?;
    let mut stream = b.values.stream("life");
    let mut life = Life {
        tries: 3,
        entered: Vec::new(),
    };
    let (mut payments, mut refusals) = (0, 0);
    for step in 0..STEPS {
        let place = || format!("step {step}");
        match stream.below(20) {
            0..=4 => enter_some_coin(b, &mut stream, &mut life).at(place)?,
            5..=11 => {
                let request = some_request(b, &mut stream)?;
                life.tries = 3;
                match b.card.preview_checked(&request).at(place)? {
                    Ok(_) if stream.below(3) > 0 => {
                        let answer = b.card.pay_answer(&request)?;
                        b.card.paid(&request, answer).at(place)?;
                        payments += 1;
                    }
                    Ok(_) => {}
                    Err(_) => refusals += 1,
                }
            }
            12..=13 => {
                let request = some_request(b, &mut stream)?;
                b.card.authorise()?;
                life.tries = 3;
                let answer = b.card.pay_answer(&request)?;
                match b.card.expectation(&request)? {
                    Ok(_) => {
                        b.card.paid(&request, answer).at(place)?;
                        payments += 1;
                    }
                    Err(sw) => answer.want_bare(sw, "PAY").at(place)?,
                }
            }
            14..=15 if life.tries > 1 => {
                life.tries -= 1;
                b.card.verify_wrong(life.tries).at(place)?;
            }
            16 => {
                b.card.verify_right().at(place)?;
                life.tries = 3;
                let index = b.card.host()?.purse.next_receive;
                b.card.expect_receive_script(index).at(place)?;
            }
            17 => {
                b.card.select()?;
                b.card
                    .pay_answer(&request(5_000))?
                    .want_bare(Sw::SECURITY, "PAY after SELECT")
                    .at(place)?;
            }
            _ => b.card.power_cycle().at(place)?,
        }
        b.card.expect_tries(life.tries, "GET DATA").at(place)?;
    }
    b.note(format!(
        "{payments} payments, {refusals} refused previews, {} coins entered",
        life.entered.len()
    ));
    Ok(())
}

fn enter_some_coin(b: &mut Bench, stream: &mut Stream, life: &mut Life) -> Outcome {
    let next = b.card.host()?.purse.next_receive;
    let index = next.saturating_sub(2) + stream.below(6) as u32;
    let amount = 330 + stream.below(120_000);
    let (entry, bytes) = b.card.coin_at(stream, amount, index)?;
    let purse = &b.card.host()?.purse;
    let full = purse.coins.len() >= usize::from(b.card.host()?.capabilities.coins);
    let retired = purse.retired.contains(&(0, index));
    if retired || full {
        let sw = if retired { Sw::RETIRED } else { Sw::NO_ROOM };
        return b.card.begin_entry(&entry)?.want_bare(sw, "ENTER COIN");
    }
    if stream.below(5) == 0 {
        b.card.begun_entry(&entry)?;
        return b
            .card
            .piece(&bytes[..30])?
            .want_bare(Sw::OK, "ENTER COIN, a piece");
    }
    b.card.enter(&entry, &bytes, amount)?;
    life.entered.push(entry);
    let known = life.entered[stream.below(life.entered.len() as u64) as usize];
    let purse = &b.card.host()?.purse;
    let sw = if purse.retired.contains(&(0, known.place)) {
        Sw::RETIRED
    } else {
        Sw::COIN_KNOWN
    };
    b.card
        .begin_entry(&known)?
        .want_bare(sw, "ENTER COIN of a coin that entered once")
}

fn some_request(b: &Bench, stream: &mut Stream) -> Step<Request> {
    let candidates = b.card.host()?.purse.candidates();
    let total: u64 = candidates.iter().map(|coin| coin.amount).sum();
    let (_, payee) = payee::all(stream.bytes())[stream.below(5) as usize].clone();
    let amount = match stream.below(8) {
        0 => stream.below(600),
        1 => 90_001,
        2 => total,
        _ => 300 + stream.below(total.clamp(1, 90_000)),
    };
    let rate = match stream.below(12) {
        0 => 99,
        1 => 15_001,
        _ => 100 + stream.below(14_900) as u32,
    };
    Ok(Request {
        rate,
        payee,
        ..request(amount)
    })
}
