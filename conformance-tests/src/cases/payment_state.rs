//! PAYMENT STATE (section 7.9), and PAY that gives again only (section 7.7).

use super::pay_terminal::changed;
use super::prelude::*;
use super::statement;
use crate::model::PLAIN;

/// How often PAY gives a payment's transaction again without a PIN.
const MOST_GIVEN: u8 = 16;

cases! {
    "TC-PST-01" version 1 on Own D3 for [PST_1 NVM_3 STA_1] runs states:
        "PAYMENT STATE answers unknown for an identity that no payment has, kept with the txid from \
         the payment's own commit on (to anyone, over power cycles, with the PIN blocked), \
         cancelled with the txid once the owner resolved it, and unknown again when the log keeps \
         it no longer."
        catches "A till that is told that nothing was paid, and takes a second payment.";
    "TC-PST-02" version 1 on Own D3 for [PST_2 STM_2] runs harmless:
        "PAYMENT STATE leaves the authorisation, an offer, the tries, the counters, the log, and \
         which PAY is the last one as they are."
        catches "A question that costs the holder his PIN entry, or counts as a payment.";
    "TC-PST-03" version 1 on Own D3 for [PST_1 MSG_3 MSG_6] runs in_a_channel:
        "In a channel PAYMENT STATE says under its MAC what came of a PAY before it: unknown after \
         each refusal, kept after a PAY whose answer nobody looked at, in that channel and in a \
         later one."
        catches "A refusal that nobody can prove.";
    "TC-REC-04" version 1 on Own D3 for [REC_4 REC_1 REC_2 REC_3] runs again_only:
        "PAY with P1 01 gives a kept payment again and counts that; it is refused with 6A88 when \
         none of the identity is kept, also where the owner allows payments without PIN and for a \
         holder, whose authorisation ends, and with 9412 when another request had the identity; \
         nothing is ever paid by it."
        catches "A stranger's card debited by a till that asks for another's payment.";
}

fn states(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000, 80_000, 70_000])?;
    let (first, second, never) = (request_of(20_000), request_of(10_000), request_of(5_000));
    let all = |ctx: &mut CaseContext, when: &str| -> Outcome {
        for request in [&first, &second, &never] {
            ctx.expect_payment_state(&request.identity, when)?;
        }
        Ok(())
    };
    all(ctx, "before any payment")?;
    ctx.pay_checked(&first)?;
    all(ctx, "after a payment")?;
    ctx.power_cycle()?;
    all(ctx, "after a power cycle")?;
    ctx.pay_checked(&second)?;
    let mut near = first.identity;
    near[15] ^= 1;
    ctx.expect_payment_state(&near, "of an identity that differs in one bit")?;
    ctx.block_pin()?;
    all(ctx, "with the PIN blocked")?;
    // The second payment spends the first one's change, or stands in the way of nothing.
    for sequence in [1, 0] {
        ctx.resolve(sequence)?.ok();
    }
    all(ctx, "after the owner cancelled them")?;
    ctx.power_cycle()?;
    all(ctx, "cancelled, after a power cycle")?;
    ctx.acknowledge(2, 2)?;
    all(ctx, "after they were settled")
}

fn harmless(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    statement::issue(ctx, Limits::WIDE, &[90_000, 80_000, 70_000])?;
    let paid = request_of(20_000);
    ctx.pay_checked(&paid)?;
    ctx.expect_payment_state(&paid.identity, "after the PAY")?;
    let nonce = ctx.values.bytes("nonce");
    ctx.statement(&paid, &nonce)
        .map(drop)
        .at("after PAYMENT STATE")?;
    ctx.authorise()?;
    ctx.expect_payment_state(&paid.identity, "for a holder")?;
    ctx.expect_authorised(true, "after PAYMENT STATE")?;
    let next = request_of(10_000);
    let offered = ctx.offered(&next)?;
    ctx.expect_payment_state(&next.identity, "of a request that was previewed")?;
    ctx.report(&offered.inputs[0])
        .at("an offer after PAYMENT STATE")?;
    let answer = ctx.pay_answer(&next)?;
    ctx.paid(&next, answer)?;
    ctx.expect_tries(3, "after PAYMENT STATE")?;
    ctx.expect_ledger("after PAYMENT STATE")
}

fn in_a_channel(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_limited(Limits::WIDE.per_payment(50_000), &[90_000, 80_000])?;
    ctx.needs(Capability::Channel)?;
    ctx.open_channel()?;
    let refused = request_of(50_001);
    ctx.pay_answer(&refused)?
        .want_bare(Sw::SECURITY, "PAY without a PIN")?;
    ctx.expect_payment_state(&refused.identity, "after a PAY without a PIN")?;
    ctx.authorise()?;
    ctx.pay_answer(&refused)?
        .want_bare(Sw::OVER_PAYMENT_LIMIT, "PAY over the limit")?;
    ctx.expect_payment_state(&refused.identity, "after a PAY over the limit")?;
    let made = request_of(20_000);
    ctx.pay_checked(&made)?;
    ctx.expect_payment_state(&made.identity, "after a PAY")?;
    ctx.open_channel()?;
    ctx.expect_payment_state(&made.identity, "in another channel")?;
    ctx.expect_payment_state(&refused.identity, "in another channel")
}

fn again_only(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE.without_pin(50_000).payments_without_pin(9);
    let profile = ctx.profile()?.limits(limits).policy(PLAIN);
    let profile = ctx.declared_part(&profile)?;
    ctx.prepare_with(&profile, &[90_000, 80_000, 70_000])?;
    let kept = request_of(20_000);
    let not_made = |ctx: &mut CaseContext, when: &str| -> Outcome {
        ctx.pay_again_only_answer(&kept)?
            .want_bare(Sw::NOT_FOUND, "PAY again only, of a payment never made")
            .at(when)?;
        ctx.expect_ledger(when)
    };
    not_made(ctx, "to anyone")?;
    ctx.authorise()?;
    not_made(ctx, "for a holder")?;
    ctx.expect_authorised(false, "after PAY again only")?;
    ctx.offered(&kept)?;
    not_made(ctx, "after a PREVIEW of the same request")?;
    ctx.pay_checked(&kept)?;
    let given = |ctx: &mut CaseContext, when: &str| -> Outcome {
        let answer = ctx.pay_again_only_answer(&kept)?;
        ctx.paid_again(&kept, answer).at(when)
    };
    given(ctx, "at once")?;
    ctx.power_cycle()?;
    given(ctx, "after a power cycle")?;
    ctx.authorise()?;
    given(ctx, "for a holder")?;
    ctx.expect_authorised(false, "after PAY again only")?;
    for (what, other) in &changed(&kept, &ctx.host()?.capabilities) {
        ctx.pay_again_only_answer(other)?
            .want_bare(Sw::IDENTITY, "PAY again only, of another request")
            .at(|| format!("another {what}"))?;
    }
    ctx.expect_ledger("after other requests of the same identity")?;
    for time in 4..=MOST_GIVEN {
        given(ctx, &format!("time {time}"))?;
    }
    ctx.pay_again_only_answer(&kept)?
        .want_bare(Sw::GIVEN, "PAY again only, for the seventeenth time")?;
    ctx.expect_ledger("after the seventeenth time")
}
