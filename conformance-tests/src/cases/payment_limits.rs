//! The owner's limits: `[PAY-4]`.

use super::prelude::*;
use crate::model::fee;

/// Length of a P2WPKH script.
const P2WPKH: u64 = 22;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-PAY-07",
        version: 1,
        purpose: "Fee rates of 100 sat/kvB and of the highest one are taken, 99 and one above the \
                  highest are refused with 9405, and so are 0 and 2³² − 1.",
        requirements: &[req::PAY_4],
        start: Start::Own,
        level: Level::D3,
        defect: "A till that burns the card's coins as fees; a rate of zero.",
        run: fee_rate,
    },
    Case {
        id: "TC-PAY-08",
        version: 1,
        purpose: "An amount equal to the per-payment limit is taken, one sat more is refused with \
                  9403, with and without a PREVIEW before it.",
        requirements: &[req::PAY_4],
        start: Start::Own,
        level: Level::D3,
        defect: "Limit checked in PREVIEW alone; off by one.",
        run: per_payment,
    },
    Case {
        id: "TC-PAY-09",
        version: 1,
        purpose: "A fee equal to the cap is taken, one sat more is refused with 9406: a fee by \
                  rate, and one that change below dust makes.",
        requirements: &[req::PAY_4, req::TX_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A cap on the reckoned fee only, past which leftover change goes.",
        run: fee_cap,
    },
    Case {
        id: "TC-PAY-10",
        version: 1,
        purpose: "Amounts and fees of all payments add up, over power cycles: a payment that \
                  reaches the cumulative limit to the sat is taken, one sat more is refused with \
                  9404; refused payments add nothing; at the limit the smallest payment is \
                  refused, after power cycles and new coins too.",
        requirements: &[req::PAY_4, req::PAY_7, req::NVM_2],
        start: Start::Own,
        level: Level::D3,
        defect: "A sum in RAM, or without the fees; one that new coins or refusals change.",
        run: cumulative,
    },
];

/// PREVIEW and PAY must both refuse.
fn refused(b: &mut Bench, request: &Request, sw: Sw, what: &str) -> Outcome {
    let preview = b.card.preview_checked(request).at(|| what.to_owned())?;
    require!(
        preview == Err(sw),
        "{what}: the case expects {sw}, its model {preview:?}"
    );
    b.card.authorise()?;
    b.card
        .pay_answer(request)?
        .want_bare(sw, "PAY")
        .at(|| what.to_owned())
}

fn issue(b: &mut Bench, limits: Limits, amounts: &[u64]) -> Outcome {
    let profile = b.profile()?.limits(limits);
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, amounts)
}

fn fee_rate(b: &mut Bench) -> Outcome {
    issue(
        b,
        Limits {
            highest_rate: 12_345,
            ..Limits::WIDE
        },
        &[900_000, 800_000],
    )?;
    for rate in [0, 1, 99, 12_346, 100_000, u32::MAX] {
        let request = Request {
            rate,
            ..request(10_000)
        };
        refused(b, &request, Sw::FEE_RATE, &format!("{rate} sat/kvB"))?;
    }
    for rate in [100, 12_345] {
        b.card
            .pay_checked(&Request {
                rate,
                ..request(10_000)
            })
            .at(|| format!("{rate} sat/kvB"))?;
    }
    Ok(())
}

fn per_payment(b: &mut Bench) -> Outcome {
    issue(
        b,
        Limits {
            per_payment: 77_777,
            ..Limits::WIDE
        },
        &[200_000, 150_000],
    )?;
    for amount in [77_778, 80_000, 200_000, 10_000_000] {
        refused(
            b,
            &request(amount),
            Sw::OVER_PAYMENT_LIMIT,
            &format!("{amount} sat"),
        )?;
    }
    b.card.pay_checked(&request(77_777))?;
    b.card.power_cycle()?;
    refused(
        b,
        &request(77_778),
        Sw::OVER_PAYMENT_LIMIT,
        "after a payment at the limit",
    )?;
    let request = request(77_777);
    b.card
        .preview_checked(&request)?
        .map_err(|sw| Stop::Error(format!("refused with {sw}")))?;
    let answer = b.card.pay_answer(&request)?;
    b.card.paid(&request, answer).map(drop)
}

fn fee_cap(b: &mut Bench) -> Outcome {
    let cap = fee(1, P2WPKH, true, 5_000);
    issue(
        b,
        Limits {
            fee_cap: cap,
            ..Limits::WIDE
        },
        &[100_000, 90_000, 80_000],
    )?;
    // One more sat/kvB need not make one more sat: take the first rate that does.
    let above = (5_001..)
        .find(|rate| fee(1, P2WPKH, true, *rate) > cap)
        .ok_or_else(|| Stop::Error("no rate is above the cap".to_owned()))?;
    let at = |rate| Request {
        rate,
        ..request(20_000)
    };
    refused(b, &at(above), Sw::FEE_CAP, "a rate above the cap")?;
    b.card
        .pay_checked(&at(5_000))
        .at(|| "a fee equal to the cap".to_owned())?;

    // Without change: 90 000 sat less the amount is the fee.
    let slack = |fee: u64| Request {
        rate: 4_000,
        ..request(90_000 - fee)
    };
    for (fee, taken) in [(cap + 1, false), (cap, true)] {
        let request = slack(fee);
        if taken {
            let plan = b.card.plan(&request)?;
            require!(
                plan.change == 0 && plan.fee == cap,
                "the case needs a payment without change"
            );
            b.card
                .pay_checked(&request)
                .at(|| "leftover equal to the cap".to_owned())?;
        } else {
            refused(b, &request, Sw::FEE_CAP, "leftover above the cap")?;
        }
    }
    Ok(())
}

fn cumulative(b: &mut Bench) -> Outcome {
    let limit = 100_000;
    issue(
        b,
        Limits {
            cumulative: limit,
            ..Limits::WIDE
        },
        &[70_000, 60_000, 50_000],
    )?;
    b.card.pay_checked(&request(30_000))?;
    b.card.power_cycle()?;
    // Refused payments add nothing.
    for _ in 0..5 {
        refused(
            b,
            &request(90_000),
            Sw::OVER_CUMULATIVE_LIMIT,
            "far over the limit",
        )?;
    }
    b.card.pay_checked(&request(25_000))?;
    b.card.power_cycle()?;
    let left = limit - b.card.host()?.purse.spent;
    // The coins at hand make a payment of one input with change.
    let most = left - fee(1, P2WPKH, true, 1000);
    refused(
        b,
        &request(most + 1),
        Sw::OVER_CUMULATIVE_LIMIT,
        "one sat over the limit",
    )?;
    b.card.power_cycle()?;
    b.card
        .pay_checked(&request(most))
        .at(|| "reaching the limit to the sat".to_owned())?;
    require!(
        b.card.host()?.purse.spent == limit,
        "the case must reach the limit"
    );
    let mut stream = b.values.stream("more coins");
    b.card.fund(&mut stream, &[500_000])?;
    for when in ["at once", "after a power cycle", "after another"] {
        refused(b, &request(294), Sw::OVER_CUMULATIVE_LIMIT, when)?;
        b.card.power_cycle()?;
    }
    Ok(())
}
