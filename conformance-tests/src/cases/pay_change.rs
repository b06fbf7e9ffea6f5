//! Change and retired indexes. Sections 7.3 and 7.4.

use super::prelude::*;
use super::sign::unknown;
use crate::model::{Place, Spend, SpendOutput, fee};

/// Length of a P2WPKH script.
const P2WPKH: u64 = 22;

cases! {
    "TC-TX-06" version 1 on Own D3 for [TX_1 TX_4] runs boundary:
        "Change of 330 sat is an output, change of 329 goes to the fee, and so does all below it; \
         neither output nor fee appears twice."
        catches "A dust output that no node relays; leftover that is nowhere.";
    "TC-TX-07" version 1 on Own D3 for [TX_4 KEY_4] runs change_index:
        "The change index starts at 0 and rises by one with each change output, not with previews, \
         refused payments, payments without change, or power cycles."
        catches "A change index reused, or one left out, where the owner stops looking.";
    "TC-TX-08" version 1 on Own D3 for [TX_5 PAY_7 NVM_1] runs change_is_a_coin:
        "Change is a coin at once, and after a power cycle: twelve payments in a row, each of the \
         change of the one before, and then one of received coins and change together."
        catches "Change forgotten, or held with a wrong txid, vout, amount or index.";
    "TC-TX-09" version 1 on Own D3 for [TX_6 TX_1 ENT_2] runs retired:
        "A payment retires the indexes that it spends from: other coins there stay in the card and \
         are no candidates, none can enter there, on the receive chain only what was spent there; \
         two coins of one index can be spent together. It lasts over power cycles."
        catches "A retired index that comes back, one that retires the same index of the other \
                 chain, or its coins spent all the same.";
    "TC-TX-11" version 1 on Own D3 for [TX_4 TX_6 SGN_2 SGN_3] runs skipped:
        "Change indexes that SIGN retired are skipped by the next payments: the next one, several \
         in a row, one ahead once it is reached, with the bounds of ENTER COIN and SIGN and the \
         coin image. It lasts over power cycles, and the change pays the next payment."
        catches "Change at an index that is out of use: it is lost to the holder.";
}

fn boundary(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[100_000, 90_000, 80_000, 70_000])?;
    let with = fee(1, P2WPKH, true, 1_000);
    for (coin, rest, change) in [
        (100_000, 330, 330),
        (90_000, 329, 0),
        (80_000, 0, 0),
        (70_000, 331, 331),
    ] {
        let request = request_of(coin - with - rest);
        let plan = ctx.plan(&request)?;
        put!(
            plan.change == change && plan.inputs.len() == 1,
            "the case needs change of {change} sat, its model has {}",
            plan.change
        );
        ctx.preview_checked(&request)
            .at(|| format!("rest of {rest} sat"))?
            .ok();
        let answer = ctx.pay_answer(&request)?;
        let paid = ctx
            .paid(&request, answer)
            .at(|| format!("rest of {rest} sat"))?;
        require!(
            paid.transaction.output.len() == 1 + usize::from(change > 0),
            "rest of {rest} sat: {} outputs",
            paid.transaction.output.len()
        );
    }
    Ok(())
}

fn change_index(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[100_000, 90_000, 80_000, 70_000, 60_000])?;
    let without = |coin: u64| request_of(coin - fee(1, P2WPKH, false, 1_000));
    for (what, request, next) in [
        ("with change", request_of(10_000), 1),
        ("with change", request_of(5_000), 2),
        ("without change", without(100_000 - 10_000 - 142), 2),
        ("with change", request_of(5_000), 3),
        ("without change", without(80_000), 3),
    ] {
        ctx.preview_checked(&request).at(what)?.ok();
        ctx.power_cycle()?;
        ctx.authorise()?;
        ctx.pay_answer(&request.clone().amount(100_000_000))?
            .want_bare(Sw::INSUFFICIENT, "PAY")?;
        // The transaction is checked to pay to the next change index of the model.
        ctx.pay_checked(&request)
            .at(|| format!("payment {what}, next index {next}"))?;
        let reached = ctx.host()?.purse.next_change();
        put!(
            reached == next,
            "the case needs change index {next}, its model has {reached}"
        );
        ctx.power_cycle()?;
    }
    Ok(())
}

fn change_is_a_coin(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[100_000])?;
    for payment in 0..12 {
        if payment % 3 == 2 {
            ctx.power_cycle()?;
        }
        let paid = ctx
            .pay_checked(&request_of(3_000))
            .at(|| format!("payment {payment}"))?;
        put!(paid.change_vout.is_some(), "the case needs change");
    }
    let mut stream = ctx.values.stream("more coins");
    ctx.fund(&mut stream, &[50_000, 20_000])?;
    let all = ctx.host()?.purse.available();
    ctx.pay_checked(&request_of(all - 1_000))
        .at("received coins and change together")?;
    Ok(())
}

fn retired(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let mut stream = ctx.values.stream("coins");
    for (amount, index) in [
        (90_000, 0),
        (20_000, 0),
        (50_000, 1),
        (49_000, 1),
        (30_000, 2),
    ] {
        let (entry, bytes) = ctx.coin_at(&mut stream, amount, index)?;
        ctx.enter(&entry, &bytes, amount).preamble()?;
    }
    let begun = |ctx: &mut CaseContext, index: u32, sw: Sw| -> Outcome {
        let entry = Entry {
            txid: ctx.values.bytes("late coin"),
            vout: 0,
            place: index,
        };
        ctx.begin_entry(&entry)?
            .want_bare(sw, "ENTER COIN")
            .at(|| format!("index {index}"))
    };
    let closed = |ctx: &mut CaseContext, index| begun(ctx, index, Sw::RETIRED);
    let open = |ctx: &mut CaseContext, index| begun(ctx, index, Sw::OK);
    // Spends 90 000 at index 0; 20 000 stay there, no candidate.
    ctx.pay_checked(&request_of(60_000))?;
    for _ in 0..2 {
        closed(ctx, 0)?;
        open(ctx, 1)?;
        open(ctx, 2)?;
        let all = ctx.host()?.purse.available();
        let more = ctx.preview_checked(&request_of(all))?;
        put!(
            more == Err(Sw::INSUFFICIENT),
            "the case needs more than all candidates"
        );
        ctx.preview_checked(&request_of(all - 1_000))?.ok();
        ctx.power_cycle()?;
    }
    // The change is at index 0 of the other chain: it is a candidate, and its spending retires
    // nothing of the receive chain. Both coins of index 1 go together.
    ctx.pay_checked(&request_of(98_000))?;
    closed(ctx, 1)?;
    open(ctx, 2)?;
    let all = ctx.host()?.purse.available();
    ctx.pay_checked(&request_of(all - 1_000))?;
    ctx.power_cycle()?;
    for index in [0, 1, 2] {
        closed(ctx, index)?;
    }
    open(ctx, 3)?;
    // What is left is the coin at the retired index: known, and not to be spent.
    let left = ctx.preview_checked(&request_of(1_000))?;
    put!(
        left == Err(Sw::INSUFFICIENT),
        "the case must have spent all candidates"
    );
    ctx.verify_right()?;
    ctx.expect_receive_script(3)
}

fn skipped(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[100_000])?;
    ctx.needs(Capability::Signing)?;
    let mut stream = ctx.values.stream("unknown coins");
    let inputs = ([1, 2, 4].into_iter())
        .map(|index| unknown(&mut stream, 20_000, Place::change(index)))
        .collect();
    ctx.pay_checked(&request_of(1_000))?;
    let spend = Spend::elsewhere(inputs, 1_000);
    ctx.streamed(&spend, 200)?;
    ctx.signed_all(&spend)?;
    ctx.expect_ledger("after SIGN")?;
    for next in [3, 5, 6] {
        let reached = ctx.host()?.purse.next_change();
        put!(
            reached == next,
            "the case needs change index {next}, its model has {reached}"
        );
        let entry = Entry {
            txid: stream.bytes(),
            vout: 0,
            place: Place::change(next).0,
        };
        ctx.begin_entry(&entry)?
            .want_bare(Sw::INDEX, "ENTER COIN at the next change place")?;
        for (index, sw) in [(next + 19, Sw::OK), (next + 20, Sw::WRONG_DATA)] {
            let input = unknown(&mut stream, 9_000, Place::receive(4_000));
            let outputs = vec![SpendOutput::Own(8_500, Place::change(index))];
            let spend = Spend::elsewhere(vec![input], 500).outputs(outputs);
            let answer = ctx.sign_stream(&spend, 200)?;
            require!(
                answer.sw == sw,
                "SIGN to change index {index}: {} instead of {sw}",
                answer.sw
            );
        }
        // The transaction is checked to pay to the next change index of the model.
        ctx.pay_checked(&request_of(1_000))
            .at(|| format!("change at index {next}"))?;
        ctx.expect_ledger("after a payment")?;
        ctx.power_cycle()?;
        ctx.expect_ledger("after a power cycle")?;
    }
    Ok(())
}
