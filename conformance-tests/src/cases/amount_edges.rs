//! Amounts, scripts and limits at the bounds of what there is. Sections 7.1 to 7.3.

use super::prelude::*;
use crate::model::MAX_AMOUNT;
use bitcoin::ScriptBuf;

/// Lengths of a payee script that the request takes.
const LENGTHS: std::ops::RangeInclusive<usize> = 22..=42;

cases! {
    "TC-PAY-22" version 1 on Own D3 for [PAY_4 LIM_1 TX_1 TX_3] runs all_money:
        "With two coins of 21·10¹⁴ sat and limits of as much, an amount of one sat more is refused \
         with 9407, one of as much with 9404, for the fee goes beyond the sum, and the highest \
         amount that its fee leaves is paid."
        catches "A bound on amounts that is off by one, or that comes before the owner's limit.";
    "TC-PAY-23" version 1 on Own D3 for [PAY_5 PAY_4 FRM_8] runs script_lengths:
        "Payee scripts of every length from 22 to 42 bytes that are of no permitted type (data, \
         other witness versions, a permitted script with a byte more or less) are refused with \
         9408; those of 21 and 43 bytes can't be decoded (6A80), without a PIN too."
        catches "A script that a length alone decides on.";
    "TC-LIM-09" version 1 on Own D3 for [LIM_1 LIM_3 LIM_4 ISS_1] runs limits_at_bounds:
        "Limits at every bound at once, the highest and the lowest, are taken by ISSUE and by SET \
         LIMITS, and read back; each of the least ones one lower, and each amount one sat above \
         21·10¹⁴, is refused with 6A80 and changes nothing."
        catches "A bound that is off by one: limits that no owner can set.";
}

fn all_money(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[MAX_AMOUNT, MAX_AMOUNT])?;
    ctx.expect_refused(&request_of(MAX_AMOUNT + 1), Sw::AMOUNT)
        .at("one sat more than there is")?;
    ctx.expect_refused(&request_of(MAX_AMOUNT), Sw::OVER_CUMULATIVE_LIMIT)
        .at("all that there is")?;
    // One coin makes the payment, without change; for one sat more it takes both.
    let fee = crate::model::fee(1, 22, false, 1_000);
    ctx.expect_refused(&request_of(MAX_AMOUNT - fee + 1), Sw::OVER_CUMULATIVE_LIMIT)
        .at("all but the fee, and one sat")?;
    ctx.pay_checked(&request_of(MAX_AMOUNT - fee))
        .at("all but the fee")?;
    ctx.expect_ledger("after the payment")
}

fn script_lengths(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000])?;
    for length in LENGTHS {
        let push = length as u8 - 2;
        let witness = [0x52, push];
        let data = [0x6A, push];
        for start in [witness, data, [0x76, 0xA9], [0x51, 0x21], [0x00, 0x13]] {
            let mut script = vec![0x14; length];
            script[..2].copy_from_slice(&start);
            let request = request_of(20_000).payee(ScriptBuf::from_bytes(script));
            ctx.expect_refused(&request, Sw::PAYEE)
                .at(|| format!("{length} bytes that begin with {}", hex::encode(start)))?;
        }
    }
    let around = [LENGTHS.start() - 1, LENGTHS.end() + 1];
    for length in around {
        let request = request_of(20_000).payee(ScriptBuf::from_bytes(vec![0x51; length]));
        for with_pin in [false, true] {
            if with_pin {
                ctx.authorise()?;
            }
            ctx.preview_answer(&request)?
                .want_bare(Sw::WRONG_DATA, "PREVIEW")
                .at(|| format!("a script of {length} bytes"))?;
            ctx.pay_answer(&request)?
                .want_bare(Sw::WRONG_DATA, "PAY")
                .at(|| format!("a script of {length} bytes"))?;
        }
        ctx.expect_authorised(true, "after what can't be decoded")?;
    }
    ctx.pay_checked(&request_of(20_000)).map(drop)
}

/// The highest of each limit, and the lowest.
fn bounds() -> [(&'static str, Limits); 3] {
    let highest = Limits::WIDE
        .highest_rate(u32::MAX)
        .least_rate(u32::MAX)
        .least_coin(u32::MAX)
        .without_pin(MAX_AMOUNT)
        .payments_without_pin(u16::MAX);
    let lowest = Limits {
        per_payment: 0,
        cumulative: 0,
        payments: 0,
        fee_cap: 0,
        least_rate: 100,
        highest_rate: 100,
        least_coin: 330,
        without_pin: 0,
        payments_without_pin: 0,
    };
    let apart = lowest.highest_rate(u32::MAX);
    [
        ("the highest", highest),
        ("the lowest", lowest),
        ("rates apart", apart),
    ]
}

/// Limits that are one beyond a bound.
fn beyond() -> [(&'static str, Limits); 7] {
    let lowest = bounds()[1].1;
    let much = MAX_AMOUNT + 1;
    [
        ("the least rate", lowest.least_rate(99)),
        ("rates that cross", lowest.least_rate(101)),
        ("the least coin", lowest.least_coin(329)),
        ("per payment", lowest.per_payment(much)),
        ("in sum", lowest.cumulative(much)),
        ("the fee cap", lowest.fee_cap(much)),
        ("without PIN", lowest.without_pin(much)),
    ]
}

fn limits_at_bounds(ctx: &mut CaseContext) -> Outcome {
    let profile = ctx.profile()?;
    for (name, limits) in bounds() {
        if name != "the highest" {
            ctx.fresh_card()?;
        }
        let own = ctx
            .declared_part(&profile.clone().limits(limits))
            .preamble()?;
        ctx.issue(&own).at(|| format!("ISSUE with {name}"))?;
        ctx.expect_limits(name)?;
        for (other, limits) in bounds() {
            let limits = match ctx.has(Capability::WithoutPin)? {
                true => limits,
                false => limits.without_pin(0).payments_without_pin(0),
            };
            ctx.set_limits(limits)
                .at(|| format!("SET LIMITS to {other}"))?;
            ctx.expect_limits(other)?;
        }
    }
    for (name, limits) in beyond() {
        ctx.set_limits_answer(&limits)?
            .want_bare(Sw::WRONG_DATA, "SET LIMITS beyond a bound")
            .at(name)?;
        ctx.expect_limits(name)?;
    }
    Ok(())
}
