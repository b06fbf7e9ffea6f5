//! SIGN: inputs with more than one fault, and one outpoint twice. Section 8.4.

use super::pledges::against;
use super::prelude::*;
use super::signing::unknown;
use super::statements::issue;
use crate::model::{Place, Spend, SpendInput, SpendOutput};

/// What the owner's transactions leave as fee, in sat.
const FEE: u64 = 900;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-SGN-07",
        version: 1,
        purpose: "A stream that names one coin of the card twice, or one that it doesn't know, is \
                  taken: the sums count it twice, every signature is valid, and the coin is gone \
                  with its index retired. The same coin once with its place or amount changed is \
                  refused with 6A80.",
        requirements: &[req::SGN_2, req::SGN_1, req::SGN_3],
        start: Start::Own,
        level: Level::D3,
        defect: "A coin removed twice, so that another one goes with it.",
        run: twice,
    },
    Case {
        id: "TC-SGN-08",
        version: 1,
        purpose: "An input at a pledged place with another amount or outpoint than the card knows \
                  there is refused with 9416; one whose index isn't below 4096, or whose amount is \
                  above 21·10¹⁴, with 6A80 even then; of two faulty items the first decides.",
        requirements: &[req::SGN_2, req::STM_4],
        start: Start::Own,
        level: Level::D3,
        defect: "A pledge that a wrong amount hides.",
        run: several_faults,
    },
];

fn twice(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[60_000, 50_000, 40_000])?;
    b.card.host()?.capabilities.needs(Capability::Signing)?;
    let mut stream = b.values.stream("unknown coins");
    let coins = b.card.host()?.purse.candidates();
    let known = SpendInput::of(&coins[1]);
    for changed in [
        SpendInput {
            amount: known.amount + 1,
            ..known.clone()
        },
        SpendInput {
            place: Place::receive(9),
            ..known.clone()
        },
    ] {
        let spend = Spend::elsewhere(vec![known.clone(), changed], FEE);
        b.card
            .sign_stream(&spend, 200)?
            .want_bare(Sw::WRONG_DATA, "SIGN of a coin, and of it otherwise")?;
    }
    let unknown = unknown(&mut stream, 30_000, Place::receive(40));
    for input in [unknown, known] {
        let spend = Spend::elsewhere(vec![input.clone(), input], FEE);
        b.card.streamed(&spend, 200)?;
        b.card.signed_all(&spend)?;
        b.card.power_cycle()?;
        b.card.expect_books("after SIGN of one outpoint twice")?;
    }
    b.card.pay_checked(&request(70_000)).map(drop)
}

fn several_faults(b: &mut Bench) -> Outcome {
    issue(b, Limits::WIDE, &[90_000, 80_000])?;
    b.card.host()?.capabilities.needs(Capability::Signing)?;
    let payment = request(20_000);
    b.card.pay_checked(&payment).preamble()?;
    b.card.statement(&payment, &b.values.bytes("nonce"))?;
    let spent = b.card.logged(&payment)?.plan.inputs.clone();
    let right = against(&spent);
    let pledged = right.inputs[0].clone();
    let mut stream = b.values.stream("unknown coins");
    let free = unknown(&mut stream, 100_000, Place::receive(40));
    let beyond = SpendInput {
        place: Place::receive(4096),
        ..free.clone()
    };
    let with = |inputs: Vec<SpendInput>| Spend {
        inputs,
        outputs: vec![SpendOutput::Own(1_000, Place::receive(0))],
        ..right.clone()
    };
    for (name, spend, sw) in [
        (
            "pledged, another amount",
            with(vec![SpendInput {
                amount: pledged.amount + 1,
                ..pledged.clone()
            }]),
            Sw::PLEDGED,
        ),
        (
            "pledged, another outpoint",
            with(vec![SpendInput {
                vout: pledged.vout + 1,
                ..pledged.clone()
            }]),
            Sw::PLEDGED,
        ),
        (
            "pledged, more than there is",
            with(vec![SpendInput {
                amount: crate::model::MAX_AMOUNT + 1,
                ..pledged.clone()
            }]),
            Sw::WRONG_DATA,
        ),
        (
            "first beyond, then pledged",
            with(vec![beyond.clone(), pledged.clone()]),
            Sw::WRONG_DATA,
        ),
        (
            "first pledged, then beyond",
            with(vec![pledged, beyond]),
            Sw::PLEDGED,
        ),
    ] {
        b.card
            .sign_stream(&spend, 52)?
            .want_bare(sw, "SIGN")
            .at(|| name.to_owned())?;
    }
    b.card.expect_books("after refused streams")
}
