//! The same payment again. Section 7.7.

use super::pay_terminal::changed;
use super::prelude::*;

/// How often PAY gives a payment's transaction again without holder authorisation.
const MOST_GIVEN: u8 = 16;

cases! {
    "TC-REC-01" version 1 on Own D3 for [REC_1 REC_3 PAY_2 PAY_7 NVM_3 STA_1] runs recovered:
        "A till that lost the answer, or part of it, to a power cut sends PAY again: it gets the \
         same transaction (same txid, valid signatures) without PIN, in a later session, after \
         other payments, with the PIN blocked, beside another till's PIN, which it ends; nothing \
         is debited twice, nothing changes but the count."
        catches "A customer charged twice, or a payment lost with the answer.";
    "TC-REC-02" version 1 on Own D3 for [REC_1 PAY_1 PAY_4 ACK_1] runs changed_requests:
        "PAY again with another amount, fee rate, payee, source, merchant or invoice gets nothing: \
         6982 without PIN, 9412 with it, and changes nothing; so does one of the right request \
         when the payment is kept no longer."
        catches "A recovery that pays somebody else.";
    "TC-REC-03" version 2 on Own D3 for [REC_2 LOG_1 NVM_1] runs sixteen_times:
        "A payment is given again 16 times to whoever asks, counted in the log and over power \
         cycles, then refused with 9413 for good, but to an authorised holder, who is given it as \
         often as he is authorised; another payment has a count of its own."
        catches "Signatures of one message for whoever asks, without end; a count that a power cut \
                 sets back; a till that uses up what its customer's next till needs.";
}

fn again(ctx: &mut CaseContext, request: &Request, when: &str) -> Outcome {
    let answer = ctx.pay_answer(request)?;
    ctx.paid_again(request, answer).at(when)?;
    ctx.expect_ledger(when)
}

fn recovered(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[60_000, 50_000, 40_000])?;
    // The answer is lost to a power cut.
    let lost = request_of(55_000).invoice(vec![0x1F; 32]);
    let plan = ctx.plan(&lost)?;
    ctx.authorise()?;
    let first = ctx.once(&Command::new([0x80, 0x30, 0, 0]).data(lost.encode()))?;
    require!(
        first.sw.more().is_some(),
        "PAY without Le answered {}",
        first.sw
    );
    ctx.power_cycle()?;
    let (txid, change) = crate::tx::expected_txid(&ctx.host()?.account, &lost, &plan)?;
    ctx.made(&lost, &plan, txid, change, false)?;
    again(ctx, &lost, "after a power cut")?;
    again(ctx, &lost, "in the same session")?;
    ctx.power_cycle()?;
    again(ctx, &lost, "in another session")?;
    // Beside a PIN: the authorisation ends.
    ctx.authorise()?;
    again(ctx, &lost, "for an authorised holder")?;
    ctx.expect_authorised(false, "after a payment was given again")?;
    // And beside an offer of another payment.
    let second = request_of(5_000);
    ctx.preview_checked(&second)?.ok();
    again(ctx, &lost, "after a PREVIEW of another payment")?;
    ctx.expect_authorised(false, "after a payment was given again")?;
    ctx.pay_checked(&second)?;
    again(ctx, &lost, "after another payment")?;
    again(ctx, &second, "the other payment")?;
    ctx.acknowledge(2, 0)?;
    again(ctx, &lost, "after the owner read it")?;
    ctx.set_limits(Limits::WIDE.per_payment(1).payments(0))?;
    again(ctx, &lost, "after the owner lowered the limits")?;
    ctx.block_pin()?;
    again(ctx, &lost, "with the PIN blocked")
}

fn changed_requests(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[60_000, 50_000, 40_000])?;
    let kept = request_of(20_000).invoice(vec![0x1F; 32]);
    ctx.pay_checked(&kept)?;
    let mut others = changed(&kept, &ctx.host()?.capabilities);
    others.push(("identity", kept.clone().identity([0x42; 16])));
    for (what, other) in &others {
        let place = || format!("another {what}");
        ctx.pay_answer(other)?
            .want_bare(Sw::SECURITY, "PAY again, without PIN")
            .at(place)?;
        if *what == "identity" {
            continue;
        }
        ctx.authorise()?;
        ctx.pay_answer(other)?
            .want_bare(Sw::IDENTITY, "PAY again, with the PIN")
            .at(place)?;
        ctx.expect_authorised(false, "after a refused PAY")?;
    }
    ctx.expect_ledger("after changed requests")?;
    again(ctx, &kept, "the right request")?;
    ctx.acknowledge(1, 1)?;
    ctx.pay_answer(&kept)?
        .want_bare(Sw::SECURITY, "PAY of a payment kept no longer")?;
    ctx.expect_ledger("after it was settled")
}

fn sixteen_times(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[60_000, 50_000])?;
    let kept = request_of(20_000);
    ctx.pay_checked(&kept)?;
    for time in 1..=MOST_GIVEN {
        let answer = ctx.pay_answer(&kept)?;
        ctx.paid_again(&kept, answer)
            .at(|| format!("time {time}"))?;
        if time % 5 == 0 {
            ctx.power_cycle()?;
            ctx.expect_ledger("while a payment is given again")?;
        }
    }
    let refused = |ctx: &mut CaseContext, when: &str| -> Outcome {
        ctx.pay_answer(&kept)?
            .want_bare(Sw::GIVEN, "PAY for the seventeenth time")
            .at(when)?;
        ctx.expect_ledger(when)
    };
    refused(ctx, "at once")?;
    ctx.power_cycle()?;
    refused(ctx, "after a power cycle")?;
    for time in 1..=2 {
        ctx.authorise()?;
        again(ctx, &kept, "with the PIN").at(|| format!("time {time}"))?;
        ctx.expect_authorised(false, "after a payment was given again with the PIN")?;
        refused(ctx, "after the PIN")?;
    }
    let other = request_of(20_000);
    ctx.pay_checked(&other)?;
    again(ctx, &other, "another payment")?;
    refused(ctx, "after another payment")
}
