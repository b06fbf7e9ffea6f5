//! Which PAY is the last one, for STATEMENT: `[STM-2]`.

use super::prelude::*;
use super::statement::issue;
use crate::card::PAY;
use crate::model::{PLAIN, STATEMENTS};

cases! {
    "TC-STM-08" version 1 on Own D3 for [STM_2 POL_1 FRM_8] runs last:
        "A PAY that is refused by the policy, for its length or for its encoding isn't the \
         last PAY: a statement on the one before it is given still. One that is refused for \
         want of a PIN is the last, and the statement is refused with 6A88."
        catches "A shop that loses its statement to a command that never counted.";
}

fn last(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(ctx, Limits::WIDE, &[90_000, 80_000])?;
    let payment = request_of(20_000);
    ctx.pay_checked(&payment).preamble()?;
    let stated = |ctx: &mut CaseContext, when: &str| -> Outcome {
        let nonce = ctx.values.bytes(when);
        ctx.statement(&payment, &nonce).map(drop).at(when)
    };
    ctx.set_policy(STATEMENTS)?;
    ctx.pay_answer(&request_of(1_000))?
        .want_bare(Sw::SECURITY, "PAY in a plain session, against the policy")?;
    stated(ctx, "after a PAY that the policy refuses")?;
    ctx.set_policy(PLAIN | STATEMENTS)?;
    let mut spoilt = request_of(1_000).encode();
    spoilt[0] = 0x8F;
    for (name, data, sw) in [
        ("too short", vec![0; 64], Sw::WRONG_LENGTH),
        ("not decodable", spoilt, Sw::WRONG_DATA),
    ] {
        ctx.once(&Command::new(PAY).data(data))?
            .want_bare(sw, "PAY")?;
        stated(ctx, &format!("after a PAY that is {name}"))?;
    }
    ctx.pay_answer(&request_of(1_000))?
        .want_bare(Sw::SECURITY, "PAY without a PIN")?;
    let txid = ctx.logged(&payment)?.txid;
    ctx.statement_answer(&[9; 32], &txid)?
        .want_bare(Sw::NOT_FOUND, "STATEMENT after a PAY that was refused")
}
