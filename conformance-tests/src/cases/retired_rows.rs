//! Rows of retired indexes that cross a multiple of 256. Sections 6.1 and 7.4.

use super::prelude::*;
use super::sign::unknown;
use crate::model::{Place, Spend, SpendOutput};
use crate::values::Stream;

/// What the owner's transactions leave as fee, in sat.
const FEE: u64 = 500;

cases! {
    "TC-RCV-06" version 1 on Own D3 for [RCV_1 TX_4 TX_6 SGN_3 IMG_1] runs beyond:
        "SIGN retired receive indexes 250 to 262 and change indexes 254 to 258, which nothing had \
         reached: after a coin at index 249 RECEIVE SCRIPT answers index 263, and after an output \
         at change index 253 a payment's change goes to 259, over power cycles."
        catches "An index at the beginning of a page that is handed out although it is retired.";
}

/// SIGN, and one of its signatures, which the model then knows of.
fn signed(ctx: &mut CaseContext, spend: &Spend) -> Outcome {
    ctx.streamed(spend, 255).preamble()?;
    (ctx.signature_answer(0)?)
        .want(Sw::OK, "SIGN, a signature")
        .preamble()?;
    ctx.host_mut()?.purse.sign(spend);
    Ok(())
}

fn retire(ctx: &mut CaseContext, stream: &mut Stream, places: &[Place]) -> Outcome {
    let inputs = places.iter().map(|place| unknown(stream, 9_000, *place));
    signed(ctx, &Spend::elsewhere(inputs.collect(), FEE))
}

fn beyond(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    ctx.needs(Capability::Signing)?;
    let mut stream = ctx.values.stream("coins");
    for index in (9..250).step_by(10) {
        let (entry, bytes) = ctx.coin_at(&mut stream, 20_000, index)?;
        ctx.enter(&entry, &bytes, 20_000).preamble()?;
    }
    let row: Vec<Place> = (250..263).map(Place::receive).collect();
    retire(ctx, &mut stream, &row)?;
    for index in (19..250).step_by(20).chain([253]) {
        let input = unknown(&mut stream, 9_000, Place::receive(4_000));
        let outputs = vec![SpendOutput::Own(9_000 - FEE, Place::change(index))];
        signed(ctx, &Spend::elsewhere(vec![input], FEE).outputs(outputs))?;
    }
    let row: Vec<Place> = (254..259).map(Place::change).collect();
    retire(ctx, &mut stream, &row)?;
    let purse = &ctx.host()?.purse;
    put!(
        (purse.next_receive(), purse.next_change()) == (263, 259),
        "the case needs rows of retired indexes"
    );
    for when in ["at once", "after a power cycle"] {
        ctx.authorise()?;
        ctx.expect_receive_script(263).at(when)?;
        ctx.expect_ledger(when)?;
        ctx.power_cycle()?;
    }
    ctx.pay_checked(&request_of(30_000))?;
    ctx.expect_ledger("after a payment with change")
}
