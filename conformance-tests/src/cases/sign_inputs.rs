//! SIGN: inputs with more than one fault, and one outpoint twice. Section 8.4.

use super::prelude::*;
use super::sign::unknown;
use super::statement::issue;
use crate::model::{Place, Spend, SpendInput, SpendOutput};

/// What the owner's transactions leave as fee, in sat.
const FEE: u64 = 900;

cases! {
    "TC-SGN-07" version 1 on Own D3 for [SGN_2 SGN_1 SGN_3] runs twice:
        "A stream that names one coin of the card twice, or one that it doesn't know, is \
         taken: the sums count it twice, every signature is valid, and the coin is gone with \
         its index retired. The same coin once with its place or amount changed is refused \
         with 6A80."
        catches "A coin removed twice, so that another one goes with it.";
    "TC-SGN-08" version 1 on Own D3 for [SGN_2 STM_4] runs several_faults:
        "An input at a pledged place with another amount or outpoint than the card knows \
         there is refused with 9416; one whose index isn't below 4096, or whose amount is \
         above 21·10¹⁴, with 6A80 even then; of two faulty items the first decides."
        catches "A pledge that a wrong amount hides.";
}

fn twice(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[60_000, 50_000, 40_000])?;
    ctx.host()?.capabilities.needs(Capability::Signing)?;
    let mut stream = ctx.values.stream("unknown coins");
    let coins = ctx.host()?.purse.candidates();
    let known = SpendInput::of(&coins[1]);
    for changed in [
        SpendInput {
            amount: known.amount + 1,
            ..known.clone()
        },
        SpendInput {
            place: Place::receive(9),
            ..known.clone()
        },
    ] {
        let spend = Spend::elsewhere(vec![known.clone(), changed], FEE);
        ctx.sign_stream(&spend, 200)?
            .want_bare(Sw::WRONG_DATA, "SIGN of a coin, and of it otherwise")?;
    }
    let unknown = unknown(&mut stream, 30_000, Place::receive(40));
    for input in [unknown, known] {
        let spend = Spend::elsewhere(vec![input.clone(), input], FEE);
        ctx.streamed(&spend, 200)?;
        ctx.signed_all(&spend)?;
        ctx.power_cycle()?;
        ctx.expect_ledger("after SIGN of one outpoint twice")?;
    }
    ctx.pay_checked(&request_of(70_000)).map(drop)
}

fn several_faults(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(ctx, Limits::WIDE, &[90_000, 80_000])?;
    ctx.host()?.capabilities.needs(Capability::Signing)?;
    let payment = request_of(20_000);
    ctx.pay_checked(&payment).preamble()?;
    let nonce = ctx.values.bytes("nonce");
    ctx.statement(&payment, &nonce)?;
    let spent = ctx.logged(&payment)?.plan.inputs.clone();
    let right = Spend::elsewhere(spent.iter().map(SpendInput::of).collect(), FEE);
    let pledged = right.inputs[0].clone();
    let mut stream = ctx.values.stream("unknown coins");
    let free = unknown(&mut stream, 100_000, Place::receive(40));
    let beyond = SpendInput {
        place: Place::receive(4096),
        ..free.clone()
    };
    let with = |inputs: Vec<SpendInput>| Spend {
        inputs,
        outputs: vec![SpendOutput::Own(1_000, Place::receive(0))],
        ..right.clone()
    };
    for (name, spend, sw) in [
        (
            "pledged, another amount",
            with(vec![SpendInput {
                amount: pledged.amount + 1,
                ..pledged.clone()
            }]),
            Sw::PLEDGED,
        ),
        (
            "pledged, another outpoint",
            with(vec![SpendInput {
                vout: pledged.vout + 1,
                ..pledged.clone()
            }]),
            Sw::PLEDGED,
        ),
        (
            "pledged, more than there is",
            with(vec![SpendInput {
                amount: crate::model::MAX_AMOUNT + 1,
                ..pledged.clone()
            }]),
            Sw::WRONG_DATA,
        ),
        (
            "first beyond, then pledged",
            with(vec![beyond.clone(), pledged.clone()]),
            Sw::WRONG_DATA,
        ),
        (
            "first pledged, then beyond",
            with(vec![pledged, beyond]),
            Sw::PLEDGED,
        ),
    ] {
        ctx.sign_stream(&spend, 52)?
            .want_bare(sw, "SIGN")
            .at(name)?;
    }
    ctx.expect_ledger("after refused streams")
}
