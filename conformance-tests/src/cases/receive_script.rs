//! RECEIVE SCRIPT: section 6.1.

use super::prelude::*;
use super::sign::unknown;
use crate::model::{Place, Spend, SpendOutput};

/// The last index that a coin can enter at.
const LAST_INDEX: u32 = 4095;

cases! {
    "TC-RCV-01" version 1 on Own D3 for [RCV_1 KEY_4] runs next_index:
        "The receive index is one above the highest at which a coin ever entered: it stays when \
         asked again, over power cycles, when a coin enters below it, and when coins are spent."
        catches "An index that asking uses up, that falls back, or that counts coins.";
    "TC-RCV-02" version 1 on Own D3 for [RCV_2 RCV_1] runs authority:
        "RECEIVE SCRIPT is refused with 6982 without the holder's authorisation: before VERIFY, \
         after a wrong PIN, after a payment; and with it, it doesn't use it up: ten times, then \
         PREVIEW, once more, then PAY."
        catches "Scripts for whoever asks; an authorisation spent by asking.";
    "TC-RCV-03" version 2 on Own D3 for [RCV_1 ENT_2 KEY_4] runs last_index:
        "Coins enter at indexes up to 4095, ten apart; after one at 4094 RECEIVE SCRIPT answers \
         index 4095, after one there it is refused with 6A84, also after a power cycle, while coins still enter at indexes given out before."
        catches "A script handed out at which no coin can enter; indexes cut to a byte or so.";
    "TC-RCV-05" version 1 on Own D3 for [RCV_1 TX_6 SGN_2 SGN_3 PAY_10 ENT_2] runs retired:
        "Receive indexes that SIGN retired are skipped: the next one, a row of a hundred, and one \
         ahead once it is reached; RECEIVE SCRIPT, the coin image, the bounds of ENTER COIN and of \
         SIGN, and the refusal to pay to the script that would be answered follow, over power \
         cycles."
        catches "A script handed out at which no shop can spend the coin.";
}

fn next_index(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let mut stream = ctx.values.stream("coins");
    let same = |ctx: &mut CaseContext, index: u32, when: &str| -> Outcome {
        for _ in 0..2 {
            ctx.verify_right()?;
            for _ in 0..3 {
                ctx.expect_receive_script(index).at(when)?;
            }
            ctx.power_cycle()?;
        }
        Ok(())
    };
    same(ctx, 0, "at first")?;
    for (index, next) in [(0, 1), (0, 1), (5, 6), (2, 6), (5, 6), (15, 16), (6, 16)] {
        let (entry, transaction) = ctx.coin_at(&mut stream, 20_000, index)?;
        ctx.enter(&entry, &transaction, 20_000)
            .at(|| format!("index {index}"))?;
        same(ctx, next, &format!("after a coin at index {index}"))?;
    }
    ctx.pay_checked(&request_of(130_000))?;
    same(ctx, 16, "after a payment with all coins")
}

fn authority(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[50_000])?;
    ctx.expect_authorised(false, "before VERIFY")?;
    ctx.verify_wrong(2)?;
    ctx.expect_authorised(false, "after a wrong PIN")?;
    ctx.verify_right()?;
    for _ in 0..10 {
        ctx.expect_receive_script(1)?;
    }
    let request = request_of(10_000);
    ctx.preview_answer(&request)?.want(Sw::OK, "PREVIEW")?;
    ctx.expect_receive_script(1)?;
    let answer = ctx.pay_answer(&request)?;
    ctx.paid(&request, answer)?;
    ctx.expect_authorised(false, "after a payment")
}

fn last_index(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let room = usize::from(ctx.host()?.capabilities.coins);
    let mut stream = ctx.values.stream("coins");
    for index in (9..LAST_INDEX)
        .step_by(10)
        .chain([LAST_INDEX - 1, LAST_INDEX])
    {
        if ctx.host()?.purse.coins.len() + 1 >= room {
            // A card with little room: as many coins as one payment takes make way for one.
            let candidates = ctx.host()?.purse.candidates();
            let sum: u64 = candidates.iter().take(16).map(|coin| coin.amount).sum();
            ctx.pay_checked(&request_of(sum - 5_000)).preamble()?;
            let next = ctx.host()?.purse.next_sequence;
            ctx.acknowledge(next, next).preamble()?;
        }
        let (entry, transaction) = ctx.coin_at(&mut stream, 20_000, index)?;
        ctx.enter(&entry, &transaction, 20_000)
            .at(|| format!("index {index}"))?;
        if index % 1_000 == 999 || index == LAST_INDEX - 1 {
            ctx.authorise()?;
            ctx.expect_receive_script(index + 1)?;
        }
    }
    for _ in 0..2 {
        ctx.authorise()?;
        ctx.receive_script_answer()?
            .want_bare(Sw::NO_ROOM, "RECEIVE SCRIPT after a coin at index 4095")?;
        ctx.power_cycle()?;
    }
    for (index, sw) in [
        (LAST_INDEX + 1, Sw::INDEX),
        (LAST_INDEX, Sw::OK),
        (8, Sw::OK),
    ] {
        let txid = stream.bytes();
        ctx.begin_entry(&Entry {
            txid,
            vout: 0,
            place: index,
        })?
        .want_bare(sw, "ENTER COIN")
        .at(|| format!("index {index}"))?;
    }
    Ok(())
}

fn retired(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[50_000, 40_000])?;
    let capabilities = ctx.host()?.capabilities;
    capabilities.needs(Capability::Signing)?;
    let most = u32::from(capabilities.sign_inputs);
    let mut stream = ctx.values.stream("coins");
    let at = |ctx: &mut CaseContext, next: u32, when: &str| -> Outcome {
        let mut more = ctx.values.stream(when);
        for _ in 0..2 {
            ctx.authorise()?;
            ctx.expect_receive_script(next).at(when)?;
            ctx.expect_ledger(when)?;
            ctx.power_cycle()?;
        }
        let script = ctx.host()?.account.script(0, next)?;
        ctx.expect_refused(&request_of(5_000).payee(script), Sw::PAYEE)
            .at(when)?;
        for (ahead, entry_sw, sign_sw) in [(9, Sw::OK, Sw::OK), (10, Sw::INDEX, Sw::WRONG_DATA)] {
            let entry = Entry {
                txid: more.bytes(),
                vout: 0,
                place: next + ahead,
            };
            ctx.begin_entry(&entry)?
                .want_bare(entry_sw, "ENTER COIN ahead")
                .at(when)?;
            let input = unknown(&mut more, 9_000, Place::receive(4_000));
            let outputs = vec![SpendOutput::Own(8_500, Place::receive(next + ahead))];
            let spend = Spend::elsewhere(vec![input], 500).outputs(outputs);
            let answer = ctx.sign_stream(&spend, 200)?;
            require!(
                answer.sw == sign_sw,
                "SIGN to receive index {} {when}: {} instead of {sign_sw}",
                next + ahead,
                answer.sw
            );
        }
        Ok(())
    };
    let retire = |ctx: &mut CaseContext, stream: &mut _, indexes: &[u32]| -> Outcome {
        let inputs = (indexes.iter())
            .map(|index| unknown(stream, 20_000, Place::receive(*index)))
            .collect();
        let spend = Spend::elsewhere(inputs, 10_000);
        ctx.streamed(&spend, 255)?;
        ctx.signed_all(&spend)
    };
    at(ctx, 2, "at first")?;
    retire(ctx, &mut stream, &[2, 3, 5, 4_095])?;
    at(ctx, 4, "after SIGN")?;
    let (entry, bytes) = ctx.coin_at(&mut stream, 30_000, 4)?;
    ctx.enter(&entry, &bytes, 30_000)?;
    at(ctx, 6, "after a coin below a retired index")?;
    let row: Vec<u32> = (6..).take(most.min(100) as usize).collect();
    retire(ctx, &mut stream, &row)?;
    let next = row[row.len() - 1] + 1;
    at(ctx, next, "after a row of retired indexes")?;
    ctx.pay_checked(&request_of(100_000)).map(drop)
}
