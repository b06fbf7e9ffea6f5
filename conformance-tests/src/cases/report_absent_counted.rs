//! Which reports of absent coins count, and what they leave of an offer: `[ABS-1]`.

use super::prelude::*;
use super::report_absent::offered_again;
use crate::model::Coin;

cases! {
    "TC-ABS-03" version 1 on Own D3 for [ABS_1 ABS_2 PAY_2 TX_1] runs counted:
        "A coin reported twice is refused with 9414 the second time; the other coins of the \
         offer stay offered. When all are reported there is an offer still: reports are \
         refused with 9414 and unknown ancestors with 6A88, not with 6985. Only reports that \
         were taken count: a refused one permits no PREVIEW, and after four taken ones an \
         outpoint that isn't offered is refused with 9414 and an offered coin with 9415. \
         Several reports permit one PREVIEW. PAY may follow a report without a PREVIEW."
        catches "A till that marks five coins, or that is sent away because a coin was gone.";
}

/// REPORT ABSENT of a coin must be refused so.
fn refused(ctx: &mut CaseContext, coin: &Coin, sw: Sw, what: &str) -> Outcome {
    ctx.report_answer(&coin.txid, coin.vout)?
        .want_bare(sw, "REPORT ABSENT")
        .at(what)
}

fn counted(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[20_000; 14])?;
    let five_coins = request_of(90_000);

    let plan = ctx.offered(&five_coins)?;
    ctx.report(&plan.inputs[0])?;
    refused(
        ctx,
        &plan.inputs[0],
        Sw::NOT_OFFERED,
        "a coin reported before",
    )?;
    ctx.report(&plan.inputs[1])
        .at("another coin of the offer")?;
    offered_again(ctx, &five_coins).at("after two reports")?;
    ctx.preview_answer(&five_coins)?
        .want_bare(Sw::SECURITY, "a second PREVIEW after two reports")?;

    let plan = ctx.offered(&five_coins)?;
    let stranger = Coin {
        txid: [7; 32],
        ..plan.inputs[0].clone()
    };
    refused(ctx, &stranger, Sw::NOT_OFFERED, "no coin of the card")?;
    ctx.preview_answer(&five_coins)?
        .want_bare(Sw::SECURITY, "a PREVIEW after a refused report")?;

    let plan = ctx.offered(&five_coins)?;
    for coin in &plan.inputs[..4] {
        ctx.report(coin)?;
    }
    refused(
        ctx,
        &stranger,
        Sw::NOT_OFFERED,
        "no coin of the card, after four reports",
    )?;
    refused(
        ctx,
        &plan.inputs[0],
        Sw::NOT_OFFERED,
        "a coin reported before, after four reports",
    )?;
    refused(ctx, &plan.inputs[4], Sw::REPORTS, "a fifth coin")?;
    ctx.expect_authorised(true, "after refused reports")?;
    let answer = ctx.pay_answer(&five_coins)?;
    ctx.paid(&five_coins, answer)
        .at("PAY after reports, without a PREVIEW")?;

    let one_coin = request_of(5_000);
    let plan = ctx.offered(&one_coin)?;
    put!(
        plan.inputs.len() == 1,
        "the case needs an offer of one coin"
    );
    ctx.report(&plan.inputs[0])?;
    refused(
        ctx,
        &plan.inputs[0],
        Sw::NOT_OFFERED,
        "the only coin of the offer, a second time",
    )?;
    ctx.ancestor_answer(&[7; 32])?
        .want_bare(Sw::NOT_FOUND, "GET ANCESTOR when all coins were reported")?;
    offered_again(ctx, &one_coin)?;
    let answer = ctx.pay_answer(&one_coin)?;
    ctx.paid(&one_coin, answer)?;
    ctx.expect_ledger("after all reports")
}
