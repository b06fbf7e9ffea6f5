//! What is refused, and in which order: `[PAY-4]` to `[PAY-6]`, `[PAY-8]`.

use super::prelude::*;
use crate::model::{MAX_AMOUNT, dust_threshold, is_permitted};
use bitcoin::ScriptBuf;

cases! {
    "TC-PAY-11" version 1 on Funded D1 for [PAY_5 PAY_4] runs payees:
        "The five permitted payee types are taken; scripts of 22 to 42 bytes that are near one \
         (each fixed byte changed, a byte more or fewer, other witness versions, OP_RETURN, bare \
         keys) are refused with 9408."
        catches "Coins sent to a script that nobody can spend, or anybody.";
    "TC-PAY-12" version 1 on Funded D1 for [PAY_6 PAY_4] runs dust:
        "For each payee type an amount of its dust threshold is taken and one sat less refused \
         with 9407, and so are 0 and amounts above 21·10¹⁴ sat."
        catches "A payment that no node relays; an amount that overflows.";
    "TC-PAY-13" version 1 on Own D3 for [PAY_4] runs order:
        "Where several refusals apply to one request, the first of the text's order is answered, \
         for PREVIEW and PAY alike, and nothing changes: payments are as before. (The log's place \
         in the order is TC-PAY-14's; `6A84` for want of a change index needs more payments than a \
         log holds.)"
        catches "Checks in another order; a refused payment that debits.";
    "TC-PAY-14" version 2 on Own D3 for [PAY_8 PAY_4 INF_2 TX_4 LOG_1 IMG_1 STA_1] runs log:
        "The log holds as many payments as declared, at least 64: that many are made, the next one \
         is refused with 9409, also after power cycles and with new coins; then the owner reads \
         every one of them, and every coin."
        catches "A log that wraps round; one that is smaller than declared.";
}

/// Scripts near the permitted ones, none of them permitted.
fn near_misses() -> Vec<ScriptBuf> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for (_, script) in payee::all([0xC3; 32]) {
        let right = script.to_bytes();
        for at in (0..3).chain([right.len() - 2, right.len() - 1]) {
            for flip in [0x01, 0x10, 0x80] {
                let mut near = right.clone();
                near[at] ^= flip;
                all.push(near);
            }
        }
        all.push([&right[..], &[0x00]].concat());
        all.push([&right[..], &[0x51]].concat());
        all.push(right[..right.len() - 1].to_vec());
    }
    // Every witness version with 20 and 32 bytes.
    for version in [0x00].into_iter().chain(0x51..=0x60) {
        all.push([&[version, 0x14][..], &[0xC3; 20]].concat());
        all.push([&[version, 0x20][..], &[0xC3; 32]].concat());
        all.push([&[version, 0x28][..], &[0xC3; 40]].concat());
        all.push([&[version, 0x16][..], &[0xC3; 22]].concat());
    }
    all.push([&[0x6A, 0x14][..], &[0xC3; 20]].concat());
    all.push([&[0x6A, 0x20][..], &[0xC3; 32]].concat());
    // Pay to bare public key, compressed.
    all.push([&[0x21, 0x02][..], &[0xC3; 32], &[0xAC]].concat());
    for length in 22..=42 {
        all.push(vec![0x51; length]);
        all.push(vec![0x00; length]);
    }
    all.retain(|script| !is_permitted(script) && (22..=42).contains(&script.len()));
    all.into_iter().map(ScriptBuf::from_bytes).collect()
}

fn payees(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    for (name, payee) in payee::all(ctx.values.bytes("payee")) {
        let request = request_of(50_000).payee(payee);
        let plan = ctx.preview_checked(&request).at(name)?;
        put!(plan.is_ok(), "{name}: the case must have funds");
    }
    let misses = near_misses();
    for payee in &misses {
        let request = request_of(50_000).payee(payee.clone());
        ctx.authorise()?;
        ctx.preview_answer(&request)?
            .want_bare(Sw::PAYEE, "PREVIEW")
            .at(|| payee.to_hex_string())?;
        ctx.authorise()?;
        ctx.pay_answer(&request)?
            .want_bare(Sw::PAYEE, "PAY")
            .at(|| payee.to_hex_string())?;
    }
    ctx.note(format!("{} scripts near the permitted ones", misses.len()));
    Ok(())
}

fn dust(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    for (name, payee) in payee::all(ctx.values.bytes("payee")) {
        let threshold = dust_threshold(payee.as_bytes())
            .ok_or_else(|| Stop::Error(format!("{name} has no dust threshold")))?;
        let at = |amount| request_of(amount).payee(payee.clone());
        let plan = ctx
            .preview_checked(&at(threshold))
            .at(|| format!("{name}, {threshold} sat"))?;
        put!(plan.is_ok(), "{name}: the case must have funds");
        for amount in [0, 1, threshold - 1, MAX_AMOUNT + 1, 1 << 63, u64::MAX] {
            ctx.authorise()?;
            ctx.preview_answer(&at(amount))?
                .want_bare(Sw::AMOUNT, "PREVIEW")
                .at(|| format!("{name}, {amount} sat"))?;
            ctx.authorise()?;
            ctx.pay_answer(&at(amount))?
                .want_bare(Sw::AMOUNT, "PAY")
                .at(|| format!("{name}, {amount} sat"))?;
        }
    }
    Ok(())
}

fn order(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE
        .per_payment(50_000)
        .cumulative(60_000)
        .fee_cap(2_000)
        .highest_rate(20_000);
    ctx.prepare_limited(limits, &[40_000, 30_000])?;
    // Leaves 30 000 and the change of some 19 000; some 39 000 up to the cumulative limit.
    ctx.pay_checked(&request_of(20_000))?;
    let burnt = ScriptBuf::from_bytes(vec![0x6A; 30]);
    let at = |amount, rate| request_of(amount).rate(rate);
    let burning = |amount, rate| at(amount, rate).payee(burnt.clone());
    let cases = [
        ("rate, payee, amount", burning(0, 99), Sw::FEE_RATE),
        ("rate, amount", at(1, 20_001), Sw::FEE_RATE),
        ("rate, limit, funds", at(90_000, 20_001), Sw::FEE_RATE),
        ("payee, amount", burning(0, 1000), Sw::PAYEE),
        ("payee, limit", burning(60_000, 1000), Sw::PAYEE),
        ("payee, funds", burning(49_999, 1000), Sw::PAYEE),
        ("amount, limit", at(MAX_AMOUNT + 1, 1000), Sw::AMOUNT),
        ("amount, cap", at(293, 20_000), Sw::AMOUNT),
        (
            "limit, funds, cap",
            at(50_001, 20_000),
            Sw::OVER_PAYMENT_LIMIT,
        ),
        (
            "limit, cumulative",
            at(50_001, 1000),
            Sw::OVER_PAYMENT_LIMIT,
        ),
        (
            "funds, cap, cumulative",
            at(50_000, 20_000),
            Sw::INSUFFICIENT,
        ),
        ("cap, cumulative", at(42_000, 20_000), Sw::FEE_CAP),
        ("cap", at(1_000, 20_000), Sw::FEE_CAP),
        ("cumulative", at(42_000, 1000), Sw::OVER_CUMULATIVE_LIMIT),
    ];
    let before = ctx.host()?.purse.clone();
    for (what, request, sw) in &cases {
        ctx.expect_refused(request, *sw).at(*what)?;
    }
    ctx.power_cycle()?;
    require!(ctx.host()?.purse == before, "the case's model moved");
    ctx.pay_checked(&at(30_000, 1000))
        .at("after refused payments")
        .map(drop)
}

fn log(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[5_000_000])?;
    let declared = ctx.host()?.capabilities.log;
    require!(
        declared >= 64,
        "a log of {declared} payments is declared; 64 is the least"
    );
    for payment in 1..=declared {
        ctx.pay_checked(&request_of(1_000))
            .at(|| format!("payment {payment} of {declared} declared"))?;
        if payment % 16 == 0 {
            ctx.power_cycle()?;
        }
    }
    let mut stream = ctx.values.stream("more coins");
    let full = |ctx: &mut CaseContext, when: &str| -> Outcome {
        let refusals = [
            (request_of(1_000), Sw::LOG_FULL),
            // The log comes after the amount and before the funds.
            (request_of(2_000_000_000), Sw::LOG_FULL),
            (request_of(1), Sw::AMOUNT),
        ];
        for (request, sw) in refusals {
            ctx.expect_refused(&request, sw).at(when)?;
        }
        Ok(())
    };
    full(ctx, "log full")?;
    ctx.power_cycle()?;
    full(ctx, "log full, after a power cycle")?;
    ctx.fund(&mut stream, &[100_000])?;
    full(ctx, "log full, with new coins")?;
    ctx.expect_ledger("log full")?;
    ctx.note(format!("{declared} payments"));
    Ok(())
}
