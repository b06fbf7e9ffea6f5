//! What becomes of an offer when its coins leave the card: `[OFR-1]`.

use super::prelude::*;
use crate::model::{Coin, Spend, SpendInput};
use crate::values::Stream;

cases! {
    "TC-OFR-01" version 2 on Own D3 for [OFR_1 ABS_1 ANC_1 TX_1] runs left:
        "A coin that SIGN spends, or that RESOLVE takes back as the change of a cancelled payment, \
         after a PREVIEW offered it, can't be reported (9414), nor its ancestors be asked for \
         (6A88), and the coin that takes its place in the card isn't offered in its stead; the \
         other coins of the offer are offered still, and the same request is then paid from those \
         that are there."
        catches "An offer that remembers places in a table, in which another coin stands by now.";
}

fn not_offered(ctx: &mut CaseContext, coin: &Coin, what: &str) -> Outcome {
    ctx.report_answer(&coin.txid, coin.vout)?
        .want_bare(Sw::NOT_OFFERED, "REPORT ABSENT")
        .at(what)
}

/// Enters a coin, which may stand where the one that left stood.
fn new_not_offered(ctx: &mut CaseContext, stream: &mut Stream, amount: u64) -> Outcome {
    ctx.fund(stream, &[amount])?;
    let newest = ctx.host()?.purse.coins.last().cloned();
    let newest = newest.ok_or_else(|| Stop::Error("the model has no coin".to_owned()))?;
    not_offered(ctx, &newest, "a coin that came after the offer")
}

/// Has the owner spend it elsewhere.
fn sign_away(ctx: &mut CaseContext, coin: &Coin) -> Outcome {
    let spend = Spend::elsewhere(vec![SpendInput::of(coin)], 500);
    ctx.streamed(&spend, 200)?;
    ctx.signed_all(&spend)
}

fn left(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[60_000, 50_000, 40_000, 30_000])?;
    let mut stream = ctx.values.stream("later coins");
    if ctx.has(Capability::Signing)? {
        let first = request_of(100_000);
        let plan = ctx.offered(&first)?;
        sign_away(ctx, &plan.inputs[0])?;
        not_offered(ctx, &plan.inputs[0], "a coin that SIGN spent")?;
        new_not_offered(ctx, &mut stream, 60_000)?;
        ctx.report(&plan.inputs[1]).at("a coin still offered")?;
        ctx.preview_answer(&first)?
            .want(Sw::OK, "PREVIEW after a report")?;
        let answer = ctx.pay_answer(&first)?;
        ctx.paid(&first, answer)?;
        ctx.expect_ledger("after SIGN")?;
    }
    let payment = request_of(10_000);
    ctx.pay_checked(&payment)?;
    let kept = ctx.logged(&payment)?.clone();
    let all = request_of(50_000);
    let plan = ctx.offered(&all)?;
    let change = (plan.inputs.iter())
        .find(|coin| coin.txid == kept.txid)
        .cloned()
        .ok_or_else(|| Stop::Error("the case's change isn't offered".to_owned()))?;
    ctx.resolve(kept.sequence)?
        .map_err(|sw| Stop::Fail(format!("RESOLVE is refused with {sw}")))?;
    not_offered(ctx, &change, "the change of a cancelled payment")?;
    ctx.ancestor_answer(&kept.txid)?
        .want_bare(Sw::NOT_FOUND, "GET ANCESTOR of the cancelled payment")?;
    new_not_offered(ctx, &mut stream, 70_000)?;
    let answer = ctx.pay_answer(&all)?;
    ctx.paid(&all, answer)?;
    ctx.expect_ledger("after RESOLVE")
}
