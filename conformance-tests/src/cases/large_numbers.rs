//! Numbers that eight, 16 or 32 bits don't hold: limits, fees, sizes, counts. Sections 7.1 to 7.4
//! and 8.4.

use super::prelude::*;
use super::sign::unknown;
use crate::model::{PLAIN, Place, STATEMENTS, Spend, SpendInput, SpendOutput};

/// What 32 bits don't hold.
const WORD: u64 = 1 << 32;
/// Payments of TC-LIM-07, and how many of them are made without PIN.
const PAYMENTS: u16 = 290;
const WITHOUT_PIN: u16 = 270;
/// After so many of them the books are read.
const READ_AFTER: [u16; 7] = [1, 128, 255, 256, 257, WITHOUT_PIN, PAYMENTS];
/// The owner acknowledges after so many, and settles all but so many.
const ACKNOWLEDGED_EVERY: u16 = 50;
const KEPT: u32 = 10;

cases! {
    "TC-LIM-06" version 1 on Own D3 for [LIM_3 LIM_4 PAY_4 ENT_4 TX_1] runs large_limits:
        "Limits per payment, in sum and on fees above 2³² sat, a least fee rate and a least coin \
         above 2¹⁶, and the highest fee rate that there is, are kept whole: what reaches them is \
         taken and what is beyond them is refused, a fee whose size × rate is above 2³² included."
        catches "A limit, or a product of size and rate, that is kept in too few bits.";
    "TC-LIM-07" version 1 on Own D3 for [LIM_2 PAY_4 NOP_1 TX_4 TX_6 LOG_1 ACK_1 REC_1 RES_1 IMG_1 STM_2] runs
        many_payments:
        "290 payments, each of the change of the one before, 270 of them without PIN: counters, \
         numbers of payments, change indexes and retired indexes go on beyond 255, the limits on \
         both counts hold there, and coin image, log, PAYMENT STATE, PAY of what was paid and \
         statements are those of the model."
        catches "A counter or an index that begins anew after 256: limits without end.";
    "TC-NOP-03" version 1 on Own D3 for [NOP_1 PAY_4] runs large_without_pin:
        "PAY without PIN is bounded by a sum above 2³² sat as by any, and an amount of 2³² sat and \
         a little more is refused where a little is allowed, before all rules of payments; with \
         one PIN try left it is done as with three."
        catches "An amount that is compared in 32 bits.";
    "TC-SGN-10" version 1 on Own D3 for [SGN_2 SGN_1] runs large_signings:
        "SIGN of the most inputs and outputs declared, with scripts of 252 bytes, takes exactly \
         the highest fee for its size and no more, and so it does where size × rate is above 2³²; \
         sums above 2³² sat are told whole, and a fee above 2³² sat is refused with 9406."
        catches "A size, a product or a sum of the owner's signing that is kept in too few bits.";
}

fn fund(ctx: &mut CaseContext, amounts: &[u64]) -> Outcome {
    let mut stream = ctx.values.stream("large coins");
    ctx.fund(&mut stream, amounts)
}

fn large_limits(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let least = 66_236;
    let limits = Limits::WIDE
        .per_payment(WORD + 20_000)
        .cumulative(1 << 41)
        .fee_cap(WORD + 5_000)
        .least_rate(least)
        .highest_rate(u32::MAX)
        .least_coin(65_936);
    ctx.prepare_limited(limits, &[])?;
    ctx.expect_limits("above 32 bits")?;
    let mut stream = ctx.values.stream("coins");
    let index = ctx.host()?.purse.next_receive();
    let (small, bytes) = ctx.coin_at(&mut stream, 65_935, index)?;
    ctx.enter_answer(&small, &bytes)?
        .want_bare(Sw::COIN_DUST, "ENTER COIN below a least coin above 2¹⁶")?;
    let (enough, bytes) = ctx.coin_at(&mut stream, 65_936, index)?;
    ctx.enter(&enough, &bytes, 65_936)?;
    fund(ctx, &[5 * WORD, 4 * WORD])?;
    let at = |amount: u64, rate: u32| request_of(amount).rate(rate);
    ctx.expect_refused(&at(50_000, least - 1), Sw::FEE_RATE)
        .at("below the least rate")?;
    ctx.expect_refused(&at(WORD + 20_001, least), Sw::OVER_PAYMENT_LIMIT)
        .at("above the limit per payment")?;
    ctx.pay_checked(&at(WORD + 20_000, least))
        .at("the limit per payment")?;
    for rate in [40_000_001, u32::MAX] {
        ctx.pay_checked(&at(50_000, rate))
            .at(|| format!("{rate} sat/kvB"))?;
    }
    ctx.expect_ledger("after large fees")?;
    // A fee above 2³² takes sixteen inputs.
    ctx.acknowledge(3, 3)?;
    ctx.set_limits(
        limits
            .per_payment(10_000)
            .fee_cap(1_000_000_000)
            .least_rate(100),
    )?;
    ctx.expect_refused(&at(WORD + 100, 1_000), Sw::OVER_PAYMENT_LIMIT)
        .at("an amount above 2³² under a limit of little")?;
    fee_above_cap(ctx, limits.fee_cap(1_000_000_000).least_rate(100))
}

/// Sixteen coins, on another card, whose fee at the highest rate is above 2³².
fn fee_above_cap(ctx: &mut CaseContext, limits: Limits) -> Outcome {
    let request_of = ctx.requests();
    ctx.fresh_card()?;
    ctx.prepare_limited(limits, &[])?;
    fund(ctx, &[500_000_000; 16])?;
    let request = request_of(3_600_000_000)
        .rate(u32::MAX)
        .payee(payee::p2wsh([7; 32]));
    ctx.expect_refused(&request, Sw::FEE_CAP)
        .at("a fee above 2³²")?;
    ctx.set_limits(limits.fee_cap(2 * WORD))?;
    ctx.pay_checked(&request).at("a fee above 2³²")?;
    ctx.expect_ledger("after a fee above 2³²")?;
    ctx.resolve(0)?
        .map_err(|sw| Stop::Error(format!("the case's model refuses RESOLVE with {sw}")))?;
    ctx.expect_ledger("after it was cancelled")
}

fn many_payments(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE
        .payments(PAYMENTS)
        .without_pin(100_000)
        .payments_without_pin(WITHOUT_PIN);
    let profile = ctx.profile()?.limits(limits).policy(PLAIN | STATEMENTS);
    ctx.prepare_with(&profile, &[10_000_000])?;
    ctx.needs(Capability::WithoutPin)?;
    for made in 1..=PAYMENTS {
        let place = || format!("payment {made}");
        let request = request_of(1_000);
        if made <= WITHOUT_PIN {
            let answer = ctx.pay_answer(&request)?;
            ctx.paid_as(&request, answer, true).at(place)?;
        } else {
            ctx.pay_checked(&request).at(place)?;
        }
        if READ_AFTER.contains(&made) {
            ctx.expect_ledger(&place())?;
            ctx.expect_payment_state(&request.identity, &place())?;
            stated(ctx, &request).at(place)?;
            let answer = ctx.pay_answer(&request)?;
            ctx.paid_again(&request, answer).at(place)?;
            stated(ctx, &request).at(place)?;
        }
        if made % ACKNOWLEDGED_EVERY == 0 {
            let made = u32::from(made);
            ctx.acknowledge(made, made - KEPT).at(place)?;
        }
        if made == WITHOUT_PIN {
            ctx.pay_answer(&request_of(1_000))?
                .want_bare(Sw::SECURITY, "PAY without PIN, one too many")?;
        }
    }
    ctx.power_cycle()?;
    ctx.expect_refused(&request_of(1_000), Sw::COUNT)
        .at("one payment too many")?;
    let made = u32::from(PAYMENTS);
    ctx.acknowledge(made, made - KEPT)?;
    ctx.expect_ledger("acknowledged")?;
    // The last payment was made under the limits before: cancelled, it takes nothing off.
    let limits = ctx.host()?.profile.limits;
    ctx.set_limits(limits)?;
    fund(ctx, &[20_000_000])?;
    ctx.pay_checked(&request_of(1_000))?;
    ctx.resolve(made - 1)?
        .map_err(|sw| Stop::Error(format!("the case's model refuses RESOLVE with {sw}")))?;
    ctx.expect_ledger("after all")
}

/// The statement on a payment, from a card that makes statements.
fn stated(ctx: &mut CaseContext, request: &Request) -> Outcome {
    if ctx.has(Capability::Statements)? {
        let nonce = ctx.values.bytes("nonce");
        ctx.statement(request, &nonce)?;
    }
    Ok(())
}

fn large_without_pin(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let most = WORD - 50;
    let limits = Limits::WIDE.without_pin(most).payments_without_pin(9);
    ctx.prepare_limited(limits, &[])?;
    ctx.needs(Capability::WithoutPin)?;
    fund(ctx, &[5 * WORD, 4 * WORD])?;
    let fee = ctx.plan(&request_of(100_000))?.fee;
    put!(fee > 50, "the case needs a fee that goes over 2³²");
    for (amount, when) in [
        (WORD + 1_000, "an amount above 2³²"),
        (WORD - 60, "an amount that its fee takes above 2³²"),
    ] {
        ctx.pay_answer(&request_of(amount))?
            .want_bare(Sw::SECURITY, "PAY without PIN")
            .at(when)?;
    }
    let request = request_of(most - fee);
    let answer = ctx.pay_answer(&request)?;
    ctx.paid_as(&request, answer, true).at("the most allowed")?;
    ctx.verify_wrong(2)?;
    ctx.verify_wrong(1)?;
    let request = request_of(1_000);
    let answer = ctx.pay_answer(&request)?;
    ctx.paid_as(&request, answer, true)
        .at("with one try left")?;
    ctx.acknowledge(2, 2)?;
    ctx.set_limits(limits.without_pin(WORD + 5_000).per_payment(100_000))?;
    let request = request_of(60_000);
    let answer = ctx.pay_answer(&request)?;
    ctx.paid_as(&request, answer, true)
        .at("under a bound above 2³²")?;
    ctx.acknowledge(3, 3)?;
    ctx.set_limits(limits.without_pin(5_000).per_payment(100_000))?;
    ctx.pay_answer(&request_of(WORD + 1_000))?
        .want_bare(Sw::SECURITY, "PAY without PIN")
        .at("an amount above 2³² where a little is allowed")?;
    ctx.expect_ledger("after all")
}

fn large_signings(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_limited(Limits::WIDE.highest_rate(1_000), &[])?;
    ctx.needs(Capability::Signing)?;
    let capabilities = ctx.host()?.capabilities;
    let mut stream = ctx.values.stream("unknown coins");
    let inputs: Vec<SpendInput> = (0..u32::from(capabilities.sign_inputs))
        .map(|index| unknown(&mut stream, 100_000, Place::receive(1_000 + index)))
        .collect();
    let scripts = usize::from(capabilities.sign_outputs);
    let size = (42 + 230 * inputs.len() + 4 * scripts * (9 + 252)).div_ceil(4) as u64;
    at_highest_fee(ctx, &inputs, scripts, size, "the largest transaction")?;

    ctx.set_limits(Limits::WIDE.highest_rate(30_000_000))?;
    let two = &inputs[..2]
        .iter()
        .map(|input| input.clone().amount(30_000_000))
        .collect::<Vec<_>>();
    let size = (42u64 + 230 * 2 + 4 * (9 + 252)).div_ceil(4);
    at_highest_fee(ctx, two, 1, size * 30_000, "a product above 2³²")?;

    let three: Vec<SpendInput> = (0..3)
        .map(|index| unknown(&mut stream, 3_000_000_000, Place::change(4_090 + index)))
        .collect();
    let script = payee::p2wpkh([6; 20]).to_bytes();
    let spend = Spend::elsewhere(three, 0).outputs(vec![
        SpendOutput::Own(2_000_000_000, Place::change(1)),
        SpendOutput::Other(2_400_000_000, script.clone()),
        SpendOutput::Own(2_400_000_000, Place::receive(1)),
        SpendOutput::Other(2_199_999_000, script.clone()),
    ]);
    ctx.streamed(&spend, 255).at("sums above 2³²")?;
    ctx.signed_all(&spend)?;
    ctx.set_limits(Limits::WIDE.fee_cap(5_000))?;
    let spend = spend.outputs(vec![SpendOutput::Other(9_000_000_000 - WORD - 100, script)]);
    ctx.sign_stream(&spend, 255)?
        .want_bare(Sw::FEE_CAP, "SIGN with a fee above 2³²")
}

/// SIGN of these inputs to as many scripts of 252 bytes takes that fee, and no more.
fn at_highest_fee(
    ctx: &mut CaseContext,
    inputs: &[SpendInput],
    scripts: usize,
    fee: u64,
    when: &str,
) -> Outcome {
    let sum: u64 = inputs.iter().map(|input| input.amount).sum();
    let spend = |fee: u64| {
        let mut outputs = vec![SpendOutput::Other(1_000, vec![0x51; 252]); scripts];
        let others = 1_000 * (scripts as u64 - 1);
        outputs[0] = SpendOutput::Other(sum - others - fee, vec![0x51; 252]);
        Spend::elsewhere(inputs.to_vec(), 0).outputs(outputs)
    };
    ctx.sign_stream(&spend(fee + 1), 255)?
        .want_bare(Sw::FEE_RATE, "SIGN with one sat more than the highest fee")
        .at(when)?;
    ctx.streamed(&spend(fee), 255)
        .at(|| format!("{when}, at the highest fee"))
}
