//! RESOLVE. Section 8.5.

use super::prelude::*;
use crate::model::Place;

cases! {
    "TC-RES-01" version 1 on Own D3 for [RES_1 LIM_2 LOG_1 REC_1 NVM_1] runs cancelled:
        "A payment that its owner reports as never to be is cancelled in the log, its change is no \
         coin, and what it cost is off the sum, so that as much may be paid again; its inputs stay \
         spent, their indexes retired, its number counted, and it is given again to nobody (9413). \
         All of it after a power cut right after the answer. One made before the limits were set \
         leaves the sum alone."
        catches "Change of a payment that never was, spent in another; a limit freed twice.";
    "TC-RES-02" version 1 on Own D3 for [RES_2 RES_1] runs refused:
        "RESOLVE is refused with 6A88 for payments not made, kept no longer, or cancelled, and \
         with 6985 while the change is spent by a payment that stands; the last of a chain first, \
         all can be cancelled. Refusals change nothing."
        catches "A payment left standing on change that is gone.";
    "TC-RES-03" version 1 on Own D3 for [RES_1 ANC_2 REC_1] runs given_to_nobody:
        "A payment was cancelled, and its owner enters its change again, since the chain took it \
         after all: the coin is offered, and the payment is neither given as its ancestor (9413) \
         nor again, to a holder or without PIN (9413), over a power cycle; the coin pays."
        catches "A till that is given a payment which its owner took back.";
}

fn expect(ctx: &mut CaseContext, sequence: u32, sw: Sw, when: &str) -> Outcome {
    let done = ctx.resolve(sequence).at(when)?;
    let expected = done.err().unwrap_or(Sw::OK);
    put!(
        expected == sw,
        "{when}: the case expects {sw}, its model {expected}"
    );
    ctx.expect_ledger(when)
}

fn cancelled(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let profile = ctx.profile()?.limits(Limits::WIDE.cumulative(60_000));
    ctx.prepare(&profile)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[90_000, 80_000, 70_000, 60_000])?;
    let first = request_of(30_000);
    let paid = ctx.pay_checked(&first)?;
    ctx.pay_checked(&request_of(20_000))?;
    let over = request_of(20_000);
    let preview = ctx.preview_checked(&over)?;
    put!(
        preview == Err(Sw::OVER_CUMULATIVE_LIMIT),
        "the case expects 9404, its model {preview:?}"
    );
    let input = ctx.logged(&first)?.plan.inputs[0].clone();
    expect(ctx, 0, Sw::OK, "a payment cancelled")?;
    ctx.power_cycle()?;
    ctx.expect_ledger("after a power cut")?;
    ctx.pay_answer(&first)?
        .want_bare(Sw::GIVEN, "PAY again of a cancelled payment")?;
    ctx.begin_entry(&Entry {
        txid: input.txid,
        vout: input.vout,
        place: input.index,
    })?
    .want_bare(Sw::RETIRED, "ENTER COIN of an input of a cancelled payment")?;
    // Its change is no coin, and can't be offered.
    let all = ctx.host()?.purse.available();
    let more = ctx.preview_checked(&request_of(all))?;
    put!(more.is_err(), "the case needs more than all coins");
    ctx.pay_checked(&over)?;
    ctx.expect_ledger("with the sum free again")?;
    drop(paid);

    // Made before the limits were set: the sum isn't its business.
    ctx.acknowledge(3, 0)?;
    ctx.set_limits(Limits::WIDE)?;
    ctx.pay_checked(&request_of(10_000))?;
    let standing = ctx.resolve(1)?;
    ctx.expect_ledger("an older payment, cancelled or refused")?;
    if standing.is_err() {
        // Its change was spent by a later one, which goes first.
        for sequence in [3, 2, 1] {
            ctx.resolve(sequence)?.ok();
            ctx.expect_ledger("from the last to the first")?;
        }
    }
    Ok(())
}

fn refused(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000])?;
    expect(ctx, 0, Sw::NOT_FOUND, "no payment yet")?;
    let chain = [request_of(10_000), request_of(10_000), request_of(10_000)];
    for request in &chain {
        ctx.pay_checked(request)?;
    }
    for sequence in [3, 4, u32::MAX] {
        expect(ctx, sequence, Sw::NOT_FOUND, "a payment not made")?;
    }
    expect(ctx, 0, Sw::CONDITIONS, "its change is spent")?;
    expect(ctx, 1, Sw::CONDITIONS, "its change is spent")?;
    expect(ctx, 2, Sw::OK, "the last one")?;
    expect(ctx, 2, Sw::NOT_FOUND, "cancelled already")?;
    expect(ctx, 0, Sw::CONDITIONS, "two later ones, one cancelled")?;
    expect(
        ctx,
        1,
        Sw::OK,
        "the second, whose change the cancelled one spent",
    )?;
    // The next till is offered no change of a cancelled payment, nor its transaction.
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[40_000])?;
    let txid = ctx.logged(&chain[1])?.txid;
    ctx.preview_checked(&request_of(20_000))?.ok();
    let answer = ctx.ancestor_answer(&txid)?;
    require!(
        !answer.sw.is_success(),
        "GET ANCESTOR gives a cancelled payment"
    );
    expect(ctx, 0, Sw::OK, "the first")?;
    ctx.acknowledge(3, 2)?;
    expect(ctx, 1, Sw::NOT_FOUND, "kept no longer")?;
    ctx.begin_entry(&Entry {
        txid,
        vout: 0,
        place: Place::change(0).0,
    })?
    .want_bare(
        Sw::RETIRED,
        "ENTER COIN at the change place of a cancelled payment",
    )?;
    ctx.pay_checked(&request_of(20_000))?;
    ctx.expect_ledger("at the end")
}

fn given_to_nobody(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000])?;
    let cancelled = request_of(10_000);
    let paid = ctx.pay_checked(&cancelled)?;
    let kept = ctx.logged(&cancelled)?.clone();
    expect(ctx, kept.sequence, Sw::OK, "a payment cancelled")?;
    let entry = Entry {
        txid: paid.txid,
        vout: paid
            .change_vout
            .ok_or_else(|| Stop::Error("no change".to_owned()))?,
        place: Place::change(kept.plan.change_index).0,
    };
    ctx.enter(
        &entry,
        &crate::tx::preimage(&paid.transaction),
        kept.plan.change,
    )
    .at("the change of a cancelled payment")?;
    let next = request_of(20_000);
    for when in ["at once", "after a power cycle"] {
        ctx.offered(&next)?;
        ctx.ancestor_answer(&kept.txid)?
            .want_bare(Sw::GIVEN, "GET ANCESTOR of a cancelled payment")
            .at(when)?;
        ctx.pay_answer(&cancelled)?
            .want_bare(Sw::GIVEN, "PAY again of a cancelled payment, with the PIN")
            .at(when)?;
        ctx.power_cycle()?;
        ctx.pay_answer(&cancelled)?
            .want_bare(Sw::GIVEN, "PAY again of a cancelled payment")
            .at(when)?;
    }
    ctx.pay_checked(&next)?;
    ctx.expect_ledger("after the change of a cancelled payment paid")
}
