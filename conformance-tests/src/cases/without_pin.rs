//! Payments without PIN. Section 7.6.

use super::prelude::*;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-NOP-01",
        version: 1,
        purpose: "Where the owner allows it, PAY without PIN pays up to the amount and the number \
                  allowed, each counted and logged as made without PIN, over power cycles; one \
                  sat more, one payment more, or a blocked PIN, is refused with 6982. Payments \
                  with PIN are neither bounded nor counted by it, and PREVIEW needs the PIN.",
        requirements: &[req::NOP_1, req::NOP_2, req::LOG_1, req::LIM_2, req::PAY_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A lost card that pays without end, or more than its owner risks.",
        run: allowed,
    },
    Case {
        id: "TC-NOP-02",
        version: 1,
        purpose: "PAY without PIN is bounded by all other limits, in their order, is refused with \
                  6982 when amount or number allowed is 0, and after a PREVIEW of another request; \
                  SET LIMITS switches it on and off and begins the count anew.",
        requirements: &[req::NOP_1, req::NOP_2, req::LIM_3, req::PAY_2, req::PAY_4],
        start: Start::Own,
        level: Level::D3,
        defect: "A second set of limits beside the owner's.",
        run: bounded,
    },
];

fn issue(b: &mut Bench, limits: Limits) -> Outcome {
    let profile = b.profile()?.limits(limits);
    b.issue(&profile)?;
    b.card.host()?.capabilities.needs(Capability::WithoutPin)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[90_000, 80_000, 70_000])
}

fn paid(b: &mut Bench, request: &Request) -> Outcome {
    let answer = b.card.pay_answer(request)?;
    b.card.paid_as(request, answer, true).map(drop)
}

fn refused(b: &mut Bench, amount: u64, when: &str) -> Outcome {
    b.card
        .pay_answer(&request(amount))?
        .want_bare(Sw::SECURITY, "PAY without PIN")
        .at(|| format!("{amount} sat, {when}"))
}

fn allowed(b: &mut Bench) -> Outcome {
    issue(
        b,
        Limits {
            without_pin: 5_000,
            payments_without_pin: 3,
            ..Limits::WIDE
        },
    )?;
    refused(b, 5_001, "over the amount")?;
    refused(b, u64::MAX, "far over the amount")?;
    b.card
        .preview_answer(&request(1_000))?
        .want_bare(Sw::SECURITY, "PREVIEW without PIN")?;
    paid(b, &request(5_000)).at(|| "the highest amount".to_owned())?;
    b.card.expect_books("after one without PIN")?;
    b.card.power_cycle()?;
    b.card.verify_wrong(2)?;
    paid(b, &request(600)).at(|| "after a wrong PIN".to_owned())?;
    b.card.pay_checked(&request(4_000))?;
    b.card.pay_checked(&request(50_000))?;
    b.card.expect_books("after two without PIN and two with")?;
    paid(b, &request(1_000))?;
    for when in ["after three", "after a power cycle", "after another"] {
        refused(b, 600, when)?;
        b.card.power_cycle()?;
    }
    b.card.pay_checked(&request(4_000))?;
    b.card.expect_books("at the number without PIN")?;
    b.card.acknowledge(6, 0)?;
    b.card.set_limits(Limits {
        without_pin: 5_000,
        payments_without_pin: 1,
        ..Limits::WIDE
    })?;
    for left in [2, 1, 0] {
        b.card.verify_wrong(left)?;
    }
    refused(b, 600, "with the PIN blocked")?;
    b.card.power_cycle()?;
    refused(b, 600, "with the PIN blocked, after a power cycle")?;
    b.card.expect_books("with the PIN blocked")
}

fn bounded(b: &mut Bench) -> Outcome {
    let limits = Limits {
        per_payment: 4_000,
        cumulative: 20_000,
        fee_cap: 1_000,
        highest_rate: 20_000,
        without_pin: 5_000,
        payments_without_pin: 100,
        payments: 4,
        ..Limits::WIDE
    };
    issue(b, limits)?;
    let at = |amount, rate| Request {
        rate,
        ..request(amount)
    };
    for (request, sw) in [
        (at(4_001, 1_000), Sw::OVER_PAYMENT_LIMIT),
        (at(1_000, 99), Sw::FEE_RATE),
        (at(1_000, 20_001), Sw::FEE_RATE),
        (at(1_000, 20_000), Sw::FEE_CAP),
        (at(200, 1_000), Sw::AMOUNT),
        (
            Request {
                merchant: vec![0x0A],
                ..at(1_000, 1_000)
            },
            Sw::WRONG_DATA,
        ),
        (
            Request {
                unrooted: true,
                ..at(1_000, 1_000)
            },
            Sw::INSUFFICIENT,
        ),
    ] {
        let expected = b.card.expectation(&request)?;
        require!(
            expected == Err(sw),
            "the case expects {sw}, its model {expected:?}"
        );
        b.card
            .pay_answer(&request)?
            .want_bare(sw, "PAY without PIN")?;
    }
    b.card.expect_books("after refused payments")?;
    // With the PIN and a preview it is that payment or none; after it the PIN is gone.
    b.card.preview_checked(&request(1_000))?.ok();
    refused(b, 1_001, "after a PREVIEW of another request")?;
    b.card.expect_authorised(false, "after another request")?;
    for _ in 0..4 {
        paid(b, &request(3_000))?;
    }
    let fifth = request(300);
    let expected = b.card.expectation(&fifth)?;
    require!(
        expected == Err(Sw::COUNT),
        "the case expects 9411, its model {expected:?}"
    );
    b.card
        .pay_answer(&fifth)?
        .want_bare(Sw::COUNT, "PAY without PIN")?;
    let mut payments = 4;
    for (without_pin, payments_without_pin, pays) in [
        (0, 3, false),
        (5_000, 0, false),
        (0, 0, false),
        (2_000, 1, true),
    ] {
        b.card.acknowledge(payments, 0)?;
        b.card.set_limits(Limits {
            without_pin,
            payments_without_pin,
            ..limits
        })?;
        if pays {
            paid(b, &request(2_000))?;
            payments += 1;
        }
        for amount in [300, 2_000, 4_000] {
            refused(b, amount, "switched off, or used up")?;
        }
        b.card.pay_checked(&request(1_000))?;
        payments += 1;
    }
    b.card.expect_books("after all")
}
