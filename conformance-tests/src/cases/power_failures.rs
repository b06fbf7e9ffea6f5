//! Power failures between commands, and long random lives. Section 10.

use super::prelude::*;
use crate::values::Stream;

/// Power failures that TC-NVM-02 puts a card through.
const FAILURES: usize = 100;
/// Steps of TC-NVM-03's life.
const STEPS: usize = 400;

cases! {
    "TC-NVM-01" version 1 on Own D3 for [NVM_1 NVM_3 NVM_5 ISS_1 ENT_1 PAY_7] runs cut_after_each_command:
        "A whole life with the power cut after each command: what the command's answer said is \
         there, what it didn't say is not, nothing between. (Power failing inside a command is for \
         a card whose memory can be watched; a black box sees the moments between commands.)"
        catches "An effect that is answered before it is stored, or stored in halves.";
    "TC-NVM-02" version 1 on Own D3 for [NVM_2 PIN_5] runs hundred_failures:
        "After 100 power failures and warm resets, following all kinds of commands, finished or \
         given up halfway, keys, PIN, limits and network are as they were."
        catches "A memory that wears out a fixed place, or repairs itself into another state.";
    "TC-NVM-03" version 1 on Own D3 for [NVM_1 NVM_3 STA_1 TX_1 PAY_4 PIN_5] runs random_life:
        "A random life of 400 steps (PINs right and wrong, entries finished and given up, \
         previews, payments good and refused, power cuts) agrees with the suite's model of the \
         card at every step, to the byte."
        catches "What only shows when commands come in an order that nobody thought of.";
}

fn cut_after_each_command(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let profile = ctx.profile()?;
    // Key generation leaves nothing behind.
    ctx.select()?;
    ctx.generate()?;
    ctx.power_cycle()?;
    ctx.expect_factory("the card was issued by key generation")?;
    ctx.issue_answer(&profile.encode())?.want_bare(
        Sw::CONDITIONS,
        "ISSUE with a key generation that the power cut ended",
    )?;
    // ISSUE, wholly.
    ctx.issue(&profile)?;
    ctx.power_cycle()?;
    let status = ctx.status()?;
    require!(
        status
            == Status::Issued {
                network: profile.network,
                tries: 3,
                policy: profile.policy,
            },
        "after ISSUE and a power cut the status is {status:?}"
    );
    ctx.verify_right()?;
    ctx.expect_receive_script(0)?;
    // VERIFY: a try, and the tries.
    ctx.verify_wrong(2)?;
    ctx.power_cycle()?;
    ctx.expect_tries(2, "after a wrong PIN and a power cut")?;
    ctx.verify_right()?;
    ctx.power_cycle()?;
    ctx.expect_tries(3, "after the right PIN and a power cut")?;
    ctx.expect_authorised(false, "after a power cut")?;
    // ENTER COIN: with its last piece, not before.
    let mut stream = ctx.values.stream("coins");
    for index in [0, 1] {
        let (entry, bytes) = ctx.coin_at(&mut stream, 50_000, index)?;
        ctx.begun_entry(&entry)?;
        ctx.power_cycle()?;
        ctx.begun_entry(&entry)?;
        ctx.piece(&bytes[..bytes.len() - 1])?
            .want_bare(Sw::OK, "ENTER COIN, a piece")?;
        ctx.power_cycle()?;
        ctx.enter(&entry, &bytes, 50_000)?;
        ctx.power_cycle()?;
        ctx.begin_entry(&entry)?
            .want_bare(Sw::COIN_KNOWN, "ENTER COIN of a coin that entered")?;
        ctx.verify_right()?;
        ctx.expect_receive_script(index + 1)?;
    }
    // PREVIEW changes nothing, PAY everything.
    let request = request_of(60_000);
    ctx.preview_checked(&request)?.ok();
    ctx.power_cycle()?;
    ctx.preview_checked(&request)?.ok();
    let answer = ctx.pay_answer(&request)?;
    ctx.power_cycle()?;
    ctx.paid(&request, answer)?;
    ctx.preview_checked(&request_of(30_000))?.ok();
    ctx.power_cycle()?;
    ctx.pay_checked(&request_of(30_000)).map(drop)
}

fn hundred_failures(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE
        .per_payment(40_000)
        .cumulative(70_000)
        .fee_cap(3_000)
        .highest_rate(9_000);
    let mut profile = ctx.profile()?.limits(limits);
    profile.network = 1;
    ctx.prepare(&profile)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[60_000, 50_000])?;
    for round in 0..FAILURES {
        give_up_halfway(ctx, &mut stream, round)?;
        ctx.reset(if round % 5 == 4 {
            Reset::Warm
        } else {
            Reset::Cold
        })?;
        ctx.select()?;
        if round % 10 != 9 {
            continue;
        }
        let status = ctx.status()?;
        require!(
            matches!(status, Status::Issued { network: 1, .. }),
            "after {round} power failures the status is {status:?}"
        );
        ctx.verify_right()
            .at(|| format!("after {round} power failures"))?;
        let index = ctx.host()?.purse.next_receive();
        ctx.expect_receive_script(index)?;
        let checks = [
            request_of(40_000),
            request_of(40_001),
            request_of(20_000).rate(9_001),
            request_of(20_000).rate(9_000),
        ];
        for request in checks {
            ctx.preview_checked(&request)
                .at(|| format!("after {round} power failures"))?
                .ok();
        }
    }
    ctx.pay_checked(&request_of(40_000))?;
    ctx.power_cycle()?;
    let over = ctx.preview_checked(&request_of(35_000))?;
    put!(
        over == Err(Sw::OVER_CUMULATIVE_LIMIT),
        "the case needs the cumulative limit"
    );
    Ok(())
}

/// Some command, and sometimes only a part of what belongs together.
fn give_up_halfway(ctx: &mut CaseContext, stream: &mut Stream, round: usize) -> Outcome {
    let request_of = ctx.requests();
    match round % 8 {
        0 => ctx.verify_right(),
        1 => {
            // Rounds 0 and 2 bring the right PIN, so that the tries last.
            ctx.verify_wrong(2)
        }
        2 => ctx.authorise(),
        3 => ctx.challenge().map(drop),
        4 => {
            let index = ctx.host()?.purse.next_receive();
            let (entry, bytes) = ctx.coin_at(stream, 1_000, index)?;
            ctx.begun_entry(&entry)?;
            ctx.piece(&bytes[..40])?
                .want_bare(Sw::OK, "ENTER COIN, a piece")
        }
        5 => ctx.preview_checked(&request_of(10_000)).map(drop),
        6 => {
            ctx.authorise()?;
            ctx.pay_answer(&request_of(50_000))?
                .want_bare(Sw::OVER_PAYMENT_LIMIT, "PAY")
        }
        _ => {
            let first = ctx.raw(&[0x00, 0xCA, 0x01, 0x01])?;
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

fn random_life(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE
        .per_payment(90_000)
        .cumulative(1_200_000)
        .fee_cap(6_000)
        .highest_rate(15_000);
    ctx.prepare_limited(limits, &[])?;
    let mut stream = ctx.values.stream("life");
    let mut life = Life {
        tries: 3,
        entered: Vec::new(),
    };
    let (mut payments, mut refusals) = (0, 0);
    for step in 0..STEPS {
        let place = || format!("step {step}");
        match stream.below(20) {
            0..=4 => enter_some_coin(ctx, &mut stream, &mut life).at(place)?,
            5..=11 => {
                let request = some_request(ctx, &mut stream)?;
                life.tries = 3;
                match ctx.preview_checked(&request).at(place)? {
                    Ok(_) if stream.below(3) > 0 => {
                        let answer = ctx.pay_answer(&request)?;
                        ctx.paid(&request, answer).at(place)?;
                        payments += 1;
                    }
                    Ok(_) => {}
                    Err(_) => refusals += 1,
                }
            }
            12..=13 => {
                let request = some_request(ctx, &mut stream)?;
                ctx.authorise()?;
                life.tries = 3;
                let answer = ctx.pay_answer(&request)?;
                match ctx.expectation(&request)? {
                    Ok(_) => {
                        ctx.paid(&request, answer).at(place)?;
                        payments += 1;
                    }
                    Err(sw) => answer.want_bare(sw, "PAY").at(place)?,
                }
            }
            14..=15 if life.tries > 1 => {
                life.tries -= 1;
                ctx.verify_wrong(life.tries).at(place)?;
            }
            16 => {
                ctx.verify_right().at(place)?;
                life.tries = 3;
                let index = ctx.host()?.purse.next_receive();
                ctx.expect_receive_script(index).at(place)?;
            }
            17 => {
                ctx.select()?;
                ctx.pay_answer(&request_of(5_000))?
                    .want_bare(Sw::SECURITY, "PAY after SELECT")
                    .at(place)?;
            }
            _ => ctx.power_cycle().at(place)?,
        }
        ctx.expect_tries(life.tries, "GET DATA").at(place)?;
    }
    ctx.note(format!(
        "{payments} payments, {refusals} refused previews, {} coins entered",
        life.entered.len()
    ));
    Ok(())
}

fn enter_some_coin(ctx: &mut CaseContext, stream: &mut Stream, life: &mut Life) -> Outcome {
    let next = ctx.host()?.purse.next_receive();
    let index = next.saturating_sub(2) + stream.below(6) as u32;
    let amount = 330 + stream.below(120_000);
    let (entry, bytes) = ctx.coin_at(stream, amount, index)?;
    let purse = &ctx.host()?.purse;
    let full = purse.coins.len() >= usize::from(ctx.host()?.capabilities.coins);
    let retired = purse.retired.contains(&(0, index));
    if retired || full {
        let sw = if retired { Sw::RETIRED } else { Sw::NO_ROOM };
        return ctx.begin_entry(&entry)?.want_bare(sw, "ENTER COIN");
    }
    if stream.below(5) == 0 {
        ctx.begun_entry(&entry)?;
        return ctx
            .piece(&bytes[..30])?
            .want_bare(Sw::OK, "ENTER COIN, a piece");
    }
    ctx.enter(&entry, &bytes, amount)?;
    life.entered.push(entry);
    let known = life.entered[stream.below(life.entered.len() as u64) as usize];
    let purse = &ctx.host()?.purse;
    let sw = if purse.retired.contains(&(0, known.place)) {
        Sw::RETIRED
    } else {
        Sw::COIN_KNOWN
    };
    ctx.begin_entry(&known)?
        .want_bare(sw, "ENTER COIN of a coin that entered once")
}

fn some_request(ctx: &CaseContext, stream: &mut Stream) -> Step<Request> {
    let request_of = ctx.requests();
    let candidates = ctx.host()?.purse.candidates();
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
    Ok(request_of(amount).rate(rate).payee(payee))
}
