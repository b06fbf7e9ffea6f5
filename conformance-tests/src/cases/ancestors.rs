//! GET ANCESTOR: which payments are ancestors, and how often they are given. Section 7.5.

use super::prelude::*;
use super::report_absent::offered_again;

/// Payments of TC-ANC-05, each of the change of the one before.
const CHAIN: usize = 40;
/// How often a transaction is given in TC-REC-05, past what a byte counts.
const TIMES: usize = 258;

cases! {
    "TC-ANC-04" version 1 on Own D3 for [ANC_1 ANC_2 ABS_2] runs both_parents:
        "Offered the change of a payment that spent the change of two others, a till is given all \
         three, whichever input they made, each once in the authorisation, also after it reported \
         another coin of the offer and asked for a PREVIEW again; then each once more in the next."
        catches "An ancestor of the first, or of the last, input alone; one that a report brings \
                 back.";
    "TC-ANC-05" version 1 on Own D3 for [ANC_1 ANC_2] runs long_chain:
        "Offered the change of the last of 40 payments, each of the change of the one before, a \
         till is given every one of them, and none twice."
        catches "Ancestors that are marked in a list too short, or that end with grandparents.";
    "TC-REC-05" version 1 on Own D3 for [REC_2 ANC_2 LOG_1] runs counts:
        "A payment given again to the holder, and as an ancestor, 258 times each, is given each \
         time; the counts in the log stay at 255."
        catches "A count that begins anew, and with it what may be given without PIN.";
}

fn both_parents(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[60_000])?;
    let (first, second) = (request_of(5_000), request_of(5_000));
    ctx.pay_checked(&first).preamble()?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[70_000])?;
    ctx.pay_checked(&second).preamble()?;
    let child = request_of(110_000);
    ctx.pay_checked(&child).preamble()?;
    ctx.fund(&mut stream, &[8_000, 7_500])?;
    let parents: Vec<_> = (ctx.logged(&child)?.plan.inputs.iter())
        .map(|coin| coin.txid)
        .collect();
    put!(
        parents == [ctx.logged(&second)?.txid, ctx.logged(&first)?.txid],
        "the case needs a payment that spends the change of two others"
    );
    for when in ["in one authorisation", "in the next"] {
        let offer = request_of(15_000);
        let plan = ctx.offered(&offer)?;
        put!(
            plan.inputs.len() == 2 && plan.inputs[0].txid == ctx.logged(&child)?.txid,
            "the case needs an offer of change and of another coin"
        );
        for payment in [&first, &second, &child] {
            ctx.ancestor(payment).at(when)?;
        }
        let twice = |ctx: &mut CaseContext, when: &str| -> Outcome {
            for payment in [&first, &second, &child] {
                let txid = ctx.logged(payment)?.txid;
                ctx.ancestor_answer(&txid)?
                    .want_bare(Sw::GIVEN, "GET ANCESTOR a second time")
                    .at(when)?;
            }
            Ok(())
        };
        twice(ctx, when)?;
        ctx.report(&plan.inputs[1])?;
        twice(ctx, "after a report")?;
        offered_again(ctx, &offer)?;
        twice(ctx, "after a report and a PREVIEW")?;
        ctx.select()?;
        ctx.fund(&mut stream, &[8_000])?;
    }
    ctx.expect_ledger("after all")
}

fn long_chain(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[900_000])?;
    let payments: Vec<Request> = (0..CHAIN).map(|_| request_of(1_000)).collect();
    for payment in &payments {
        ctx.pay_checked(payment).preamble()?;
    }
    ctx.offered(&request_of(1_000))?;
    for (number, payment) in payments.iter().enumerate() {
        ctx.ancestor(payment).at(|| format!("payment {number}"))?;
    }
    for (number, payment) in payments.iter().enumerate() {
        let txid = ctx.logged(payment)?.txid;
        ctx.ancestor_answer(&txid)?
            .want_bare(Sw::GIVEN, "GET ANCESTOR a second time")
            .at(|| format!("payment {number}"))?;
    }
    ctx.expect_ledger("after all")
}

fn counts(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000])?;
    let payment = request_of(5_000);
    ctx.pay_checked(&payment).preamble()?;
    let next = request_of(5_000);
    for time in 1..=TIMES {
        let place = || format!("time {time}");
        ctx.offered(&next).at(place)?;
        ctx.ancestor(&payment).at(place)?;
        let answer = ctx.pay_answer(&payment)?;
        ctx.paid_again(&payment, answer).at(place)?;
        if time > TIMES - 4 {
            ctx.expect_ledger(&place())?;
        }
    }
    ctx.pay_answer(&payment)?
        .want_bare(Sw::GIVEN, "PAY again without PIN")
}
