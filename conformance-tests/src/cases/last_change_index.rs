//! The last change index: `[PAY-4]`, `[TX-4]` and `[SGN-2]`.

use super::prelude::*;
use super::sign::unknown;
use crate::model::{Place, Spend, SpendOutput, fee};

/// Length of a P2WPKH script.
const P2WPKH: u64 = 22;
/// Indexes that one SIGN can go ahead.
const AHEAD: u32 = 20;
/// An index far ahead that SIGN retires at first.
const FAR: u32 = 4_048;
/// The first index that there isn't.
const END: u32 = 4096;

cases! {
    "TC-TX-12" version 1 on Own D3 for [TX_4 PAY_4 SGN_2 SGN_3 ENT_2 IMG_1] runs last_index:
        "SIGN takes the change index to its end, twenty at a time: an own output at 4096 is \
         refused with 6A80, though it is less than twenty ahead; the payment whose change has \
         index 4095 is made, the next one with change refused with 6A84, over power cycles, and \
         one without change made. Coins enter at 4095 and not at 4096."
        catches "Change at an index that the owner's wallet never looks at, or that is cut to fit.";
}

fn last_index(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000, 80_000, 70_000])?;
    ctx.needs(Capability::Signing)?;
    let mut stream = ctx.values.stream("unknown coins");
    let mut to = |index: u32| {
        let input = unknown(&mut stream, 9_000, Place::receive(4_000));
        Spend::elsewhere(vec![input], 500)
            .outputs(vec![SpendOutput::Own(8_500, Place::change(index))])
    };
    let signed = |ctx: &mut CaseContext, spend: &Spend| -> Outcome {
        ctx.streamed(spend, 255)?;
        ctx.signature_answer(0)?.want(Sw::OK, "SIGN, a signature")?;
        ctx.host_mut()?.purse.sign(spend);
        Ok(())
    };
    // Out of use, and on the way nothing but itself.
    let retired = unknown(
        &mut ctx.values.stream("retired"),
        30_000,
        Place::change(FAR),
    );
    signed(ctx, &Spend::elsewhere(vec![retired], 500))?;
    let last_step = END - END % AHEAD;
    for index in (AHEAD - 1..last_step).step_by(AHEAD as usize) {
        signed(ctx, &to(index)).at(|| format!("change index {index}"))?;
        if index % 1_024 < AHEAD || index + 1 == FAR - 2_048 {
            ctx.power_cycle()?;
            ctx.expect_ledger("on the way")?;
        }
    }
    ctx.sign_stream(&to(END), 255)?
        .want_bare(Sw::WRONG_DATA, "SIGN to change index 4096")?;
    signed(ctx, &to(END - 2)).at("change index 4094")?;
    ctx.pay_checked(&request_of(10_000))
        .at("change at index 4095")?;
    ctx.expect_ledger("after the last change")?;
    for when in ["at once", "after a power cycle"] {
        ctx.expect_refused(&request_of(10_000), Sw::NO_ROOM)
            .at(when)?;
        ctx.power_cycle()?;
    }
    let coin = ctx.host()?.purse.candidates()[0].amount;
    ctx.pay_checked(&request_of(coin - fee(1, P2WPKH, false, 1_000)))
        .at("a payment without change")?;
    ctx.streamed(&to(END - 1), 255)
        .at("SIGN to change index 4095")?;
    for (index, sw) in [(END, Sw::INDEX), (END - 1, Sw::OK)] {
        let entry = Entry {
            txid: ctx.values.bytes("late coin"),
            vout: 0,
            place: Place::change(index).0,
        };
        ctx.begin_entry(&entry)?
            .want_bare(sw, "ENTER COIN")
            .at(|| format!("change index {index}"))?;
    }
    ctx.expect_ledger("at the end")
}
