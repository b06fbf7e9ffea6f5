//! More coins, outputs and inputs than eight or 16 bits count. Sections 6.2 and 7.4.

use super::prelude::*;
use crate::tx::{raw, txid_of_bytes};

/// Coins: more than a byte counts.
const COINS: u64 = 260;
/// Outputs and inputs: more than two bytes count.
const MANY: u32 = 65_600;
/// Where the coin is: at 54, counted in two bytes.
const VOUT: u32 = 65_590;
/// What two bytes don't hold.
const TWO_BYTES: u32 = 1 << 16;

cases! {
    "TC-TX-15" version 1 on Own D3 for [TX_1 TX_2 LOG_1 REC_1 IMG_1] runs many_coins:
        "Of 260 coins, each larger than the one before, sixteen don't reach an amount that all do \
         (9402); the last one to enter is paid from first, then the sixteen before it, and both \
         payments are logged and given again with these coins. (A card that declares fewer isn't \
         asked.)"
        catches "Coins, or their places in the card, that are counted in eight bits.";
    "TC-ENT-19" version 1 on Own D3 for [ENT_1 ENT_4 IMG_1 TX_3] runs many_outputs:
        "Of a transaction of 65 600 outputs the coin is output 65 590, and output 54 another's \
         (940C): it enters, stands in the coin image with that number, and a payment spends it \
         there."
        catches "An output's number that is kept, or counted, in 16 bits.";
    "TC-ENT-20" version 1 on Own D3 for [ENT_1 ENT_3] runs many_inputs:
        "A coin enters from a transaction of 65 600 inputs, each spending another outpoint."
        catches "Inputs that are counted in 16 bits: the transaction's end is looked for too early.";
}

fn many_coins(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let room = ctx.host()?.capabilities.coins;
    if u64::from(room) <= COINS {
        return Err(Stop::NotApplicable(format!(
            "the card declares room for {room} coins, and the case needs more than {COINS}"
        )));
    }
    let amounts: Vec<u64> = (0..COINS).map(|number| 1_000 + 10 * number).collect();
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &amounts)?;
    let largest: u64 = amounts.iter().rev().take(16).sum();
    ctx.expect_refused(&request_of(largest), Sw::FRAGMENTED)?;
    let requests = [request_of(3_000), request_of(largest - 12_000)];
    for request in &requests {
        ctx.pay_checked(request)?;
        ctx.expect_ledger("after a payment")?;
    }
    let [first, second] = [&requests[0], &requests[1]].map(|request| ctx.logged(request));
    put!(
        u64::from(first?.plan.inputs[0].index) == COINS - 1 && second?.plan.inputs.len() > 8,
        "the case needs payments of the last coin, and of many"
    );
    ctx.power_cycle()?;
    for request in &requests {
        let answer = ctx.pay_answer(request)?;
        ctx.paid_again(request, answer)?;
    }
    Ok(())
}

fn many_outputs(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let script = ctx.host()?.account.script(0, 0)?;
    let input = raw::input(ctx.values.bytes("outpoint"), 0, &[]);
    let mut bytes = [&raw::VERSION[..], &[1], &input].concat();
    bytes.extend(raw::compact_size(MANY.into()));
    for output in 0..MANY {
        bytes.extend(match output {
            VOUT => raw::output(50_000, script.as_bytes()),
            _ => raw::output(u64::from(output % 7), &[]),
        });
    }
    bytes.extend(raw::LOCK_TIME);
    let entry = Entry {
        txid: txid_of_bytes(&bytes),
        vout: VOUT,
        place: 0,
    };
    let other = entry.vout(VOUT - TWO_BYTES);
    ctx.enter_answer(&other, &bytes)?
        .want_bare(Sw::OTHER_SCRIPT, "ENTER COIN of output 54")?;
    ctx.enter(&entry, &bytes, 50_000)?;
    ctx.expect_ledger("after the entry")?;
    ctx.pay_checked(&request_of(20_000))?;
    ctx.expect_ledger("after the payment")
}

fn many_inputs(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let script = ctx.host()?.account.script(0, 0)?;
    let mut stream = ctx.values.stream("outpoints");
    let mut bytes = [&raw::VERSION[..], &raw::compact_size(MANY.into())].concat();
    for input in 0..MANY {
        bytes.extend(raw::input(stream.bytes(), input % 5, &[]));
    }
    bytes.push(1);
    bytes.extend(raw::output(50_000, script.as_bytes()));
    bytes.extend(raw::LOCK_TIME);
    let entry = Entry {
        txid: txid_of_bytes(&bytes),
        vout: 0,
        place: 0,
    };
    ctx.enter(&entry, &bytes, 50_000)?;
    ctx.pay_checked(&request_of(20_000)).map(drop)
}
