//! What STATEMENT keeps the card from signing, and what keeps it from stating. Sections 7.8 and
//! 8.4.

use super::prelude::*;
use super::signing::unknown;
use super::statements::issue;
use crate::keys::keypair;
use crate::model::{Coin, Logged, PLAIN, Place, Spend, SpendInput};

/// What the owner's transactions against a payment leave as fee, in sat.
const FEE: u64 = 900;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-STM-04",
        version: 1,
        purpose: "After a statement SIGN refuses with 9416 each of the payment's inputs, alone and \
                  beside others, in one piece and in many, a coin that the card holds at the same \
                  place, and one that it never heard of there; and inputs at other places it \
                  signs: also after power cuts, after ACKNOWLEDGE LOG settled the payment, and \
                  after SET LIMITS, CHANGE OWNER KEY, RESET RETRY COUNTER, and SET POLICY that \
                  forbids statements.",
        requirements: &[req::STM_4, req::STM_3, req::SGN_2, req::SGN_5, req::NVM_3],
        start: Start::Own,
        level: Level::D3,
        defect: "A pledge that a power cut, or the owner's PC, takes back: goods gone, and the \
                 payment too.",
        run: pledged,
    },
    Case {
        id: "TC-STM-05",
        version: 1,
        purpose: "A payment with a statement is given again by PAY and by GET ANCESTOR, the same \
                  transaction, and counted as ever; cancelled by RESOLVE, its places stay pledged. \
                  A transaction that SIGN had taken in before the statement gets no signature \
                  after it.",
        requirements: &[req::STM_4, req::REC_1, req::ANC_1, req::RES_1, req::SGN_5],
        start: Start::Own,
        level: Level::D3,
        defect: "A shop that can't get its payment any more; a signature prepared before the \
                 promise and fetched after it.",
        run: given_again,
    },
    Case {
        id: "TC-STM-06",
        version: 1,
        purpose: "STATEMENT is refused with 9417, and pledges nothing, when SIGN gave a signature \
                  in a transaction that spends one of the payment's inputs, in the same session \
                  or before, also after power cuts, and when the payment is cancelled; it isn't \
                  when SIGN took a transaction in and gave no signature, nor when it signed other \
                  coins. Signed against a payment that the log keeps no longer, nothing is stated \
                  either.",
        requirements: &[req::STM_2, req::STM_3, req::SGN_3, req::NVM_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A promise to sign nothing else, given after something else was signed.",
        run: signed_against,
    },
];

/// A transaction that sends these inputs elsewhere.
fn elsewhere(inputs: Vec<SpendInput>) -> Spend {
    Spend::elsewhere(inputs, FEE)
}

/// A transaction that spends these coins of the card elsewhere.
pub(super) fn against(coins: &[Coin]) -> Spend {
    elsewhere(coins.iter().map(SpendInput::of).collect())
}

/// SIGN must refuse the transaction, and give no signature.
pub(super) fn refused(b: &mut Bench, spend: &Spend, size: usize, when: &str) -> Outcome {
    b.card
        .sign_stream(spend, size)?
        .want_bare(Sw::PLEDGED, "SIGN, an input at a pledged place")
        .at(|| when.to_owned())?;
    b.card
        .signature_answer(0)?
        .want_bare(Sw::CONDITIONS, "SIGN, a signature after a refused stream")
        .at(|| when.to_owned())
}

fn stated(b: &mut Bench, amount: u64) -> Step<Logged> {
    let request = request(amount);
    b.card.pay_checked(&request).preamble()?;
    let nonce = b.values.bytes("nonce");
    b.card.statement(&request, &nonce)?;
    b.card.logged(&request).cloned()
}

fn pledged(b: &mut Bench) -> Outcome {
    issue(b, Limits::WIDE, &[90_000, 80_000, 70_000, 60_000])?;
    b.card.host()?.capabilities.needs(Capability::Signing)?;
    let mut stream = b.values.stream("more coins");
    // A second coin at index 0, where the payment spends the first.
    let (beside, bytes) = b.card.coin_at(&mut stream, 40_000, 0)?;
    b.card.enter(&beside, &bytes, 40_000)?;
    let beside = b.card.host()?.purse.coins[4].clone();
    // The second payment spends change of the first.
    b.card.pay_checked(&request(20_000)).preamble()?;
    let payment = stated(b, 140_000)?;
    let inputs = payment.plan.inputs.clone();
    require!(
        inputs.len() == 2 && inputs.iter().all(|coin| coin.amount > 60_000),
        "the case needs a payment of two coins"
    );
    let free = unknown(&mut stream, 100_000, Place::receive(40));
    let elsewhere_at = |coin: &Coin| SpendInput {
        txid: [9; 32],
        vout: 1,
        ..SpendInput::of(coin)
    };
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
        .chain([against(&inputs)])
        .collect();
    let all_refused = |b: &mut Bench, when: &str| -> Outcome {
        for (position, spend) in refusals.iter().enumerate() {
            let size = [255, 52, 7][position % 3];
            refused(b, spend, size, when).at(|| format!("transaction {position}"))?;
        }
        b.card.expect_books(when)
    };
    all_refused(b, "after the statement")?;
    b.card.power_cycle()?;
    all_refused(b, "after a power cut")?;
    // The first payment has no statement: its input is the owner's to spend, and so is the coin
    // beside it, and the change of the payment that has one.
    let unstated = b.card.host()?.purse.log[0].plan.inputs.clone();
    let change = b.card.host()?.purse.candidates();
    for coins in [&unstated[..], &[beside], &change[..1]] {
        let spend = against(coins);
        b.card.streamed(&spend, 255)?;
        b.card.signed_all(&spend)?;
    }
    b.card
        .expect_books("after what wasn't pledged was signed")?;

    let owner = keypair(&b.values.bytes("new owner"))?;
    b.card.change_owner(owner).preamble()?;
    all_refused(b, "after CHANGE OWNER KEY")?;
    b.card
        .reset_tries(Some(&Pin::new(&[2, 4, 6, 8])))
        .preamble()?;
    b.card.set_policy(PLAIN).preamble()?;
    all_refused(b, "after SET POLICY")?;
    b.card.acknowledge(2, 0).preamble()?;
    b.card.set_limits(Limits::WIDE).preamble()?;
    all_refused(b, "after SET LIMITS")?;
    b.card.acknowledge(2, 2).preamble()?;
    all_refused(b, "after ACKNOWLEDGE LOG settled the payment")?;
    b.card.power_cycle()?;
    all_refused(b, "after ACKNOWLEDGE LOG and a power cut")?;
    // Unknown coins at a place that nobody pledged.
    let spend = elsewhere(vec![free]);
    b.card.streamed(&spend, 255)?;
    b.card.signed_all(&spend)
}

fn given_again(b: &mut Bench) -> Outcome {
    issue(b, Limits::WIDE, &[90_000, 80_000])?;
    b.card.host()?.capabilities.needs(Capability::Signing)?;
    let nonce: [u8; 32] = b.values.bytes("nonce");
    let first = request(60_000);
    b.card.pay_checked(&first).preamble()?;
    let payment = b.card.logged(&first)?.clone();
    let spend = against(&payment.plan.inputs);
    b.card.streamed(&spend, 255)?;
    b.card
        .statement(&first, &nonce)
        .at(|| "after SIGN took a transaction in and gave no signature".to_owned())?;
    b.card
        .signature_answer(0)?
        .want_bare(Sw::CONDITIONS, "SIGN, a signature after the statement")?;
    refused(b, &spend, 255, "streamed once more after the statement")?;
    for round in 0..3 {
        b.card.power_cycle()?;
        let answer = b.card.pay_answer(&first)?;
        b.card
            .paid_again(&first, answer)
            .at(|| format!("round {round}"))?;
        b.card.statement(&first, &nonce)?;
    }
    // Everything that is left, so that the change is offered.
    let all: u64 = (b.card.host()?.purse.candidates().iter())
        .map(|coin| coin.amount)
        .sum();
    let next = request(all - 1_000);
    require!(
        b.card.preview_checked(&next)?.is_ok(),
        "the case needs an offer"
    );
    b.card
        .ancestor(&first)
        .at(|| "a payment with a statement".to_owned())?;
    b.card.expect_books("after the same transaction again")?;
    b.card
        .resolve(0)?
        .map_err(|sw| Stop::Error(format!("the case's model refuses RESOLVE with {sw}")))?;
    refused(b, &spend, 255, "after RESOLVE")?;
    b.card.power_cycle()?;
    refused(b, &spend, 255, "after RESOLVE and a power cut")?;
    b.card
        .pay_answer(&first)?
        .want_bare(Sw::GIVEN, "PAY of a cancelled payment")
}

fn signed_against(b: &mut Bench) -> Outcome {
    issue(
        b,
        Limits::WIDE,
        &[90_000, 80_000, 70_000, 60_000, 50_000, 40_000],
    )?;
    b.card.host()?.capabilities.needs(Capability::Signing)?;
    let nonce: [u8; 32] = b.values.bytes("nonce");
    let none = |b: &mut Bench, txid: &[u8; 32], when: &str| -> Outcome {
        b.card
            .statement_answer(&nonce, txid)?
            .want_bare(Sw::NO_STATEMENT, "STATEMENT")
            .at(|| when.to_owned())
    };

    // Another coin at the place of its input, and a transaction that gets no signature.
    let first = request(85_000);
    b.card.pay_checked(&first).preamble()?;
    let payment = b.card.logged(&first)?.clone();
    let other = elsewhere(vec![SpendInput {
        txid: [9; 32],
        ..SpendInput::of(&payment.plan.inputs[0])
    }]);
    b.card.streamed(&other, 255)?;
    b.card.signed_all(&other)?;
    b.card.streamed(&against(&payment.plan.inputs), 255)?;
    b.card
        .statement(&first, &nonce)
        .at(|| "after SIGN signed another coin at the same place".to_owned())?;

    // One of two inputs, among others.
    let second = request(140_000);
    b.card.pay_checked(&second).preamble()?;
    let payment = b.card.logged(&second)?.clone();
    require!(
        payment.plan.inputs.len() == 2,
        "the case needs a payment of two coins"
    );
    let mut stream = b.values.stream("others");
    let spend = elsewhere(vec![
        unknown(&mut stream, 100_000, Place::receive(50)),
        SpendInput::of(&payment.plan.inputs[1]),
    ]);
    b.card.streamed(&spend, 255)?;
    // One signature, and that of the other input.
    b.card
        .signature_answer(0)?
        .want(Sw::OK, "SIGN, a signature")?;
    b.card.host_mut()?.purse.sign(&spend);
    none(b, &payment.txid, "after SIGN, in the same session")?;
    for when in ["after a power cut", "after a second power cut"] {
        b.card.power_cycle()?;
        let answer = b.card.pay_answer(&second)?;
        b.card.paid_again(&second, answer).preamble()?;
        none(b, &payment.txid, when)?;
    }
    // Nothing was pledged: the other input too is the owner's still.
    let spend = against(&payment.plan.inputs);
    b.card.streamed(&spend, 255)?;
    b.card.signed_all(&spend)?;
    b.card.expect_books("after refused statements")?;

    // Cancelled, in the session of its PAY.
    let third = request(55_000);
    b.card.pay_checked(&third).preamble()?;
    let payment = b.card.logged(&third)?.clone();
    b.card
        .resolve(payment.sequence)?
        .map_err(|sw| Stop::Error(format!("the case's model refuses RESOLVE with {sw}")))?;
    none(b, &payment.txid, "on a cancelled payment")?;

    // Settled in the session of its PAY, and then signed against.
    let fourth = request(45_000);
    b.card.pay_checked(&fourth).preamble()?;
    let payment = b.card.logged(&fourth)?.clone();
    let next = payment.sequence + 1;
    b.card.acknowledge(next, next).preamble()?;
    let spend = against(&payment.plan.inputs);
    b.card.streamed(&spend, 255)?;
    b.card.signed_all(&spend)?;
    let answer = b.card.statement_answer(&nonce, &payment.txid)?;
    require!(
        [Sw::NO_STATEMENT, Sw::NOT_FOUND].contains(&answer.sw) && answer.data.is_empty(),
        "STATEMENT on a settled payment that SIGN signed against is answered {}",
        answer.sw
    );
    b.card.expect_books("at the end")
}
