//! Choice of coins, fee, and the transaction itself. Section 7.3.

use super::prelude::*;
use crate::model::fee;
use crate::tx::{funding, preimage, txid};

/// Requests that TC-TX-01 previews besides those that need each number of coins.
const RANDOM_REQUESTS: usize = 300;

cases! {
    "TC-TX-01" version 1 on Funded D1 for [TX_1 TX_2 PAY_5 INF_2] runs reckoning:
        "PREVIEW agrees with the suite's own reckoning (coins and their order, fee, change, or the \
         refusal) for payments that need 1 to 16 coins, at the boundaries where another coin is \
         needed or change appears, for all payee types and rates from 100 to 1 000 000 sat/kvB, \
         and for 300 random requests."
        catches "Wrong size or rounding; too many coins; a coin of the wrong end first.";
    "TC-TX-02" version 1 on Own D3 for [TX_1 TX_3 PAY_2 KEY_5 PAY_5] runs payments:
        "Payments with 1, 2, 3, 7 and 16 inputs, to all payee types, with and without change: \
         every byte of each transaction is the one that the text determines, the signatures are \
         valid, the size is the formula's, and it is what PREVIEW said."
        catches "A field with another value; a PAY that differs from its PREVIEW.";
    "TC-TX-03" version 1 on Own D3 for [TX_1] runs equal_amounts:
        "Coins of equal amounts are taken by txid, bytewise ascending as a transaction carries it, \
         then by vout as a number, whatever the order of entry."
        catches "Order of entry, of the shown txid, or of vout's bytes.";
    "TC-TX-04" version 1 on Funded D1 for [TX_2] runs fragmented:
        "Too fragmented (9402) and insufficient funds (9401) are told apart to the sat, for \
         several fee rates and payee types; 9402 never with sixteen coins or fewer."
        catches "A till that asks for another card when the owner should consolidate, or the other \
                 way round.";
    "TC-TX-05" version 1 on Own D3 for [TX_3 TX_4] runs output_order:
        "The outputs are ordered by amount, then by script: payee below and above the change, and \
         equal to it with a script that sorts before and after."
        catches "Change always last: whoever reads the chain tells payee from change.";
}

fn types(ctx: &CaseContext) -> [(&'static str, bitcoin::ScriptBuf); 5] {
    payee::all(ctx.values.bytes("payee"))
}

fn reckoning(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let candidates = ctx.host()?.purse.candidates();
    let amounts: Vec<u64> = candidates.iter().map(|coin| coin.amount).collect();
    let rates = [100, 999, 1_000, 1_001, 12_345, 250_000];
    let mut previews = 0;
    for inputs in 1..=16 {
        let sum: u64 = amounts[..inputs].iter().sum();
        let (_, script) = &types(ctx)[inputs % 5];
        let length = script.len() as u64;
        let rate = rates[inputs % rates.len()];
        let without = fee(inputs as u64, length, false, rate);
        let with = fee(inputs as u64, length, true, rate);
        // The most that so many coins give; one sat more needs another coin; change of 330 and 329.
        for amount in [
            sum - without,
            sum - without + 1,
            sum - with - 330,
            sum - with - 329,
        ] {
            let request = request_of(amount).rate(rate).payee(script.clone());
            let place = || format!("{inputs} coins, {amount} sat, {rate} sat/kvB");
            ctx.preview_checked(&request).at(place)?.ok();
            previews += 1;
        }
    }
    for (name, payee) in types(ctx) {
        for rate in rates.into_iter().chain([1_000_000]) {
            for amount in [1_000, 199_000, 400_000] {
                let request = request_of(amount).rate(rate).payee(payee.clone());
                let place = || format!("{name}, {amount} sat, {rate} sat/kvB");
                ctx.preview_checked(&request).at(place)?.ok();
                previews += 1;
            }
        }
    }
    let mut stream = ctx.values.stream("requests");
    let total: u64 = amounts.iter().sum();
    let mut refused = 0;
    for _ in 0..RANDOM_REQUESTS {
        let (name, payee) = types(ctx)[stream.below(5) as usize].clone();
        let rate = 100 + stream.below(20_000) as u32;
        let amount = 600 + stream.below(total);
        let place = || format!("{name}, {amount} sat, {rate} sat/kvB");
        let plan = ctx
            .preview_checked(&request_of(amount).rate(rate).payee(payee))
            .at(place)?;
        refused += usize::from(plan.is_err());
    }
    ctx.note(format!(
        "{} previews, {refused} of the random ones refused as they must be",
        previews + RANDOM_REQUESTS
    ));
    Ok(())
}

fn payments(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let mut stream = ctx.values.stream("coins");
    for (round, inputs) in [16, 7, 3, 2, 1].into_iter().enumerate() {
        for change in [true, false] {
            let amounts: Vec<u64> = (0..inputs as u64).map(|coin| 40_000 - 500 * coin).collect();
            ctx.fund(&mut stream, &amounts)?;
            let candidates = ctx.host()?.purse.candidates();
            let sum: u64 = candidates[..inputs].iter().map(|coin| coin.amount).sum();
            let (name, payee) = types(ctx)[(2 * round + usize::from(change)) % 5].clone();
            let rate = [1_000, 100, 3_333, 9_999, 20_001][round];
            let length = payee.len() as u64;
            let spare = if change {
                fee(inputs as u64, length, true, rate) + 1_234
            } else {
                fee(inputs as u64, length, false, rate) + 7
            };
            let request = request_of(sum - spare).rate(rate).payee(payee);
            let place = || format!("{inputs} inputs, {name}, change: {change}");
            let plan = ctx
                .preview_checked(&request)
                .at(place)?
                .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))?;
            put!(
                plan.inputs.len() == inputs && (plan.change > 0) == change,
                "the case needs {inputs} inputs and change: {change}"
            );
            let answer = ctx.pay_answer(&request)?;
            ctx.paid(&request, answer).at(place)?;
        }
    }
    Ok(())
}

fn equal_amounts(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let mut stream = ctx.values.stream("coins");
    let account = ctx.host()?.account.clone();
    // One transaction with outputs on both sides of vout 255, so that byte order shows.
    let mut outputs = vec![(1_000, payee::p2wsh(stream.bytes())); 259];
    for (vout, index) in [(258, 0), (1, 1), (256, 2)] {
        outputs[vout] = (20_000, account.script(0, index)?);
    }
    let wide = funding(&mut stream, 1, &outputs);
    for (vout, index) in [(258, 0), (1, 1), (256, 2)] {
        let entry = Entry {
            txid: txid(&wide),
            vout,
            place: index,
        };
        ctx.enter(&entry, &preimage(&wide), 20_000).preamble()?;
    }
    // And others whose txids sort one way as transactions carry them, the other way as shown.
    ctx.fund(&mut stream, &[20_000; 7])?;
    let order: Vec<[u8; 32]> = ctx
        .host()?
        .purse
        .candidates()
        .iter()
        .map(|coin| coin.txid)
        .collect();
    let mut shown = order.clone();
    shown.sort_by_key(|txid| txid.iter().rev().copied().collect::<Vec<u8>>());
    require!(
        shown != order,
        "both orders are the same: take another seed"
    );
    for inputs in 1..=10 {
        let request = request_of(20_000 * inputs - 2_000);
        let plan = ctx
            .preview_checked(&request)
            .at(|| format!("{inputs} coins"))?;
        put!(
            plan.is_ok_and(|plan| plan.inputs.len() == inputs as usize),
            "the case needs {inputs} inputs"
        );
    }
    ctx.pay_checked(&request_of(110_000))?;
    ctx.pay_checked(&request_of(60_000)).map(drop)
}

fn fragmented(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let candidates = ctx.host()?.purse.candidates();
    let all: u64 = candidates.iter().map(|coin| coin.amount).sum();
    let sixteen: u64 = candidates[..16].iter().map(|coin| coin.amount).sum();
    for (name, payee) in types(ctx) {
        for rate in [100, 1_000, 5_555] {
            let fee = fee(16, payee.len() as u64, false, rate);
            let boundaries = [
                (sixteen - fee, None),
                (sixteen - fee + 1, Some(Sw::FRAGMENTED)),
                (all - fee, Some(Sw::FRAGMENTED)),
                (all - fee + 1, Some(Sw::INSUFFICIENT)),
                (all, Some(Sw::INSUFFICIENT)),
            ];
            for (amount, refusal) in boundaries {
                let request = request_of(amount).rate(rate).payee(payee.clone());
                let place = || format!("{name}, {amount} sat, {rate} sat/kvB");
                let plan = ctx.preview_checked(&request).at(place)?;
                put!(
                    plan.as_ref().err().copied() == refusal,
                    "{}: the case expects {refusal:?}, its model {plan:?}",
                    place()
                );
            }
        }
    }
    Ok(())
}

fn output_order(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[100_000, 90_000, 80_000, 70_000])?;
    let first = ctx.pay_checked(&request_of(20_000))?;
    let second = ctx.pay_checked(&request_of(60_000))?;
    put!(
        first.change_vout == Some(1) && second.change_vout == Some(0),
        "the case needs the payee before and after the change"
    );
    // Payee and change alike: (amount − fee) / 2 each.
    for (what, payee, vout) in [
        ("payee's script first", payee::p2wpkh([0; 20]), 1),
        ("change script first", payee::p2pkh([0xFF; 20]), 0),
    ] {
        let sum = ctx.host()?.purse.candidates()[0].amount;
        let fee = fee(1, payee.len() as u64, true, 1_000);
        let even = fee + (sum - fee) % 2;
        let rate = if even == fee {
            1_000
        } else {
            next_rate(payee.len() as u64, even)?
        };
        let request = request_of((sum - even) / 2).rate(rate).payee(payee);
        let plan = ctx.plan(&request)?;
        put!(
            plan.change == request.amount,
            "{what}: the case needs equal outputs"
        );
        let paid = ctx.pay_checked(&request).at(what)?;
        put!(
            paid.change_vout == Some(vout),
            "{what}: the case needs the change at {vout}"
        );
    }
    Ok(())
}

/// A fee rate at which a payment of one input with change costs so much.
fn next_rate(payee: u64, wanted: u64) -> Step<u32> {
    (1_000..1_100)
        .find(|rate| fee(1, payee, true, *rate) == wanted)
        .ok_or_else(|| Stop::Error("no fee rate fits".to_owned()))
}
