//! What the owner's policy leaves open: section 5.5.

use super::channel_opening::needs_channel;
use super::prelude::*;

cases! {
    "TC-POL-05" version 1 on Own D3 for [POL_1 ENT_1 PIN_1] runs left_open:
        "Once SET POLICY has cleared bit 0, PIN, receive script and payment are taken in a \
         channel, and the owner's entry of a coin and his reading of coins in a plain session."
        catches "A policy that locks the holder or the owner out altogether.";
}

fn left_open(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    needs_channel(ctx)?;
    ctx.prepare_funded(&[50_000])?;
    ctx.set_policy(0).preamble()?;
    let mut stream = ctx.values.stream("another coin");
    let index = ctx.host()?.purse.next_receive();
    let (entry, bytes) = ctx.coin_at(&mut stream, 20_000, index)?;
    ctx.enter(&entry, &bytes, 20_000)
        .at("the owner, in a plain session")?;
    ctx.expect_ledger("to the owner, in a plain session")?;
    ctx.open_channel()?;
    ctx.verify_right().at("in a channel")?;
    ctx.expect_receive_script(index + 1).at("in a channel")?;
    let request = request_of(10_000);
    let answer = ctx.pay_answer(&request)?;
    ctx.paid(&request, answer).map(drop).at("in a channel")
}
