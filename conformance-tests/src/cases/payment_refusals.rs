//! What is refused, and in which order: `[PAY-4]` to `[PAY-6]`, `[PAY-8]`.

use super::prelude::*;
use crate::model::{MAX_AMOUNT, dust_threshold, is_permitted};
use bitcoin::ScriptBuf;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-PAY-11",
        version: 1,
        purpose: "The five permitted payee types are taken; scripts of 22 to 42 bytes that are \
                  near one (each fixed byte changed, a byte more or fewer, other witness versions, \
                  OP_RETURN, bare keys) are refused with 9408.",
        requirements: &[req::PAY_5, req::PAY_4],
        start: Start::Funded,
        level: Level::D1,
        defect: "Coins sent to a script that nobody can spend, or anybody.",
        run: payees,
    },
    Case {
        id: "TC-PAY-12",
        version: 1,
        purpose: "For each payee type an amount of its dust threshold is taken and one sat less \
                  refused with 9407, and so are 0 and amounts above 21·10¹⁴ sat.",
        requirements: &[req::PAY_6, req::PAY_4],
        start: Start::Funded,
        level: Level::D1,
        defect: "A payment that no node relays; an amount that overflows.",
        run: dust,
    },
    Case {
        id: "TC-PAY-13",
        version: 1,
        purpose: "Where several refusals apply to one request, the first of the text's order is \
                  answered, for PREVIEW and PAY alike, and nothing changes: payments are as \
                  before. (The log's place in the order is TC-PAY-14's; `6A84` for want of a \
                  change index needs more payments than a log holds.)",
        requirements: &[req::PAY_4],
        start: Start::Own,
        level: Level::D3,
        defect: "Checks in another order; a refused payment that debits.",
        run: order,
    },
    Case {
        id: "TC-PAY-14",
        version: 2,
        purpose: "The log holds as many payments as declared, at least 64: that many are made, \
                  the next one is refused with 9409, also after power cycles and with new coins; \
                  then the owner reads every one of them, and every coin.",
        requirements: &[
            req::PAY_8,
            req::PAY_4,
            req::INF_2,
            req::TX_4,
            req::LOG_1,
            req::IMG_1,
            req::STA_1,
        ],
        start: Start::Own,
        level: Level::D3,
        defect: "A log that wraps round; one that is smaller than declared.",
        run: log,
    },
];

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

fn payees(b: &mut Bench) -> Outcome {
    for (name, payee) in payee::all(b.values.bytes("payee")) {
        let request = Request {
            payee,
            ..request(50_000)
        };
        let plan = b.card.preview_checked(&request).at(|| name.to_owned())?;
        require!(plan.is_ok(), "{name}: the case must have funds");
    }
    let misses = near_misses();
    for payee in &misses {
        let request = Request {
            payee: payee.clone(),
            ..request(50_000)
        };
        b.card.authorise()?;
        b.card
            .preview_answer(&request)?
            .want_bare(Sw::PAYEE, "PREVIEW")
            .at(|| payee.to_hex_string())?;
        b.card.authorise()?;
        b.card
            .pay_answer(&request)?
            .want_bare(Sw::PAYEE, "PAY")
            .at(|| payee.to_hex_string())?;
    }
    b.note(format!("{} scripts near the permitted ones", misses.len()));
    Ok(())
}

fn dust(b: &mut Bench) -> Outcome {
    for (name, payee) in payee::all(b.values.bytes("payee")) {
        let threshold = dust_threshold(payee.as_bytes())
            .ok_or_else(|| Stop::Error(format!("{name} has no dust threshold")))?;
        let at = |amount| Request {
            payee: payee.clone(),
            ..request(amount)
        };
        let plan = b
            .card
            .preview_checked(&at(threshold))
            .at(|| format!("{name}, {threshold} sat"))?;
        require!(plan.is_ok(), "{name}: the case must have funds");
        for amount in [0, 1, threshold - 1, MAX_AMOUNT + 1, 1 << 63, u64::MAX] {
            b.card.authorise()?;
            b.card
                .preview_answer(&at(amount))?
                .want_bare(Sw::AMOUNT, "PREVIEW")
                .at(|| format!("{name}, {amount} sat"))?;
            b.card.authorise()?;
            b.card
                .pay_answer(&at(amount))?
                .want_bare(Sw::AMOUNT, "PAY")
                .at(|| format!("{name}, {amount} sat"))?;
        }
    }
    Ok(())
}

fn order(b: &mut Bench) -> Outcome {
    let limits = Limits {
        per_payment: 50_000,
        cumulative: 60_000,
        fee_cap: 2_000,
        highest_rate: 20_000,
        ..Limits::WIDE
    };
    let profile = b.profile()?.limits(limits);
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[40_000, 30_000])?;
    // Leaves 30 000 and the change of some 19 000; some 39 000 up to the cumulative limit.
    b.card.pay_checked(&request(20_000))?;
    let burnt = ScriptBuf::from_bytes(vec![0x6A; 30]);
    let at = |amount, rate| Request {
        rate,
        ..request(amount)
    };
    let burning = |amount, rate| Request {
        payee: burnt.clone(),
        ..at(amount, rate)
    };
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
    let before = b.card.host()?.purse.clone();
    for (what, request, sw) in &cases {
        let preview = b.card.preview_checked(request).at(|| (*what).to_owned())?;
        require!(
            preview == Err(*sw),
            "{what}: the case expects {sw}, its model {preview:?}"
        );
        b.card.authorise()?;
        b.card
            .pay_answer(request)?
            .want_bare(*sw, "PAY")
            .at(|| (*what).to_owned())?;
    }
    b.card.power_cycle()?;
    require!(b.card.host()?.purse == before, "the case's model moved");
    b.card
        .pay_checked(&at(30_000, 1000))
        .at(|| "after refused payments".to_owned())
        .map(drop)
}

fn log(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[5_000_000])?;
    let declared = b.card.host()?.capabilities.log;
    require!(
        declared >= 64,
        "a log of {declared} payments is declared; 64 is the least"
    );
    for payment in 1..=declared {
        b.card
            .pay_checked(&request(1_000))
            .at(|| format!("payment {payment} of {declared} declared"))?;
        if payment % 16 == 0 {
            b.card.power_cycle()?;
        }
    }
    let mut stream = b.values.stream("more coins");
    let full = |b: &mut Bench, when: &str| -> Outcome {
        let refusals = [
            (request(1_000), Sw::LOG_FULL),
            // The log comes after the amount and before the funds.
            (request(2_000_000_000), Sw::LOG_FULL),
            (request(1), Sw::AMOUNT),
        ];
        for (request, sw) in refusals {
            let preview = b.card.preview_checked(&request).at(|| when.to_owned())?;
            require!(
                preview == Err(sw),
                "{when}: the case expects {sw}, its model {preview:?}"
            );
            b.card.authorise()?;
            b.card
                .pay_answer(&request)?
                .want_bare(sw, "PAY")
                .at(|| when.to_owned())?;
        }
        Ok(())
    };
    full(b, "log full")?;
    b.card.power_cycle()?;
    full(b, "log full, after a power cycle")?;
    b.card.fund(&mut stream, &[100_000])?;
    full(b, "log full, with new coins")?;
    b.card.expect_books("log full")?;
    b.note(format!("{declared} payments"));
    Ok(())
}
