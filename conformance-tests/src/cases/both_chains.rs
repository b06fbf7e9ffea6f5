//! What holds for every place of a payment or of a signing, on both chains and in each position.
//! Sections 7.4, 7.8 and 8.4.

use super::prelude::*;
use super::sign::unknown;
use super::sign_after_statement::refused;
use super::statement::issue;
use crate::model::{Coin, Place, Spend, SpendInput, SpendOutput};

/// What the owner's transactions leave as fee, in sat.
const FEE: u64 = 900;

cases! {
    "TC-STM-10" version 1 on Own D3 for [STM_3 STM_4 STM_1 NVM_1] runs pledged:
        "A statement on a payment of one change and two received coins pledges each of the three \
         places, on its own chain: SIGN refuses every one of them with 9416, over power cycles, \
         and signs at the same indexes of the other chain."
        catches "A promise for the first coin, or for one chain, alone.";
    "TC-TX-13" version 1 on Own D3 for [TX_6 TX_1 ENT_2 PAY_10] runs retired:
        "A payment of one change and two received coins is refused when it pays to the script of \
         any of the three (9408), and retires each of their indexes, on its own chain: other coins \
         that stand there are no candidates, and none enters (940F)."
        catches "A list of which the first or the last element is looked at.";
    "TC-SGN-11" version 1 on Own D3 for [SGN_3 SGN_2 TX_4 ENT_2] runs signed:
        "SIGN of three coins of the card on both chains, with own outputs in falling and rising \
         order, takes all three out of the card, retires their indexes, and moves the change index \
         above the highest; of two own outputs either one beyond its bound is refused (6A80), on \
         either chain, and those at their bounds taken."
        catches "A list of which the first or the last element is looked at.";
    "TC-STM-11" version 1 on Own D3 for [STM_2 SGN_3] runs signed_against_many:
        "When SIGN signed one transaction against the first, the 6th, the 21st and the 39th of 40 \
         payments, STATEMENT is refused with 9417 for each of them, over power cycles, and given \
         for those beside them."
        catches "Payments that are marked in a list too short, or of which one is marked.";
}

/// A card with one change and two received coins, each of which a payment of this much needs.
fn mixed(ctx: &mut CaseContext, with_statements: bool) -> Step<(Request, Vec<Coin>)> {
    let request_of = ctx.requests();
    let amounts = [60_000, 50_000, 40_000];
    if with_statements {
        issue(ctx, Limits::WIDE, &amounts)?;
    } else {
        ctx.prepare_funded(&amounts)?;
    }
    ctx.pay_checked(&request_of(5_000)).preamble()?;
    let request = request_of(140_000);
    let inputs = ctx.plan(&request)?.inputs;
    let chains: Vec<u32> = inputs.iter().map(|coin| coin.chain).collect();
    put!(
        chains == [1, 0, 0],
        "the case needs a payment of one change and two received coins"
    );
    Ok((request, inputs))
}

/// The same index on the other chain.
fn opposite(coin: &Coin) -> Place {
    match coin.chain {
        0 => Place::change(coin.index),
        _ => Place::receive(coin.index),
    }
}

fn pledged(ctx: &mut CaseContext) -> Outcome {
    let (request, inputs) = mixed(ctx, true)?;
    ctx.needs(Capability::Signing)?;
    ctx.pay_checked(&request).preamble()?;
    let nonce = ctx.values.bytes("nonce");
    ctx.statement(&request, &nonce)?;
    let mut stream = ctx.values.stream("unknown coins");
    for when in ["at once", "after a power cycle"] {
        for (position, input) in inputs.iter().enumerate() {
            let place = || format!("input {position}, {when}");
            refused(ctx, &Spend::against(std::slice::from_ref(input)), 255, when).at(place)?;
            let elsewhere = unknown(&mut stream, 30_000, opposite(input));
            let spend = Spend::elsewhere(vec![elsewhere], FEE);
            ctx.streamed(&spend, 255)
                .at(|| format!("{}, the other chain", place()))?;
        }
        ctx.power_cycle()?;
    }
    Ok(())
}

fn retired(ctx: &mut CaseContext) -> Outcome {
    let (request, inputs) = mixed(ctx, false)?;
    let mut stream = ctx.values.stream("coins beside");
    for input in &inputs {
        let (beside, bytes) = ctx.coin_at(&mut stream, 3_000, input.place().0)?;
        ctx.enter(&beside, &bytes, 3_000).preamble()?;
    }
    let account = ctx.host()?.account.clone();
    for (position, input) in inputs.iter().enumerate() {
        let own = account.script(input.chain, input.index)?;
        ctx.expect_refused(&request.clone().payee(own), Sw::PAYEE)
            .at(|| format!("the script of input {position}"))?;
    }
    ctx.pay_checked(&request)?;
    ctx.power_cycle()?;
    for (position, input) in inputs.iter().enumerate() {
        let (late, _) = ctx.coin_at(&mut stream, 3_000, input.place().0)?;
        ctx.begin_entry(&late)?
            .want_bare(Sw::RETIRED, "ENTER COIN")
            .at(|| format!("the place of input {position}"))?;
    }
    let request_of = ctx.requests();
    let left = ctx.host()?.purse.available();
    ctx.expect_refused(&request_of(left), Sw::INSUFFICIENT)?;
    ctx.expect_ledger("after the payment")
}

fn signed(ctx: &mut CaseContext) -> Outcome {
    let (_, inputs) = mixed(ctx, false)?;
    ctx.needs(Capability::Signing)?;
    let next = ctx.host()?.purse.next_receive();
    let change = ctx.host()?.purse.next_change();
    let inside = [Place::receive(next + 9), Place::change(change + 19)];
    let outside = [Place::receive(next + 10), Place::change(change + 20)];
    let spent: Vec<SpendInput> = inputs.iter().map(SpendInput::of).collect();
    let to = |places: [Place; 2]| {
        Spend::elsewhere(spent.clone(), FEE)
            .outputs(places.map(|place| SpendOutput::Own(60_000, place)).to_vec())
    };
    for place in outside {
        for places in [[place, inside[0]], [inside[1], place]] {
            ctx.sign_stream(&to(places), 255)?
                .want_bare(Sw::WRONG_DATA, "SIGN to a place beyond its bound")?;
        }
    }
    for places in [[inside[0], inside[1]], [inside[1], inside[0]]] {
        ctx.streamed(&to(places), 255).at("at both bounds")?;
    }
    let [falling, rising] = [[7, 3], [5, 9]].map(|indexes| {
        let own = |index| SpendOutput::Own(40_000, Place::change(change + index));
        vec![
            own(indexes[0]),
            own(indexes[1]),
            SpendOutput::Own(30_000, Place::receive(1)),
        ]
    });
    for (when, outputs) in [("falling", falling), ("rising", rising)] {
        let spend = Spend::elsewhere(spent.clone(), FEE).outputs(outputs);
        ctx.streamed(&spend, 255).at(when)?;
        ctx.signed_all(&spend).at(when)?;
        ctx.power_cycle()?;
        ctx.expect_ledger(when)?;
    }
    for (position, input) in inputs.iter().enumerate() {
        let entry = Entry {
            txid: ctx.values.bytes("late coin"),
            vout: 0,
            place: input.place().0,
        };
        ctx.begin_entry(&entry)?
            .want_bare(Sw::RETIRED, "ENTER COIN")
            .at(|| format!("the place of input {position}"))?;
    }
    Ok(())
}

fn signed_against_many(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(ctx, Limits::WIDE, &[900_000])?;
    ctx.needs(Capability::Signing)?;
    let payments: Vec<Request> = (0..40).map(|_| request_of(1_000)).collect();
    for payment in &payments {
        ctx.pay_checked(payment).preamble()?;
    }
    let against = [20, 38, 0, 5];
    let mut inputs = Vec::new();
    for number in against {
        inputs.push(SpendInput::of(
            &ctx.logged(&payments[number])?.plan.inputs[0],
        ));
    }
    let spend = Spend::elsewhere(inputs, FEE);
    ctx.streamed(&spend, 255)?;
    ctx.signature_answer(0)?.want(Sw::OK, "SIGN, a signature")?;
    ctx.host_mut()?.purse.sign(&spend);
    let nonce: [u8; 32] = ctx.values.bytes("nonce");
    ctx.power_cycle()?;
    for number in against.into_iter().chain([1, 4, 6, 19, 21, 32, 37, 39]) {
        let place = || format!("payment {number}");
        let answer = ctx.pay_answer(&payments[number])?;
        ctx.paid_again(&payments[number], answer).at(place)?;
        if against.contains(&number) {
            let txid = ctx.logged(&payments[number])?.txid;
            ctx.statement_answer(&nonce, &txid)?
                .want_bare(Sw::NO_STATEMENT, "STATEMENT on what was signed against")
                .at(place)?;
        } else {
            ctx.statement(&payments[number], &nonce).at(place)?;
        }
    }
    Ok(())
}
