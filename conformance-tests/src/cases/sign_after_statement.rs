//! What STATEMENT keeps the card from signing, and what keeps it from stating. Sections 7.8 and
//! 8.4.

use super::prelude::*;
use super::sign::unknown;
use super::statement::issue;
use crate::keys::keypair;
use crate::model::{Coin, Logged, PLAIN, Place, Spend, SpendInput};

/// What the owner's transactions against a payment leave as fee, in sat.
const FEE: u64 = 900;

cases! {
    "TC-STM-04" version 1 on Own D3 for [STM_4 STM_3 SGN_2 SGN_5 NVM_3] runs pledged:
        "After a statement SIGN refuses with 9416 each of the payment's inputs, alone and beside \
         others, in one piece and in many, a coin that the card holds at the same place, and one \
         that it never heard of there; and inputs at other places it signs: also after power cuts, \
         after ACKNOWLEDGE LOG settled the payment, and after SET LIMITS, CHANGE OWNER KEY, RESET \
         RETRY COUNTER, and SET POLICY that forbids statements."
        catches "A pledge that a power cut, or the owner's PC, takes back: goods gone, and the \
                 payment too.";
    "TC-STM-05" version 1 on Own D3 for [STM_4 REC_1 ANC_1 RES_1 SGN_5] runs given_again:
        "A payment with a statement is given again by PAY and by GET ANCESTOR, the same \
         transaction, and counted as ever; cancelled by RESOLVE, its places stay pledged. A \
         transaction that SIGN had taken in before the statement gets no signature after it."
        catches "A shop that can't get its payment any more; a signature prepared before the \
                 promise and fetched after it.";
    "TC-STM-06" version 1 on Own D3 for [STM_2 STM_3 SGN_3 NVM_1] runs signed_against:
        "STATEMENT is refused with 9417, and pledges nothing, when SIGN gave a signature in a \
         transaction that spends one of the payment's inputs, in the same session or before, also \
         after power cuts, and when the payment is cancelled; it isn't when SIGN took a \
         transaction in and gave no signature, nor when it signed other coins. Signed against a \
         payment that the log keeps no longer, nothing is stated either."
        catches "A promise to sign nothing else, given after something else was signed.";
    "TC-STM-09" version 1 on Own D3 for [STM_2 STM_3] runs signed_against_two:
        "When SIGN signed one transaction against two payments, STATEMENT is refused with 9417 for \
         both."
        catches "A signing that counts against the payment of its last input alone.";
}

/// A transaction that sends these inputs elsewhere.
fn elsewhere(inputs: Vec<SpendInput>) -> Spend {
    Spend::elsewhere(inputs, FEE)
}

/// SIGN must refuse the transaction, and give no signature.
pub(super) fn refused(ctx: &mut CaseContext, spend: &Spend, size: usize, when: &str) -> Outcome {
    ctx.sign_stream(spend, size)?
        .want_bare(Sw::PLEDGED, "SIGN, an input at a pledged place")
        .at(when)?;
    ctx.signature_answer(0)?
        .want_bare(Sw::CONDITIONS, "SIGN, a signature after a refused stream")
        .at(when)
}

fn stated(ctx: &mut CaseContext, amount: u64) -> Step<Logged> {
    let request_of = ctx.requests();
    let request = request_of(amount);
    ctx.pay_checked(&request).preamble()?;
    let nonce = ctx.values.bytes("nonce");
    ctx.statement(&request, &nonce)?;
    ctx.logged(&request).cloned()
}

fn pledged(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(ctx, Limits::WIDE, &[90_000, 80_000, 70_000, 60_000])?;
    ctx.needs(Capability::Signing)?;
    let mut stream = ctx.values.stream("more coins");
    // A second coin at index 0, where the payment spends the first.
    let (beside, bytes) = ctx.coin_at(&mut stream, 40_000, 0)?;
    ctx.enter(&beside, &bytes, 40_000)?;
    let beside = ctx.host()?.purse.coins[4].clone();
    // The second payment spends change of the first.
    ctx.pay_checked(&request_of(20_000)).preamble()?;
    let payment = stated(ctx, 140_000)?;
    let inputs = payment.plan.inputs.clone();
    put!(
        inputs.len() == 2 && inputs.iter().all(|coin| coin.amount > 60_000),
        "the case needs a payment of two coins"
    );
    let free = unknown(&mut stream, 100_000, Place::receive(40));
    let elsewhere_at = |coin: &Coin| SpendInput::of(coin).txid([9; 32]).vout(1);
    let refusals: Vec<Spend> = inputs
        .iter()
        .flat_map(|coin| {
            [
                elsewhere(vec![SpendInput::of(coin)]),
                elsewhere(vec![free.clone(), SpendInput::of(coin)]),
                elsewhere(vec![SpendInput::of(coin), free.clone()]),
                elsewhere(vec![elsewhere_at(coin)]),
            ]
        })
        .chain([Spend::against(&inputs)])
        .collect();
    let all_refused = |ctx: &mut CaseContext, when: &str| -> Outcome {
        for (position, spend) in refusals.iter().enumerate() {
            let size = [255, 52, 7][position % 3];
            refused(ctx, spend, size, when).at(|| format!("transaction {position}"))?;
        }
        ctx.expect_ledger(when)
    };
    all_refused(ctx, "after the statement")?;
    ctx.power_cycle()?;
    all_refused(ctx, "after a power cut")?;
    // The first payment has no statement: its input is the owner's to spend, and so is the coin
    // beside it, and the change of the payment that has one.
    let unstated = ctx.host()?.purse.log[0].plan.inputs.clone();
    let change = ctx.host()?.purse.candidates();
    for coins in [&unstated[..], &[beside], &change[..1]] {
        let spend = Spend::against(coins);
        ctx.streamed(&spend, 255)?;
        ctx.signed_all(&spend)?;
    }
    ctx.expect_ledger("after what wasn't pledged was signed")?;

    let owner = keypair(&ctx.values.bytes("new owner"))?;
    ctx.change_owner(owner).preamble()?;
    all_refused(ctx, "after CHANGE OWNER KEY")?;
    ctx.reset_tries(Some(&Pin::new(&[2, 4, 6, 8]))).preamble()?;
    ctx.set_policy(PLAIN).preamble()?;
    all_refused(ctx, "after SET POLICY")?;
    ctx.acknowledge(2, 0).preamble()?;
    ctx.set_limits(Limits::WIDE).preamble()?;
    all_refused(ctx, "after SET LIMITS")?;
    ctx.acknowledge(2, 2).preamble()?;
    all_refused(ctx, "after ACKNOWLEDGE LOG settled the payment")?;
    ctx.power_cycle()?;
    all_refused(ctx, "after ACKNOWLEDGE LOG and a power cut")?;
    // Unknown coins at a place that nobody pledged.
    let spend = elsewhere(vec![free]);
    ctx.streamed(&spend, 255)?;
    ctx.signed_all(&spend)
}

fn given_again(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(ctx, Limits::WIDE, &[90_000, 80_000])?;
    ctx.needs(Capability::Signing)?;
    let nonce: [u8; 32] = ctx.values.bytes("nonce");
    let first = request_of(60_000);
    ctx.pay_checked(&first).preamble()?;
    let payment = ctx.logged(&first)?.clone();
    let spend = Spend::against(&payment.plan.inputs);
    ctx.streamed(&spend, 255)?;
    ctx.statement(&first, &nonce)
        .at("after SIGN took a transaction in and gave no signature")?;
    ctx.signature_answer(0)?
        .want_bare(Sw::CONDITIONS, "SIGN, a signature after the statement")?;
    refused(ctx, &spend, 255, "streamed once more after the statement")?;
    for round in 0..3 {
        ctx.power_cycle()?;
        let answer = ctx.pay_answer(&first)?;
        ctx.paid_again(&first, answer)
            .at(|| format!("round {round}"))?;
        ctx.statement(&first, &nonce)?;
    }
    // Everything that is left, so that the change is offered.
    let all = ctx.host()?.purse.available();
    let next = request_of(all - 1_000);
    put!(
        ctx.preview_checked(&next)?.is_ok(),
        "the case needs an offer"
    );
    ctx.ancestor(&first).at("a payment with a statement")?;
    ctx.expect_ledger("after the same transaction again")?;
    ctx.resolve(0)?
        .map_err(|sw| Stop::Error(format!("the case's model refuses RESOLVE with {sw}")))?;
    refused(ctx, &spend, 255, "after RESOLVE")?;
    ctx.power_cycle()?;
    refused(ctx, &spend, 255, "after RESOLVE and a power cut")?;
    ctx.pay_answer(&first)?
        .want_bare(Sw::GIVEN, "PAY of a cancelled payment")
}

fn signed_against_two(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(ctx, Limits::WIDE, &[90_000, 80_000])?;
    ctx.needs(Capability::Signing)?;
    let payments = [request_of(85_000), request_of(75_000)];
    let mut inputs = Vec::new();
    for request in &payments {
        ctx.pay_checked(request).preamble()?;
        inputs.push(SpendInput::of(&ctx.logged(request)?.plan.inputs[0]));
    }
    let spend = elsewhere(inputs);
    ctx.streamed(&spend, 255)?;
    ctx.signed_all(&spend)?;
    let nonce: [u8; 32] = ctx.values.bytes("nonce");
    for (number, request) in payments.iter().enumerate() {
        let answer = ctx.pay_answer(request)?;
        ctx.paid_again(request, answer).preamble()?;
        let txid = ctx.logged(request)?.txid;
        ctx.statement_answer(&nonce, &txid)?
            .want_bare(Sw::NO_STATEMENT, "STATEMENT after SIGN")
            .at(|| format!("payment {number}"))?;
    }
    Ok(())
}

fn signed_against(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(
        ctx,
        Limits::WIDE,
        &[90_000, 80_000, 70_000, 60_000, 50_000, 40_000],
    )?;
    ctx.needs(Capability::Signing)?;
    let nonce: [u8; 32] = ctx.values.bytes("nonce");
    let none = |ctx: &mut CaseContext, txid: &[u8; 32], when: &str| -> Outcome {
        ctx.statement_answer(&nonce, txid)?
            .want_bare(Sw::NO_STATEMENT, "STATEMENT")
            .at(when)
    };

    // Another coin at the place of its input, and a transaction that gets no signature.
    let first = request_of(85_000);
    ctx.pay_checked(&first).preamble()?;
    let payment = ctx.logged(&first)?.clone();
    let other = elsewhere(vec![SpendInput::of(&payment.plan.inputs[0]).txid([9; 32])]);
    ctx.streamed(&other, 255)?;
    ctx.signed_all(&other)?;
    ctx.streamed(&Spend::against(&payment.plan.inputs), 255)?;
    ctx.statement(&first, &nonce)
        .at("after SIGN signed another coin at the same place")?;

    // One of two inputs, among others.
    let second = request_of(140_000);
    ctx.pay_checked(&second).preamble()?;
    let payment = ctx.logged(&second)?.clone();
    put!(
        payment.plan.inputs.len() == 2,
        "the case needs a payment of two coins"
    );
    let mut stream = ctx.values.stream("others");
    let spend = elsewhere(vec![
        unknown(&mut stream, 100_000, Place::receive(50)),
        SpendInput::of(&payment.plan.inputs[1]),
    ]);
    ctx.streamed(&spend, 255)?;
    // One signature, and that of the other input.
    ctx.signature_answer(0)?.want(Sw::OK, "SIGN, a signature")?;
    ctx.host_mut()?.purse.sign(&spend);
    none(ctx, &payment.txid, "after SIGN, in the same session")?;
    for when in ["after a power cut", "after a second power cut"] {
        ctx.power_cycle()?;
        let answer = ctx.pay_answer(&second)?;
        ctx.paid_again(&second, answer).preamble()?;
        none(ctx, &payment.txid, when)?;
    }
    // Nothing was pledged: the other input too is the owner's still.
    let spend = Spend::against(&payment.plan.inputs);
    ctx.streamed(&spend, 255)?;
    ctx.signed_all(&spend)?;
    ctx.expect_ledger("after refused statements")?;

    // Cancelled, in the session of its PAY.
    let third = request_of(55_000);
    ctx.pay_checked(&third).preamble()?;
    let payment = ctx.logged(&third)?.clone();
    ctx.resolve(payment.sequence)?
        .map_err(|sw| Stop::Error(format!("the case's model refuses RESOLVE with {sw}")))?;
    none(ctx, &payment.txid, "on a cancelled payment")?;

    // Settled in the session of its PAY, and then signed against.
    let fourth = request_of(45_000);
    ctx.pay_checked(&fourth).preamble()?;
    let payment = ctx.logged(&fourth)?.clone();
    let next = payment.sequence + 1;
    ctx.acknowledge(next, next).preamble()?;
    let spend = Spend::against(&payment.plan.inputs);
    ctx.streamed(&spend, 255)?;
    ctx.signed_all(&spend)?;
    let answer = ctx.statement_answer(&nonce, &payment.txid)?;
    require!(
        [Sw::NO_STATEMENT, Sw::NOT_FOUND].contains(&answer.sw) && answer.data.is_empty(),
        "STATEMENT on a settled payment that SIGN signed against is answered {}",
        answer.sw
    );
    ctx.expect_ledger("at the end")
}
