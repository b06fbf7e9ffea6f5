//! What holds for each coin of a choice and of a report. Sections 7.3 to 7.5.

use super::prelude::*;
use super::report_absent::offered_again;
use bitcoin::ScriptBuf;

cases! {
    "TC-ABS-04" version 1 on Own D3 for [ABS_2 TX_1 PAY_3] runs all_reported:
        "Of eight equal coins a payment needs five. After four reports, with \
         a PREVIEW after each and without, none of the reported ones is a candidate in the authorisation: the \
         coins that are left don't suffice (9401), and in the next authorisation they do."
        catches "A card that remembers the first, or the last, report alone.";
    "TC-TX-14" version 1 on Own D3 for [TX_2 PAY_10 TX_1] runs sixteen:
        "Seventeen coins of more than 2³² sat, of which sixteen don't reach the amount, are too \
         fragmented (9402); of a payment of sixteen coins the script of each is refused as payee \
         (9408), and a script that has half of the next receive script is paid."
        catches "A sum in 32 bits; a list of sixteen of which fifteen are looked at.";
}

fn all_reported(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[20_000; 8])?;
    let request = request_of(90_000);
    let insufficient = |ctx: &mut CaseContext, when: &str| -> Outcome {
        ctx.preview_answer(&request)?
            .want_bare(Sw::INSUFFICIENT, "PREVIEW")
            .at(when)?;
        ctx.select()
    };
    let plan = ctx.offered(&request)?;
    for coin in &plan.inputs[..4] {
        ctx.report(coin)?;
    }
    insufficient(ctx, "after four reports")?;
    // Doubtful coins stand last, and are candidates again.
    let plan = ctx.offered(&request).at("in the next authorisation")?;
    ctx.report(&plan.inputs[0])?;
    for report in 0..3 {
        let plan = offered_again(ctx, &request).at(|| format!("after report {report}"))?;
        ctx.report(&plan.inputs[0])?;
    }
    insufficient(ctx, "after four reports with a PREVIEW after each")
}

fn sixteen(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[300_000_000; 17])?;
    ctx.expect_refused(&request_of(4_900_000_000), Sw::FRAGMENTED)?;
    let request = request_of(4_700_000_000);
    let inputs = ctx.plan(&request)?.inputs;
    put!(inputs.len() == 16, "the case needs a payment of sixteen");
    let account = ctx.host()?.account.clone();
    for (position, input) in inputs.iter().enumerate() {
        let own = account.script(input.chain, input.index)?;
        ctx.expect_refused(&request.clone().payee(own), Sw::PAYEE)
            .at(|| format!("the script of input {position}"))?;
    }
    let next = ctx.host()?.purse.next_receive();
    let mut script = account.script(0, next)?.to_bytes();
    script[20..].fill(0x5A);
    let half = ScriptBuf::from_bytes(script);
    ctx.pay_checked(&request.payee(half)).map(drop)
}
