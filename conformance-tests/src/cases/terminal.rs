//! What a terminal tries that knows the PIN. Sections 7.2 and 7.3.

use super::prelude::*;
use crate::model::{MAX_AMOUNT, Place, is_printable};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-PAY-16",
        version: 1,
        purpose: "Merchants that aren't well-formed UTF-8 (lone and overlong bytes, surrogates, \
                  beyond U+10FFFF, cut short) or hold a control, formatting or bidirectional \
                  character, first, middle or last, are refused with 6A80; the characters beside \
                  those ranges, and 32 bytes of any script, are taken.",
        requirements: &[req::PAY_9, req::PAY_4],
        start: Start::Funded,
        level: Level::D1,
        defect: "A name that rewrites the amount beside it on the owner's screen.",
        run: merchants,
    },
    Case {
        id: "TC-PAY-17",
        version: 1,
        purpose: "A payee script that is an input's, the change's, or the one that RECEIVE SCRIPT \
                  would answer is refused with 9408, PREVIEW and PAY, and the next ones as they \
                  move on; another's taproot script is taken.",
        requirements: &[req::PAY_10, req::PAY_4],
        start: Start::Own,
        level: Level::D3,
        defect: "A payment to the card itself that uses up limits and fees, or takes a place that \
                 the owner looks for coins at.",
        run: own_scripts,
    },
    Case {
        id: "TC-PAY-18",
        version: 1,
        purpose: "A terminal with the PIN tries amounts that overflow, absurd fee rates up and \
                  down, amounts over the coins, dust, payees that nobody or anybody can spend, \
                  second payments, second previews, entries at indexes ahead and behind, of spent \
                  and of invented coins, and the owner's commands: each is refused with its \
                  status word, and image and log are as before.",
        requirements: &[
            req::PAY_2,
            req::PAY_3,
            req::PAY_4,
            req::OWN_2,
            req::ENT_6,
            req::LIM_2,
            req::CRE_1,
        ],
        start: Start::Own,
        level: Level::D3,
        defect: "Whatever lets a terminal have more than its one payment.",
        run: cheating_terminal,
    },
    Case {
        id: "TC-PAY-19",
        version: 1,
        purpose: "The identity of a kept payment with any other request is refused with 9412, and \
                  by PREVIEW with the same one too; nothing changes; when the payment is kept no \
                  longer the identity is as good as any.",
        requirements: &[req::PAY_4, req::REC_1, req::ACK_1],
        start: Start::Own,
        level: Level::D3,
        defect: "Two payments that the log can't tell apart; one given for another.",
        run: identities,
    },
];

/// Bytes that are no UTF-8, and characters that may not be.
fn bad_merchants() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        &[0x80][..],
        &[0xBF],
        &[0xC0, 0x80],
        &[0xC1, 0xBF],
        &[0xC3],
        &[0xC3, 0x28],
        &[0xE0, 0x80, 0x80],
        &[0xE0, 0x9F, 0xBF],
        &[0xE2, 0x82],
        &[0xED, 0xA0, 0x80],
        &[0xED, 0xBF, 0xBF],
        &[0xF0, 0x80, 0x80, 0x80],
        &[0xF0, 0x8F, 0xBF, 0xBF],
        &[0xF0, 0x9F, 0x8D],
        &[0xF4, 0x90, 0x80, 0x80],
        &[0xF5, 0x80, 0x80, 0x80],
        &[0xF8, 0x88, 0x80, 0x80, 0x80],
        &[0xFE],
        &[0xFF],
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    let ranges = [
        0x0000..=0x001F,
        0x007F..=0x009F,
        0x200B..=0x200F,
        0x2028..=0x202E,
        0x2060..=0x206F,
        0xFEFF..=0xFEFF,
        0xFFF9..=0xFFFB,
    ];
    for character in ranges.into_iter().flatten().filter_map(char::from_u32) {
        all.push(character.to_string().into_bytes());
    }
    all
}

fn good_merchants() -> Vec<Vec<u8>> {
    let beside = [
        0x20, 0x7E, 0xA0, 0x200A, 0x2010, 0x2027, 0x202F, 0x205F, 0x2070, 0xD7FF, 0xE000, 0xFEFE,
        0xFF00, 0xFFF8, 0xFFFC, 0xFFFD, 0x1_0000, 0x10_FFFF,
    ];
    let mut all: Vec<Vec<u8>> = (beside.into_iter().filter_map(char::from_u32))
        .map(|character| format!("a{character}b").into_bytes())
        .collect();
    for text in [
        "",
        "Bäckerei Œuvre",
        "שלום חלב",
        "牛乳と卵の店",
        "🥛🥚🧀🍞🥐🥨🧇🥞",
        "abcdefghijklmnopqrstuvwxyz012345",
    ] {
        all.push(text.as_bytes().to_vec());
    }
    all
}

fn merchants(b: &mut Bench) -> Outcome {
    let with = |merchant: Vec<u8>| Request {
        merchant,
        ..request(10_000)
    };
    for merchant in good_merchants() {
        require!(
            is_printable(&merchant),
            "the case's model refuses {merchant:02X?}"
        );
        let taken = b
            .card
            .preview_checked(&with(merchant.clone()))
            .at(|| format!("merchant {merchant:02X?}"))?;
        require!(taken.is_ok(), "the case must have funds");
    }
    let bad = bad_merchants();
    for merchant in &bad {
        require!(
            !is_printable(merchant),
            "the case's model takes {merchant:02X?}"
        );
        let around = [&b"ab"[..], merchant, b"c"].concat();
        let last = [&b"Milk "[..], merchant].concat();
        for merchant in [merchant.clone(), around, last] {
            let place = || format!("merchant {merchant:02X?}");
            let request = with(merchant.clone());
            b.card.authorise()?;
            b.card
                .preview_answer(&request)?
                .want_bare(Sw::WRONG_DATA, "PREVIEW")
                .at(place)?;
            b.card.authorise()?;
            b.card
                .pay_answer(&request)?
                .want_bare(Sw::WRONG_DATA, "PAY")
                .at(place)?;
        }
    }
    b.note(format!("{} merchants refused, three ways each", bad.len()));
    Ok(())
}

fn own_scripts(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[60_000, 50_000, 40_000])?;
    for round in 0..3 {
        let account = b.card.host()?.account.clone();
        let plan = b.card.plan(&request(20_000))?;
        let (next, input) = (b.card.host()?.purse.next_receive, &plan.inputs[0]);
        for (what, payee) in [
            ("the next receive script", account.script(0, next)?),
            ("the change script", account.script(1, plan.change_index)?),
            (
                "the script of an input",
                account.script(input.chain, input.index)?,
            ),
        ] {
            let place = || format!("round {round}, {what}");
            let request = Request {
                payee,
                ..request(20_000)
            };
            let preview = b.card.preview_checked(&request).at(place)?;
            require!(
                preview == Err(Sw::PAYEE),
                "{}: the case expects 9408, its model {preview:?}",
                place()
            );
            b.card.authorise()?;
            b.card
                .pay_answer(&request)?
                .want_bare(Sw::PAYEE, "PAY")
                .at(place)?;
        }
        b.card.expect_books("after refused payees")?;
        b.card.pay_checked(&Request {
            payee: payee::p2tr(b.values.bytes("payee")),
            ..request(20_000)
        })?;
        let mut stream = b.values.stream(&format!("coin {round}"));
        b.card.fund(&mut stream, &[45_000])?;
    }
    Ok(())
}

fn cheating_terminal(b: &mut Bench) -> Outcome {
    let limits = Limits {
        per_payment: 40_000,
        cumulative: 90_000,
        payments: 3,
        fee_cap: 3_000,
        least_rate: 1_000,
        highest_rate: 20_000,
        ..Limits::WIDE
    };
    let profile = b.profile()?.limits(limits);
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[60_000, 50_000])?;
    let paid = request(20_000);
    b.card.pay_checked(&paid)?;
    let spent = b.card.logged(&paid)?.plan.inputs[0].clone();

    let at = |amount, rate| Request {
        rate,
        ..request(amount)
    };
    let to = |script: Vec<u8>| Request {
        payee: script.into(),
        ..request(10_000)
    };
    let tries = [
        (
            "over the per-payment limit",
            at(40_001, 1_000),
            Sw::OVER_PAYMENT_LIMIT,
        ),
        ("all of the card", at(89_000, 1_000), Sw::OVER_PAYMENT_LIMIT),
        ("2^63", at(1 << 63, 1_000), Sw::AMOUNT),
        ("2^64 - 1", at(u64::MAX, 1_000), Sw::AMOUNT),
        ("2^64 less the fee", at(u64::MAX - 141, 1_000), Sw::AMOUNT),
        ("over 21e14", at(MAX_AMOUNT + 1, 1_000), Sw::AMOUNT),
        ("nothing", at(0, 1_000), Sw::AMOUNT),
        ("dust", at(293, 1_000), Sw::AMOUNT),
        ("no fee", at(10_000, 0), Sw::FEE_RATE),
        ("hardly a fee", at(10_000, 999), Sw::FEE_RATE),
        ("a huge fee", at(10_000, u32::MAX), Sw::FEE_RATE),
        ("a high fee", at(10_000, 20_001), Sw::FEE_RATE),
        ("OP_RETURN", to(vec![0x6A; 22]), Sw::PAYEE),
        ("anyone can spend", to(vec![0x51; 22]), Sw::PAYEE),
        (
            "witness version 2",
            to([&[0x52, 0x20][..], &[7; 32]].concat()),
            Sw::PAYEE,
        ),
        (
            "a hidden name",
            Request {
                merchant: "Milk\u{202E}klim".into(),
                ..request(10_000)
            },
            Sw::WRONG_DATA,
        ),
        (
            "another payment's identity",
            Request {
                identity: paid.identity,
                ..request(10_000)
            },
            Sw::IDENTITY,
        ),
        (
            "credits that aren't there",
            Request {
                unrooted: true,
                ..request(10_000)
            },
            Sw::INSUFFICIENT,
        ),
    ];
    for (what, request, sw) in &tries {
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
        b.card.expect_authorised(false, what)?;
    }
    b.card.expect_books("after refused payments")?;

    // A payment of another amount than was previewed, a second preview.
    for second in [request(10_001), request(5_000)] {
        b.card.preview_checked(&request(10_000))?.ok();
        b.card
            .pay_answer(&second)?
            .want_bare(Sw::SECURITY, "PAY of another request than PREVIEW's")?;
        b.card.preview_checked(&request(10_000))?.ok();
        b.card
            .preview_answer(&second)?
            .want_bare(Sw::SECURITY, "a second PREVIEW")?;
    }
    // Coins, as the holder and as the owner that the terminal isn't.
    let again = Entry {
        txid: spent.txid,
        vout: spent.vout,
        place: spent.index,
    };
    let credits = (b.card.host()?.capabilities.needs(Capability::Credits)).is_ok();
    let next = b.card.host()?.purse.next_receive;
    let coins = [
        ("a spent coin", again, Sw::RETIRED),
        (
            "a spent coin elsewhere",
            Entry {
                place: next,
                ..again
            },
            Sw::COIN_KNOWN,
        ),
        (
            "an index ahead",
            Entry {
                txid: [9; 32],
                vout: 0,
                place: next + 10,
            },
            Sw::INDEX,
        ),
        (
            "a change place",
            Entry {
                txid: [9; 32],
                vout: 0,
                place: Place::change(0).0,
            },
            Sw::INDEX,
        ),
    ];
    for (what, entry, sw) in coins {
        b.card.authorise()?;
        if credits {
            b.card
                .begin_credit(&entry)?
                .want_bare(sw, "ENTER COIN of a credit")
                .at(|| what.to_owned())?;
        }
        b.card.authorise()?;
        b.card.challenge()?;
        b.card
            .once(&Command::new(Entry::BEGIN).data(Card::signed(&entry.body(), &[7; 64])))?
            .want_bare(Sw::SECURITY, "ENTER COIN without the owner's signature")?;
    }
    b.card.expect_books("after a terminal's coins")?;

    // One payment, and not another on the same PIN.
    b.card.pay_checked(&request(15_000))?;
    for _ in 0..2 {
        b.card
            .pay_answer(&request(1_000))?
            .want_bare(Sw::SECURITY, "a second PAY on one PIN")?;
        b.card
            .preview_answer(&request(1_000))?
            .want_bare(Sw::SECURITY, "PREVIEW after PAY")?;
    }
    b.card.power_cycle()?;
    b.card
        .pay_answer(&request(1_000))?
        .want_bare(Sw::SECURITY, "PAY without PIN")?;
    b.card.expect_books("after two payments")?;
    b.card.pay_checked(&request(15_000))?;
    let fourth = b.card.preview_checked(&request(1_000))?;
    require!(
        fourth == Err(Sw::COUNT),
        "the case expects 9411, its model {fourth:?}"
    );
    b.card.expect_books("after three payments")
}

/// The same payment with one thing changed.
pub(super) fn changed(of: &Request) -> Vec<(&'static str, Request)> {
    let mut script = of.payee.to_bytes();
    script[10] ^= 1;
    vec![
        (
            "amount",
            Request {
                amount: of.amount - 1,
                ..of.clone()
            },
        ),
        (
            "fee rate",
            Request {
                rate: of.rate + 1,
                ..of.clone()
            },
        ),
        (
            "payee",
            Request {
                payee: script.into(),
                ..of.clone()
            },
        ),
        (
            "source",
            Request {
                unrooted: !of.unrooted,
                ..of.clone()
            },
        ),
        (
            "merchant",
            Request {
                merchant: b"Milk & less".to_vec(),
                ..of.clone()
            },
        ),
        (
            "no merchant",
            Request {
                merchant: Vec::new(),
                ..of.clone()
            },
        ),
        (
            "invoice",
            Request {
                invoice: if of.invoice.is_empty() {
                    vec![0; 32]
                } else {
                    Vec::new()
                },
                ..of.clone()
            },
        ),
    ]
}

fn identities(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[60_000, 50_000, 40_000])?;
    let kept = request(20_000);
    b.card.pay_checked(&kept)?;
    let in_use = |b: &mut Bench, when: &str| -> Outcome {
        for (what, other) in changed(&kept) {
            let place = || format!("{when}, another {what}");
            b.card.authorise()?;
            b.card
                .preview_answer(&other)?
                .want_bare(Sw::IDENTITY, "PREVIEW")
                .at(place)?;
            b.card.authorise()?;
            b.card
                .pay_answer(&other)?
                .want_bare(Sw::IDENTITY, "PAY")
                .at(place)?;
        }
        b.card.authorise()?;
        b.card
            .preview_answer(&kept)?
            .want_bare(Sw::IDENTITY, "PREVIEW of a payment made")?;
        // The identity comes before all else.
        b.card.authorise()?;
        b.card
            .pay_answer(&Request {
                merchant: vec![0xFF],
                rate: 0,
                amount: 0,
                ..kept.clone()
            })?
            .want_bare(Sw::IDENTITY, "PAY, wrong in every way")?;
        b.card.expect_books(when)
    };
    in_use(b, "at once")?;
    b.card.power_cycle()?;
    b.card.pay_checked(&request(5_000))?;
    in_use(b, "after another payment")?;
    b.card.acknowledge(2, 0)?;
    in_use(b, "acknowledged as seen")?;
    b.card.acknowledge(2, 1)?;
    b.card.preview_checked(&kept)?.ok();
    b.card.pay_checked(&kept)?;
    b.card.expect_books("with an identity used again")
}
