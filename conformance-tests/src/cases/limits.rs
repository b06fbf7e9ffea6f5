//! The owner's limits and SET LIMITS. Sections 7.1 and 8.3.

use super::issuing::bad_limits;
use super::prelude::*;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-LIM-01",
        version: 1,
        purpose: "SET LIMITS with each limit that the text doesn't permit is refused with 6A80 \
                  and changes nothing.",
        requirements: &[req::LIM_1, req::LIM_3],
        start: Start::Funded,
        level: Level::D1,
        defect: "Limits that overflow, or that let a card burn its coins as fees.",
        run: impossible,
    },
    Case {
        id: "TC-LIM-02",
        version: 1,
        purpose: "The counters start at zero, rise by each payment's amount and fee and by one, \
                  and by nothing else: not by previews, refused payments, payments given again, \
                  ancestors, reports, entries, acknowledgement, wrong PINs or power cycles; none \
                  of them lets one fall.",
        requirements: &[req::LIM_2, req::PAY_7, req::LOG_2, req::IMG_3],
        start: Start::Own,
        level: Level::D3,
        defect: "A counter that a power cut or a refused payment sets back.",
        run: counters,
    },
    Case {
        id: "TC-LIM-03",
        version: 2,
        purpose: "SET LIMITS is refused with 6985 while any payment isn't acknowledged, limits that \
                  the text doesn't permit included, and then replaces every limit and zeroes the counters, at once and after a power cut \
                  right after its answer: a card at its cumulative limit and its number of \
                  payments pays again, within the new limits and no further.",
        requirements: &[req::LIM_3, req::LIM_2, req::NVM_1, req::NVM_3],
        start: Start::Own,
        level: Level::D3,
        defect: "Limits renewed before the owner saw what was spent; an old limit left standing.",
        run: renewed,
    },
    Case {
        id: "TC-PAY-15",
        version: 1,
        purpose: "The number of payments is reached: as many as the owner allowed are made, the \
                  next is refused with 9411, PREVIEW and PAY, over power cycles and with new \
                  coins; a number of 0 allows none. A fee rate equal to the least is taken, one \
                  below refused with 9405.",
        requirements: &[req::PAY_4, req::LIM_2],
        start: Start::Own,
        level: Level::D3,
        defect: "A count in RAM; a payment that no node relays, below the owner's least rate.",
        run: number_and_least_rate,
    },
];

fn impossible(b: &mut Bench) -> Outcome {
    for (name, limits) in bad_limits() {
        b.card
            .set_limits_answer(&limits)?
            .want_bare(Sw::WRONG_DATA, "SET LIMITS")
            .at(|| name.to_owned())?;
    }
    b.card.expect_books("after refused limits")?;
    b.card
        .preview_checked(&Request {
            rate: 1_000_000,
            ..request(10_000)
        })
        .map(drop)
}

fn counters(b: &mut Bench) -> Outcome {
    let limits = Limits {
        per_payment: 60_000,
        ..Limits::WIDE
    };
    let profile = b.profile()?.limits(limits);
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[90_000, 80_000, 70_000])?;
    b.card.expect_books("before any payment")?;
    let kept = request(10_000);
    let txid = b.card.pay_checked(&kept)?.txid;
    b.card.expect_books("after a payment")?;

    b.card.preview_checked(&request(20_000))?.ok();
    b.card.expect_books("after a preview")?;
    let over = b.card.preview_checked(&request(60_001))?;
    require!(
        over == Err(Sw::OVER_PAYMENT_LIMIT),
        "the case needs a refusal"
    );
    b.card.authorise()?;
    b.card
        .pay_answer(&request(60_001))?
        .want_bare(Sw::OVER_PAYMENT_LIMIT, "PAY")?;
    b.card.expect_books("after refused payments")?;
    let answer = b.card.pay_answer(&kept)?;
    b.card.paid_again(&kept, answer)?;
    b.card.expect_books("after a payment given again")?;
    let plan = b
        .card
        .preview_checked(&request(60_000))?
        .map_err(|sw| Stop::Error(format!("refused with {sw}")))?;
    if plan.inputs.iter().any(|coin| coin.txid == txid) {
        b.card.ancestor(&kept)?;
    }
    b.card.report(&plan.inputs[0])?;
    b.card.expect_books("after a report")?;
    b.card.acknowledge(1, 0)?;
    b.card.expect_books("after the log was acknowledged")?;
    b.card.verify_wrong(2)?;
    b.card.fund(&mut stream, &[40_000])?;
    b.card.power_cycle()?;
    b.card.expect_books("after a power cycle")?;
    b.card.pay_checked(&request(30_000))?;
    b.card.pay_checked(&Request {
        rate: 7_777,
        ..request(500)
    })?;
    b.card.expect_books("after three payments")
}

/// A preview must be refused so.
fn refused(b: &mut Bench, request: &Request, sw: Sw, when: &str) -> Outcome {
    let preview = b.card.preview_checked(request).at(|| when.to_owned())?;
    require!(
        preview == Err(sw),
        "{when}: the case expects {sw}, its model {preview:?}"
    );
    b.card.authorise()?;
    b.card
        .pay_answer(request)?
        .want_bare(sw, "PAY")
        .at(|| when.to_owned())
}

fn renewed(b: &mut Bench) -> Outcome {
    let first = Limits {
        per_payment: 30_000,
        cumulative: 60_000,
        payments: 2,
        fee_cap: 5_000,
        highest_rate: 10_000,
        ..Limits::WIDE
    };
    let profile = b.profile()?.limits(first);
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[90_000, 80_000, 70_000])?;
    b.card.pay_checked(&request(29_000))?;
    b.card.pay_checked(&request(29_000))?;
    refused(b, &request(1_000), Sw::COUNT, "at the number of payments")?;
    let second = Limits {
        per_payment: 20_000,
        cumulative: 21_000,
        payments: 5,
        fee_cap: 600,
        least_rate: 2_000,
        highest_rate: 4_000,
        least_coin: 50_000,
        without_pin: 0,
        payments_without_pin: 3,
    };
    for seen in [0, 1] {
        if seen > 0 {
            b.card.acknowledge(seen, 0)?;
        }
        b.card
            .set_limits_answer(&second)?
            .want_bare(Sw::CONDITIONS, "SET LIMITS with a payment not acknowledged")
            .at(|| format!("{seen} of 2 acknowledged"))?;
        for (name, limits) in bad_limits() {
            b.card
                .set_limits_answer(&limits)?
                .want_bare(Sw::CONDITIONS, "SET LIMITS with a payment not acknowledged")
                .at(|| format!("{seen} of 2 acknowledged, {name}"))?;
        }
        b.card.expect_books("after SET LIMITS was refused")?;
    }
    b.card.acknowledge(2, 1)?;
    b.card.set_limits(second)?;
    b.card.power_cycle()?;
    b.card.expect_books("after SET LIMITS and a power cut")?;
    let at = |amount, rate| Request {
        rate,
        ..request(amount)
    };
    for (request, sw) in [
        (at(1_000, 1_999), Sw::FEE_RATE),
        (at(1_000, 4_001), Sw::FEE_RATE),
        (at(20_001, 2_000), Sw::OVER_PAYMENT_LIMIT),
        (at(5_000, 4_000), Sw::FEE_CAP),
    ] {
        let expected = b.card.expectation(&request)?;
        if expected == Err(sw) {
            refused(b, &request, sw, "with the new limits")?;
        } else {
            require!(
                sw == Sw::FEE_CAP,
                "the case expects {sw}, its model {expected:?}"
            );
        }
    }
    let (low, bytes) = b.card.coin_at(&mut stream, 49_999, 4)?;
    b.card
        .enter_answer(&low, &bytes)?
        .want_bare(Sw::COIN_DUST, "ENTER COIN below the new least coin")?;
    b.card.pay_checked(&at(20_000, 2_000))?;
    refused(
        b,
        &at(5_000, 2_000),
        Sw::OVER_CUMULATIVE_LIMIT,
        "at the new cumulative limit",
    )?;
    b.card
        .set_limits_answer(&first)?
        .want_bare(Sw::CONDITIONS, "SET LIMITS after another payment")?;
    b.card.acknowledge(3, 3)?;
    b.card.set_limits(first)?;
    b.card.pay_checked(&request(30_000))?;
    b.card.expect_books("after limits were set twice")
}

fn number_and_least_rate(b: &mut Bench) -> Outcome {
    let limits = Limits {
        payments: 3,
        least_rate: 1_500,
        ..Limits::WIDE
    };
    let profile = b.profile()?.limits(limits);
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[90_000, 80_000])?;
    let at = |rate| Request {
        rate,
        ..request(2_000)
    };
    for rate in [0, 100, 1_000, 1_499] {
        refused(b, &at(rate), Sw::FEE_RATE, "below the least rate")?;
    }
    for _ in 0..3 {
        b.card.pay_checked(&at(1_500))?;
        b.card.power_cycle()?;
    }
    for when in ["after three payments", "after a power cycle", "later"] {
        refused(b, &at(1_500), Sw::COUNT, when)?;
        b.card.power_cycle()?;
        b.card.fund(&mut stream, &[50_000])?;
    }
    b.card.expect_books("at the number of payments")?;
    b.card.acknowledge(3, 0)?;
    b.card.set_limits(Limits {
        payments: 0,
        ..limits
    })?;
    refused(b, &at(1_500), Sw::COUNT, "a number of 0")
}
