//! What a terminal tries that knows the PIN. Sections 7.2 and 7.3.

use super::prelude::*;
use crate::card::Capabilities;
use crate::model::{MAX_AMOUNT, Place, is_printable};
use std::ops::RangeInclusive;

cases! {
    "TC-PAY-16" version 2 on Funded D1 for [PAY_9 PAY_4] runs merchants:
        "Merchants that aren't well-formed UTF-8 (lone and overlong bytes, surrogates, beyond \
         U+10FFFF, cut short) or hold a control, formatting or bidirectional character, a mark set \
         over others, a tag or the mark that ends a claim, first, middle or last, are refused with 6A80; the characters beside those ranges, and 32 bytes \
         of any script, are taken."
        catches "A name that rewrites the amount beside it on the owner's screen.";
    "TC-PAY-17" version 1 on Own D3 for [PAY_10 PAY_4] runs own_scripts:
        "A payee script that is an input's, the change's, or the one that RECEIVE SCRIPT would \
         answer is refused with 9408, PREVIEW and PAY, and the next ones as they move on; \
         another's taproot script is taken."
        catches "A payment to the card itself that uses up limits and fees, or takes a place that \
                 the owner looks for coins at.";
    "TC-PAY-18" version 1 on Own D3 for [PAY_2 PAY_3 PAY_4 OWN_2 ENT_6 LIM_2 CRE_1] runs
        cheating_terminal:
        "A terminal with the PIN tries amounts that overflow, absurd fee rates up and down, \
         amounts over the coins, dust, payees that nobody or anybody can spend, second payments, \
         second previews, entries at indexes ahead and behind, of spent and of invented coins, and \
         the owner's commands: each is refused with its status word, and image and log are as \
         before."
        catches "Whatever lets a terminal have more than its one payment.";
    "TC-PAY-19" version 1 on Own D3 for [PAY_4 REC_1 ACK_1] runs identities:
        "The identity of a kept payment with any other request is refused with 9412, and by \
         PREVIEW with the same one too; nothing changes; when the payment is kept no longer the \
         identity is as good as any."
        catches "Two payments that the log can't tell apart; one given for another.";
}

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
        0x061C..=0x061C,
        0x201D..=0x201D,
    ];
    // Of long ranges, the ends and what is between in steps.
    let marks = [
        (0x0300..=0x036F, 0x25),
        (0x1AB0..=0x1AFF, 0x1F),
        (0x1DC0..=0x1DFF, 0x15),
        (0x20D0..=0x20FF, 0x17),
        (0xFE20..=0xFE2F, 5),
        (0xE_0000..=0xE_0FFF, 0x2D),
    ];
    let ends = |range: &RangeInclusive<u32>| [*range.start(), *range.end()];
    let marks = (marks.iter())
        .flat_map(|(range, step)| ends(range).into_iter().chain(range.clone().step_by(*step)));
    for character in marks.filter_map(char::from_u32) {
        all.push(character.to_string().into_bytes());
    }
    for character in ranges.into_iter().flatten().filter_map(char::from_u32) {
        all.push(character.to_string().into_bytes());
    }
    all
}

fn good_merchants() -> Vec<Vec<u8>> {
    let beside = [
        0x20, 0x7E, 0xA0, 0x2FF, 0x370, 0x61B, 0x61D, 0x1AAF, 0x1B00, 0x1DBF, 0x1E00, 0x200A,
        0x2010, 0x201C, 0x201E, 0x2027, 0x202F, 0x205F, 0x2070, 0x20CF, 0x2100, 0xD7FF, 0xE000,
        0xFE1F, 0xFE30, 0xFEFE, 0xFF00, 0xFFF8, 0xFFFC, 0xFFFD, 0x1_0000, 0xD_FFFF, 0xE_1000,
        0x10_FFFF,
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

fn merchants(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let with = |merchant: Vec<u8>| request_of(10_000).merchant(merchant);
    for merchant in good_merchants() {
        require!(
            is_printable(&merchant),
            "the case's model refuses {merchant:02X?}"
        );
        let taken = ctx
            .preview_checked(&with(merchant.clone()))
            .at(|| format!("merchant {merchant:02X?}"))?;
        put!(taken.is_ok(), "the case must have funds");
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
            ctx.authorise()?;
            ctx.preview_answer(&request)?
                .want_bare(Sw::WRONG_DATA, "PREVIEW")
                .at(place)?;
            ctx.authorise()?;
            ctx.pay_answer(&request)?
                .want_bare(Sw::WRONG_DATA, "PAY")
                .at(place)?;
        }
    }
    ctx.note(format!("{} merchants refused, three ways each", bad.len()));
    Ok(())
}

fn own_scripts(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[60_000, 50_000, 40_000])?;
    for round in 0..3 {
        let account = ctx.host()?.account.clone();
        let plan = ctx.plan(&request_of(20_000))?;
        let (next, input) = (ctx.host()?.purse.next_receive(), &plan.inputs[0]);
        for (what, payee) in [
            ("the next receive script", account.script(0, next)?),
            ("the change script", account.script(1, plan.change_index)?),
            (
                "the script of an input",
                account.script(input.chain, input.index)?,
            ),
        ] {
            let place = || format!("round {round}, {what}");
            let request = request_of(20_000).payee(payee);
            ctx.expect_refused(&request, Sw::PAYEE).at(place)?;
        }
        ctx.expect_ledger("after refused payees")?;
        ctx.card
            .pay_checked(&request_of(20_000).payee(payee::p2tr(ctx.values.bytes("payee"))))?;
        let mut stream = ctx.values.stream(&format!("coin {round}"));
        ctx.fund(&mut stream, &[45_000])?;
    }
    Ok(())
}

fn cheating_terminal(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE
        .per_payment(40_000)
        .cumulative(90_000)
        .payments(3)
        .fee_cap(3_000)
        .least_rate(1_000)
        .highest_rate(20_000);
    ctx.prepare_limited(limits, &[60_000, 50_000])?;
    let paid = request_of(20_000);
    ctx.pay_checked(&paid)?;
    let spent = ctx.logged(&paid)?.plan.inputs[0].clone();

    let at = |amount, rate| request_of(amount).rate(rate);
    let to = |script: Vec<u8>| request_of(10_000).payee(script.into());
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
            request_of(10_000).merchant("Milk\u{202E}klim".into()),
            Sw::WRONG_DATA,
        ),
        (
            "another payment's identity",
            request_of(10_000).identity(paid.identity),
            Sw::IDENTITY,
        ),
        (
            "credits that aren't there",
            request_of(10_000).unrooted(true),
            Sw::INSUFFICIENT,
        ),
    ];
    let credits = ctx.has(Capability::Credits)?;
    for (what, request, sw) in tries
        .iter()
        .filter(|(_, request, _)| credits || !request.unrooted)
    {
        ctx.expect_refused(request, *sw).at(*what)?;
        ctx.expect_authorised(false, what)?;
    }
    ctx.expect_ledger("after refused payments")?;

    // A payment of another amount than was previewed, a second preview.
    for second in [request_of(10_001), request_of(5_000)] {
        ctx.preview_checked(&request_of(10_000))?.ok();
        ctx.pay_answer(&second)?
            .want_bare(Sw::SECURITY, "PAY of another request than PREVIEW's")?;
        ctx.preview_checked(&request_of(10_000))?.ok();
        ctx.preview_answer(&second)?
            .want_bare(Sw::SECURITY, "a second PREVIEW")?;
    }
    // Coins, as the holder and as the owner that the terminal isn't.
    let again = Entry {
        txid: spent.txid,
        vout: spent.vout,
        place: spent.index,
    };
    let next = ctx.host()?.purse.next_receive();
    let coins = [
        ("a spent coin", again, Sw::RETIRED),
        ("a spent coin elsewhere", again.place(next), Sw::COIN_KNOWN),
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
        ctx.authorise()?;
        if credits {
            ctx.begin_credit(&entry)?
                .want_bare(sw, "ENTER COIN of a credit")
                .at(what)?;
        }
        ctx.authorise()?;
        ctx.challenge()?;
        ctx.once(&Command::new(Entry::BEGIN).data(Card::signed(&entry.body(), &[7; 64])))?
            .want_bare(Sw::SECURITY, "ENTER COIN without the owner's signature")?;
    }
    ctx.expect_ledger("after a terminal's coins")?;

    // One payment, and not another on the same PIN.
    ctx.pay_checked(&request_of(15_000))?;
    for _ in 0..2 {
        ctx.pay_answer(&request_of(1_000))?
            .want_bare(Sw::SECURITY, "a second PAY on one PIN")?;
        ctx.preview_answer(&request_of(1_000))?
            .want_bare(Sw::SECURITY, "PREVIEW after PAY")?;
    }
    ctx.power_cycle()?;
    ctx.pay_answer(&request_of(1_000))?
        .want_bare(Sw::SECURITY, "PAY without PIN")?;
    ctx.expect_ledger("after two payments")?;
    ctx.pay_checked(&request_of(15_000))?;
    let fourth = ctx.preview_checked(&request_of(1_000))?;
    put!(
        fourth == Err(Sw::COUNT),
        "the case expects 9411, its model {fourth:?}"
    );
    ctx.expect_ledger("after three payments")
}

/// The same payment with one thing changed.
pub(super) fn changed(of: &Request, card: &Capabilities) -> Vec<(&'static str, Request)> {
    let mut script = of.payee.to_bytes();
    script[10] ^= 1;
    let mut all = vec![
        ("amount", of.clone().amount(of.amount - 1)),
        ("fee rate", of.clone().rate(of.rate + 1)),
        ("payee", of.clone().payee(script.into())),
        ("source", of.clone().unrooted(!of.unrooted)),
        ("merchant", of.clone().merchant(b"Milk & less".to_vec())),
        ("no merchant", of.clone().merchant(Vec::new())),
        (
            "invoice",
            of.clone().invoice(if of.invoice.is_empty() {
                vec![0; 32]
            } else {
                Vec::new()
            }),
        ),
    ];
    if !card.declares(Capability::Credits) {
        all.retain(|(what, _)| *what != "source");
    }
    all
}

fn identities(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[60_000, 50_000, 40_000])?;
    let kept = request_of(20_000);
    ctx.pay_checked(&kept)?;
    let card = ctx.host()?.capabilities;
    let in_use = |ctx: &mut CaseContext, when: &str| -> Outcome {
        for (what, other) in changed(&kept, &card) {
            let place = || format!("{when}, another {what}");
            ctx.authorise()?;
            ctx.preview_answer(&other)?
                .want_bare(Sw::IDENTITY, "PREVIEW")
                .at(place)?;
            ctx.authorise()?;
            ctx.pay_answer(&other)?
                .want_bare(Sw::IDENTITY, "PAY")
                .at(place)?;
        }
        ctx.authorise()?;
        ctx.preview_answer(&kept)?
            .want_bare(Sw::IDENTITY, "PREVIEW of a payment made")?;
        // The identity comes before all else.
        ctx.authorise()?;
        ctx.pay_answer(&kept.clone().merchant(vec![0xFF]).rate(0).amount(0))?
            .want_bare(Sw::IDENTITY, "PAY, wrong in every way")?;
        ctx.expect_ledger(when)
    };
    in_use(ctx, "at once")?;
    ctx.power_cycle()?;
    ctx.pay_checked(&request_of(5_000))?;
    in_use(ctx, "after another payment")?;
    ctx.acknowledge(2, 0)?;
    in_use(ctx, "acknowledged as seen")?;
    ctx.acknowledge(2, 1)?;
    ctx.preview_checked(&kept)?.ok();
    ctx.pay_checked(&kept)?;
    ctx.expect_ledger("with an identity used again")
}
