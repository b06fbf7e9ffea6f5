//! The owner's limits: `[PAY-4]`.

use super::prelude::*;
use crate::model::fee;

/// Length of a P2WPKH script.
const P2WPKH: u64 = 22;

cases! {
    "TC-PAY-07" version 1 on Own D3 for [PAY_4] runs fee_rate:
        "Fee rates of 100 sat/kvB and of the highest one are taken, 99 and one above the highest \
         are refused with 9405, and so are 0 and 2³² − 1."
        catches "A till that burns the card's coins as fees; a rate of zero.";
    "TC-PAY-08" version 1 on Own D3 for [PAY_4] runs per_payment:
        "An amount equal to the per-payment limit is taken, one sat more is refused with 9403, \
         with and without a PREVIEW before it."
        catches "Limit checked in PREVIEW alone; off by one.";
    "TC-PAY-09" version 1 on Own D3 for [PAY_4 TX_1] runs fee_cap:
        "A fee equal to the cap is taken, one sat more is refused with 9406: a fee by rate, and \
         one that change below dust makes."
        catches "A cap on the reckoned fee only, past which leftover change goes.";
    "TC-PAY-10" version 1 on Own D3 for [PAY_4 PAY_7 NVM_2] runs cumulative:
        "Amounts and fees of all payments add up, over power cycles: a payment that reaches the \
         cumulative limit to the sat is taken, one sat more is refused with 9404; refused payments \
         add nothing; at the limit the smallest payment is refused, after power cycles and new \
         coins too."
        catches "A sum in RAM, or without the fees; one that new coins or refusals change.";
    "TC-LIM-05" version 1 on Own D3 for [LIM_2 LOG_1 PAY_4 NVM_1] runs large_sums:
        "A payment of 11,500 BTC, more than 40 bits hold in sat, is debited and logged to the sat, \
         and a second one, which 32 or 40 bits of the sum would let through, is refused with 9404, \
         over power cycles."
        catches "A sum or an amount that is kept in fewer bits than it has.";
}

fn issue(ctx: &mut CaseContext, limits: Limits, amounts: &[u64]) -> Outcome {
    ctx.prepare_limited(limits, &[])?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, amounts)
}

fn large_sums(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE.cumulative(1_300_000_000_000);
    issue(ctx, limits, &[1_170_000_000_000, 1_160_000_000_000])?;
    ctx.pay_checked(&request_of(1_150_000_000_000))?;
    ctx.expect_ledger("after the payment")?;
    for _ in 0..2 {
        ctx.expect_refused(&request_of(1_150_000_000_000), Sw::OVER_CUMULATIVE_LIMIT)?;
        ctx.power_cycle()?;
    }
    ctx.expect_ledger("after refused payments")
}

fn fee_rate(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(ctx, Limits::WIDE.highest_rate(12_345), &[900_000, 800_000])?;
    for rate in [0, 1, 99, 12_346, 100_000, u32::MAX] {
        let request = request_of(10_000).rate(rate);
        ctx.expect_refused(&request, Sw::FEE_RATE)
            .at(&format!("{rate} sat/kvB"))?;
    }
    for rate in [100, 12_345] {
        ctx.pay_checked(&request_of(10_000).rate(rate))
            .at(|| format!("{rate} sat/kvB"))?;
    }
    Ok(())
}

fn per_payment(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(ctx, Limits::WIDE.per_payment(77_777), &[200_000, 150_000])?;
    for amount in [77_778, 80_000, 200_000, 10_000_000] {
        ctx.expect_refused(&request_of(amount), Sw::OVER_PAYMENT_LIMIT)
            .at(&format!("{amount} sat"))?;
    }
    ctx.pay_checked(&request_of(77_777))?;
    ctx.power_cycle()?;
    ctx.expect_refused(&request_of(77_778), Sw::OVER_PAYMENT_LIMIT)
        .at("after a payment at the limit")?;
    let request = request_of(77_777);
    ctx.offered(&request)?;
    let answer = ctx.pay_answer(&request)?;
    ctx.paid(&request, answer).map(drop)
}

fn fee_cap(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let cap = fee(1, P2WPKH, true, 5_000);
    issue(ctx, Limits::WIDE.fee_cap(cap), &[100_000, 90_000, 80_000])?;
    // One more sat/kvB need not make one more sat: take the first rate that does.
    let above = (5_001..)
        .find(|rate| fee(1, P2WPKH, true, *rate) > cap)
        .ok_or_else(|| Stop::Error("no rate is above the cap".to_owned()))?;
    let at = |rate| request_of(20_000).rate(rate);
    ctx.expect_refused(&at(above), Sw::FEE_CAP)
        .at("a rate above the cap")?;
    ctx.pay_checked(&at(5_000)).at("a fee equal to the cap")?;

    // Without change: 90 000 sat less the amount is the fee.
    let slack = |fee: u64| request_of(90_000 - fee).rate(4_000);
    for (fee, taken) in [(cap + 1, false), (cap, true)] {
        let request = slack(fee);
        if taken {
            let plan = ctx.plan(&request)?;
            put!(
                plan.change == 0 && plan.fee == cap,
                "the case needs a payment without change"
            );
            ctx.pay_checked(&request).at("leftover equal to the cap")?;
        } else {
            ctx.expect_refused(&request, Sw::FEE_CAP)
                .at("leftover above the cap")?;
        }
    }
    Ok(())
}

fn cumulative(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limit = 100_000;
    issue(
        ctx,
        Limits::WIDE.cumulative(limit),
        &[70_000, 60_000, 50_000],
    )?;
    ctx.pay_checked(&request_of(30_000))?;
    ctx.power_cycle()?;
    // Refused payments add nothing.
    for _ in 0..5 {
        ctx.expect_refused(&request_of(90_000), Sw::OVER_CUMULATIVE_LIMIT)
            .at("far over the limit")?;
    }
    ctx.pay_checked(&request_of(25_000))?;
    ctx.power_cycle()?;
    let left = limit - ctx.host()?.purse.spent;
    // The coins at hand make a payment of one input with change.
    let most = left - fee(1, P2WPKH, true, 1000);
    ctx.expect_refused(&request_of(most + 1), Sw::OVER_CUMULATIVE_LIMIT)
        .at("one sat over the limit")?;
    ctx.power_cycle()?;
    ctx.pay_checked(&request_of(most))
        .at("reaching the limit to the sat")?;
    put!(
        ctx.host()?.purse.spent == limit,
        "the case must reach the limit"
    );
    let mut stream = ctx.values.stream("more coins");
    ctx.fund(&mut stream, &[500_000])?;
    for when in ["at once", "after a power cycle", "after another"] {
        ctx.expect_refused(&request_of(294), Sw::OVER_CUMULATIVE_LIMIT)
            .at(when)?;
        ctx.power_cycle()?;
    }
    Ok(())
}
