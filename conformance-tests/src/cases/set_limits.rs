//! The owner's limits and SET LIMITS. Sections 7.1 and 8.3.

use super::issue::bad_limits;
use super::prelude::*;
use crate::model::MAX_AMOUNT;

cases! {
    "TC-LIM-01" version 1 on Funded D1 for [LIM_1 LIM_3] runs impossible:
        "SET LIMITS with each limit that the text doesn't permit is refused with 6A80 and changes \
         nothing."
        catches "Limits that overflow, or that let a card burn its coins as fees.";
    "TC-LIM-02" version 1 on Own D3 for [LIM_2 PAY_7 LOG_2 IMG_3] runs counters:
        "The counters start at zero, rise by each payment's amount and fee and by one, and by \
         nothing else: not by previews, refused payments, payments given again, ancestors, \
         reports, entries, acknowledgement, wrong PINs or power cycles; none of them lets one fall."
        catches "A counter that a power cut or a refused payment sets back.";
    "TC-LIM-03" version 2 on Own D3 for [LIM_3 LIM_2 NVM_1 NVM_3] runs renewed:
        "SET LIMITS is refused with 6985 while any payment isn't acknowledged, limits that the text \
         doesn't permit included, and then replaces every limit and zeroes the counters, at once and after a power cut right after its \
         answer: a card at its cumulative limit and its number of payments pays again, within the \
         new limits and no further."
        catches "Limits renewed before the owner saw what was spent; an old limit left standing.";
    "TC-LIM-08" version 1 on Own D3 for [LIM_1 LIM_3 LIM_4] runs possible:
        "Limits at the edges of what the text permits are taken: all money in each amount, equal \
         fee rates, the lowest rate and the least coin that there are, and limits that allow \
         nothing."
        catches "Limits that the owner may set, and can't.";
    "TC-PAY-15" version 1 on Own D3 for [PAY_4 LIM_2] runs number_and_least_rate:
        "The number of payments is reached: as many as the owner allowed are made, the next is \
         refused with 9411, PREVIEW and PAY, over power cycles and with new coins; a number of 0 \
         allows none. A fee rate equal to the least is taken, one below refused with 9405."
        catches "A count in RAM; a payment that no node relays, below the owner's least rate.";
}

fn impossible(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    for (name, limits) in bad_limits() {
        ctx.set_limits_answer(&limits)?
            .want_bare(Sw::WRONG_DATA, "SET LIMITS")
            .at(name)?;
    }
    ctx.expect_ledger("after refused limits")?;
    ctx.preview_checked(&request_of(10_000).rate(1_000_000))
        .map(drop)
}

fn possible(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    let all = MAX_AMOUNT;
    let mut possible = vec![
        (
            "all money",
            Limits::WIDE.per_payment(all).cumulative(all).fee_cap(all),
        ),
        (
            "the lowest rate",
            Limits::WIDE.least_rate(100).highest_rate(100),
        ),
        (
            "the highest rate",
            Limits::WIDE.least_rate(u32::MAX).highest_rate(u32::MAX),
        ),
        ("the least coin", Limits::WIDE.least_coin(330)),
        ("any coin", Limits::WIDE.least_coin(u32::MAX)),
        (
            "more per payment than in all",
            Limits::WIDE.per_payment(9_000).cumulative(8_000),
        ),
        (
            "nothing",
            Limits::WIDE
                .per_payment(0)
                .cumulative(0)
                .payments(0)
                .fee_cap(0),
        ),
    ];
    if ctx.has(Capability::WithoutPin)? {
        let limits = Limits::WIDE.without_pin(all);
        possible.push(("all without PIN", limits.payments_without_pin(u16::MAX)));
    }
    for (name, limits) in possible {
        ctx.set_limits(limits).at(name)?;
        ctx.expect_limits(name)?;
    }
    Ok(())
}

fn counters(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE.per_payment(60_000);
    ctx.prepare_limited(limits, &[])?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[90_000, 80_000, 70_000])?;
    ctx.expect_ledger("before any payment")?;
    let kept = request_of(10_000);
    let txid = ctx.pay_checked(&kept)?.txid;
    ctx.expect_ledger("after a payment")?;

    ctx.preview_checked(&request_of(20_000))?.ok();
    ctx.expect_ledger("after a preview")?;
    let over = ctx.preview_checked(&request_of(60_001))?;
    put!(
        over == Err(Sw::OVER_PAYMENT_LIMIT),
        "the case needs a refusal"
    );
    ctx.authorise()?;
    ctx.pay_answer(&request_of(60_001))?
        .want_bare(Sw::OVER_PAYMENT_LIMIT, "PAY")?;
    ctx.expect_ledger("after refused payments")?;
    let answer = ctx.pay_answer(&kept)?;
    ctx.paid_again(&kept, answer)?;
    ctx.expect_ledger("after a payment given again")?;
    let plan = ctx.offered(&request_of(60_000))?;
    if plan.inputs.iter().any(|coin| coin.txid == txid) {
        ctx.ancestor(&kept)?;
    }
    ctx.report(&plan.inputs[0])?;
    ctx.expect_ledger("after a report")?;
    ctx.acknowledge(1, 0)?;
    ctx.expect_ledger("after the log was acknowledged")?;
    ctx.verify_wrong(2)?;
    ctx.fund(&mut stream, &[40_000])?;
    ctx.power_cycle()?;
    ctx.expect_ledger("after a power cycle")?;
    ctx.pay_checked(&request_of(30_000))?;
    ctx.pay_checked(&request_of(500).rate(7_777))?;
    ctx.expect_ledger("after three payments")
}

fn renewed(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let first = Limits::WIDE
        .per_payment(30_000)
        .cumulative(60_000)
        .payments(2)
        .fee_cap(5_000)
        .highest_rate(10_000);
    ctx.prepare_limited(first, &[])?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[90_000, 80_000, 70_000])?;
    ctx.pay_checked(&request_of(29_000))?;
    ctx.pay_checked(&request_of(29_000))?;
    ctx.expect_refused(&request_of(1_000), Sw::COUNT)
        .at("at the number of payments")?;
    let second = Limits {
        per_payment: 20_000,
        cumulative: 21_000,
        payments: 5,
        fee_cap: 600,
        least_rate: 2_000,
        highest_rate: 4_000,
        least_coin: 50_000,
        without_pin: 0,
        payments_without_pin: if ctx.has(Capability::WithoutPin)? {
            3
        } else {
            0
        },
    };
    for seen in [0, 1] {
        if seen > 0 {
            ctx.acknowledge(seen, 0)?;
        }
        ctx.set_limits_answer(&second)?
            .want_bare(Sw::CONDITIONS, "SET LIMITS with a payment not acknowledged")
            .at(|| format!("{seen} of 2 acknowledged"))?;
        for (name, limits) in bad_limits() {
            ctx.set_limits_answer(&limits)?
                .want_bare(Sw::CONDITIONS, "SET LIMITS with a payment not acknowledged")
                .at(|| format!("{seen} of 2 acknowledged, {name}"))?;
        }
        ctx.expect_ledger("after SET LIMITS was refused")?;
    }
    ctx.acknowledge(2, 1)?;
    ctx.set_limits(second)?;
    ctx.power_cycle()?;
    ctx.expect_ledger("after SET LIMITS and a power cut")?;
    let at = |amount, rate| request_of(amount).rate(rate);
    for (request, sw) in [
        (at(1_000, 1_999), Sw::FEE_RATE),
        (at(1_000, 4_001), Sw::FEE_RATE),
        (at(20_001, 2_000), Sw::OVER_PAYMENT_LIMIT),
        (at(5_000, 4_000), Sw::FEE_CAP),
    ] {
        let expected = ctx.expectation(&request)?;
        if expected == Err(sw) {
            ctx.expect_refused(&request, sw).at("with the new limits")?;
        } else {
            put!(
                sw == Sw::FEE_CAP,
                "the case expects {sw}, its model {expected:?}"
            );
        }
    }
    let (low, bytes) = ctx.coin_at(&mut stream, 49_999, 4)?;
    ctx.enter_answer(&low, &bytes)?
        .want_bare(Sw::COIN_DUST, "ENTER COIN below the new least coin")?;
    ctx.pay_checked(&at(20_000, 2_000))?;
    ctx.expect_refused(&at(5_000, 2_000), Sw::OVER_CUMULATIVE_LIMIT)
        .at("at the new cumulative limit")?;
    ctx.set_limits_answer(&first)?
        .want_bare(Sw::CONDITIONS, "SET LIMITS after another payment")?;
    ctx.acknowledge(3, 3)?;
    ctx.set_limits(first)?;
    ctx.pay_checked(&request_of(30_000))?;
    ctx.expect_ledger("after limits were set twice")
}

fn number_and_least_rate(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE.payments(3).least_rate(1_500);
    ctx.prepare_limited(limits, &[])?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[90_000, 80_000])?;
    let at = |rate| request_of(2_000).rate(rate);
    for rate in [0, 100, 1_000, 1_499] {
        ctx.expect_refused(&at(rate), Sw::FEE_RATE)
            .at("below the least rate")?;
    }
    for _ in 0..3 {
        ctx.pay_checked(&at(1_500))?;
        ctx.power_cycle()?;
    }
    for when in ["after three payments", "after a power cycle", "later"] {
        ctx.expect_refused(&at(1_500), Sw::COUNT).at(when)?;
        ctx.power_cycle()?;
        ctx.fund(&mut stream, &[50_000])?;
    }
    ctx.expect_ledger("at the number of payments")?;
    ctx.acknowledge(3, 0)?;
    ctx.set_limits(limits.payments(0))?;
    ctx.expect_refused(&at(1_500), Sw::COUNT)
        .at("a number of 0")
}
