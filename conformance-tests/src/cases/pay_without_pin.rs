//! Payments without PIN. Section 7.6.

use super::prelude::*;

cases! {
    "TC-NOP-01" version 2 on Own D3 for [NOP_1 NOP_2 LOG_1 LIM_2 PAY_1] runs allowed:
        "Where the owner allows it, PAY without PIN pays up to the sum of amount and fee and the \
         number allowed, each counted and logged as made without PIN, over power cycles; one sat \
         more of either, one payment more, or a blocked PIN, is refused with 6982. Payments with PIN are neither bounded nor \
         counted by it, and PREVIEW needs the PIN."
        catches "A lost card that pays without end, or more than its owner risks, be it as fees.";
    "TC-NOP-02" version 1 on Own D3 for [NOP_1 NOP_2 LIM_3 PAY_2 PAY_4] runs bounded:
        "PAY without PIN is bounded by all other limits, in their order, is refused with 6982 when \
         amount or number allowed is 0, and after a PREVIEW of another request; SET LIMITS \
         switches it on and off and begins the count anew."
        catches "A second set of limits beside the owner's.";
}

fn issue(ctx: &mut CaseContext, limits: Limits) -> Outcome {
    ctx.prepare_limited(limits, &[])?;
    ctx.needs(Capability::WithoutPin)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[90_000, 80_000, 70_000])
}

fn paid(ctx: &mut CaseContext, request: &Request) -> Outcome {
    let answer = ctx.pay_answer(request)?;
    ctx.paid_as(request, answer, true).map(drop)
}

fn refused(ctx: &mut CaseContext, amount: u64, when: &str) -> Outcome {
    let request_of = ctx.requests();
    ctx.pay_answer(&request_of(amount))?
        .want_bare(Sw::SECURITY, "PAY without PIN")
        .at(|| format!("{amount} sat, {when}"))
}

fn allowed(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(ctx, Limits::WIDE.without_pin(5_000).payments_without_pin(3))?;
    refused(ctx, 5_001, "over the amount")?;
    refused(ctx, u64::MAX, "far over the amount")?;
    ctx.preview_answer(&request_of(1_000))?
        .want_bare(Sw::SECURITY, "PREVIEW without PIN")?;
    // The fee counts too.
    let fee = ctx.plan(&request_of(4_000))?.fee;
    refused(ctx, 5_000, "over the amount with its fee")?;
    refused(ctx, 5_001 - fee, "over the amount with its fee by one sat")?;
    ctx.pay_answer(&request_of(1_000).rate(100_000))?
        .want_bare(Sw::SECURITY, "PAY without PIN of little, at a fee of much")?;
    paid(ctx, &request_of(5_000 - fee)).at("the highest amount")?;
    ctx.expect_ledger("after one without PIN")?;
    ctx.power_cycle()?;
    ctx.verify_wrong(2)?;
    paid(ctx, &request_of(600)).at("after a wrong PIN")?;
    ctx.pay_checked(&request_of(4_000))?;
    ctx.pay_checked(&request_of(50_000))?;
    ctx.expect_ledger("after two without PIN and two with")?;
    paid(ctx, &request_of(1_000))?;
    for when in ["after three", "after a power cycle", "after another"] {
        refused(ctx, 600, when)?;
        ctx.power_cycle()?;
    }
    ctx.pay_checked(&request_of(4_000))?;
    ctx.expect_ledger("at the number without PIN")?;
    ctx.acknowledge(6, 0)?;
    ctx.set_limits(Limits::WIDE.without_pin(5_000).payments_without_pin(1))?;
    ctx.block_pin()?;
    refused(ctx, 600, "with the PIN blocked")?;
    ctx.power_cycle()?;
    refused(ctx, 600, "with the PIN blocked, after a power cycle")?;
    ctx.expect_ledger("with the PIN blocked")
}

fn bounded(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE
        .per_payment(4_000)
        .cumulative(20_000)
        .fee_cap(1_000)
        .highest_rate(20_000)
        .without_pin(5_000)
        .payments_without_pin(100)
        .payments(4);
    issue(ctx, limits)?;
    let at = |amount, rate| request_of(amount).rate(rate);
    for (request, sw) in [
        (at(4_001, 1_000), Sw::OVER_PAYMENT_LIMIT),
        (at(1_000, 99), Sw::FEE_RATE),
        (at(1_000, 20_001), Sw::FEE_RATE),
        (at(1_000, 20_000), Sw::FEE_CAP),
        (at(200, 1_000), Sw::AMOUNT),
        (at(1_000, 1_000).merchant(vec![0x0A]), Sw::WRONG_DATA),
        (at(1_000, 1_000).unrooted(true), Sw::INSUFFICIENT),
    ] {
        if request.unrooted && !ctx.has(Capability::Credits)? {
            continue;
        }
        let expected = ctx.expectation(&request)?;
        put!(
            expected == Err(sw),
            "the case expects {sw}, its model {expected:?}"
        );
        ctx.pay_answer(&request)?.want_bare(sw, "PAY without PIN")?;
    }
    ctx.expect_ledger("after refused payments")?;
    // With the PIN and a preview it is that payment or none; after it the PIN is gone.
    ctx.preview_checked(&request_of(1_000))?.ok();
    refused(ctx, 1_001, "after a PREVIEW of another request")?;
    ctx.expect_authorised(false, "after another request")?;
    for _ in 0..4 {
        paid(ctx, &request_of(3_000))?;
    }
    let fifth = request_of(300);
    let expected = ctx.expectation(&fifth)?;
    put!(
        expected == Err(Sw::COUNT),
        "the case expects 9411, its model {expected:?}"
    );
    ctx.pay_answer(&fifth)?
        .want_bare(Sw::COUNT, "PAY without PIN")?;
    let mut payments = 4;
    for (without_pin, payments_without_pin, pays) in [
        (0, 3, false),
        (5_000, 0, false),
        (0, 0, false),
        (2_000, 1, true),
    ] {
        ctx.acknowledge(payments, 0)?;
        ctx.set_limits(
            limits
                .without_pin(without_pin)
                .payments_without_pin(payments_without_pin),
        )?;
        if pays {
            paid(ctx, &request_of(1_500))?;
            payments += 1;
        }
        for amount in [300, 2_000, 4_000] {
            refused(ctx, amount, "switched off, or used up")?;
        }
        ctx.pay_checked(&request_of(1_000))?;
        payments += 1;
    }
    ctx.expect_ledger("after all")
}
