//! What is asked of a log that is full, and of payments made under other limits. Sections 7.7, 7.9,
//! 8.1 and 8.5.

use super::prelude::*;

cases! {
    "TC-REC-07" version 1 on Own D3 for [REC_1 REC_4 PST_1 LOG_1 PAY_4 RES_1] runs full:
        "With the log full, the first, the last and payments between are found by their identity: \
         PAYMENT STATE tells them, PAY and PAY again only give them again, and another request of \
         their identity is refused with 9412 where a new one is refused with 9409; the last one \
         can be cancelled, and the log says so."
        catches "A search that ends one payment too early: the last payment is made anew, or lost.";
    "TC-RES-04" version 1 on Own D3 for [RES_1 LIM_3 LIM_2] runs older:
        "Under new limits that have a debit of their own, the last payment before them, and the one \
         before that, are cancelled and leave the sum alone; the first since then takes its amount \
         and fee off it; over power cycles."
        catches "A cancelled payment of the limits before, which frees the sum of the limits of now.";
}

fn full(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[900_000])?;
    let log = usize::from(ctx.host()?.capabilities.log);
    let payments: Vec<Request> = (0..log).map(|_| request_of(1_000)).collect();
    for payment in &payments {
        ctx.pay_checked(payment).preamble()?;
    }
    ctx.expect_refused(&request_of(1_000), Sw::LOG_FULL)?;
    for number in [0, 1, log / 2, log - 2, log - 1] {
        let place = || format!("payment {number} of {log}");
        let payment = &payments[number];
        ctx.expect_payment_state(&payment.identity, "with the log full")
            .at(place)?;
        let answer = ctx.pay_answer(payment)?;
        ctx.paid_again(payment, answer).at(place)?;
        let answer = ctx.pay_again_only_answer(payment)?;
        ctx.paid_again(payment, answer).at(place)?;
        ctx.expect_refused(&payment.clone().amount(1_001), Sw::IDENTITY)
            .at(place)?;
    }
    ctx.expect_ledger("with the log full")?;
    resolved(ctx, log as u32 - 1)?;
    ctx.expect_payment_state(&payments[log - 1].identity, "after RESOLVE")?;
    ctx.expect_ledger("after RESOLVE of the last")
}

/// RESOLVE, which the card can't refuse.
fn resolved(ctx: &mut CaseContext, sequence: u32) -> Outcome {
    ctx.resolve(sequence)?
        .map_err(|sw| Stop::Error(format!("the case's model refuses RESOLVE with {sw}")))
}

fn older(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000, 80_000])?;
    let mut stream = ctx.values.stream("more coins");
    // Each of another coin, so that nobody's change is spent.
    ctx.pay_checked(&request_of(80_000)).preamble()?;
    ctx.pay_checked(&request_of(70_000)).preamble()?;
    ctx.acknowledge(2, 0).preamble()?;
    ctx.set_limits(Limits::WIDE).preamble()?;
    ctx.fund(&mut stream, &[300_000])?;
    ctx.pay_checked(&request_of(200_000)).preamble()?;
    for (sequence, when) in [
        (1, "the last one before the limits"),
        (0, "the one before it"),
        (2, "the first under these limits"),
    ] {
        resolved(ctx, sequence).at(when)?;
        ctx.expect_ledger(when)?;
        ctx.power_cycle()?;
        ctx.expect_ledger(when)?;
    }
    Ok(())
}
