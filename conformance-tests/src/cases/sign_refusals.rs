//! SIGN: what is refused. Section 8.4.

use super::prelude::*;
use super::sign::unknown;
use crate::model::{MAX_AMOUNT, Place, Spend, SpendInput, SpendOutput};

cases! {
    "TC-SGN-02" version 1 on Own D3 for [SGN_2 SGN_4 SGN_5] runs streams:
        "Streams with a place beyond 4095, a coin of the card at another place or with another \
         amount, an own output beyond ten receive or twenty change indexes ahead, amounts or sums \
         above 21·10¹⁴, outputs above the inputs, an empty or too long script, or bytes after the \
         end are refused with 6A80, one with another digest with 940A, a fee above the cap with \
         9406, above the highest rate with 9405; counts and versions out of range with 6A80; \
         values at the bounds are taken; nothing changes."
        catches "An owner's PC that has the card burn its coins, or send them where nobody looks.";
    "TC-SGN-09" version 1 on Own D3 for [SGN_2] runs fee_cap:
        "A fee equal to the cap is signed, one sat more is refused with 9406."
        catches "A cap that is off by one.";
}

/// Two inputs of 100 000 sat, two outputs, at a fee that any limit takes.
pub(super) fn normal(ctx: &CaseContext) -> Spend {
    let mut stream = ctx.values.stream("inputs");
    Spend {
        version: 2,
        lock_time: 0,
        inputs: vec![
            unknown(&mut stream, 100_000, Place::receive(40)),
            unknown(&mut stream, 100_000, Place::change(41)),
        ],
        outputs: vec![
            SpendOutput::Own(120_000, Place::receive(0)),
            SpendOutput::Other(79_000, payee::p2wpkh([3; 20]).to_bytes()),
        ],
    }
}

fn streams(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE.fee_cap(5_000).highest_rate(10_000);
    ctx.prepare_limited(limits, &[])?;
    ctx.needs(Capability::Signing)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[90_000, 80_000])?;
    ctx.pay_checked(&request_of(5_000))?;
    ctx.pay_checked(&request_of(5_000))?;
    let (receive, change) = {
        let purse = &ctx.host()?.purse;
        (purse.next_receive(), purse.next_change())
    };
    let right = normal(ctx);
    let own = |place: Place| {
        right.clone().outputs(vec![
            SpendOutput::Own(120_000, place),
            right.outputs[1].clone(),
        ])
    };
    let at = |place: Place| {
        right.clone().inputs(vec![
            right.inputs[0].clone(),
            right.inputs[1].clone().place(place),
        ])
    };
    let amounts = |inputs: [u64; 2], outputs: [u64; 2]| {
        let mut spend = right.clone();
        for (input, amount) in spend.inputs.iter_mut().zip(inputs) {
            input.amount = amount;
        }
        spend.outputs = vec![
            SpendOutput::Own(outputs[0], Place::receive(0)),
            SpendOutput::Other(outputs[1], payee::p2wpkh([3; 20]).to_bytes()),
        ];
        spend
    };
    let least = right.size();
    let fee = |fee: u64| amounts([100_000, 100_000], [100_000, 100_000 - fee]);
    // ceil(v · highest / 1000)
    let most = (least * u64::from(limits.highest_rate)).div_ceil(1_000);
    put!(
        most < limits.fee_cap,
        "the case needs a rate that binds before the cap"
    );
    let cases: Vec<(&str, Spend, Sw)> = vec![
        ("input place 4096", at(Place::receive(4096)), Sw::WRONG_DATA),
        (
            "change input place 4096",
            at(Place::change(4096)),
            Sw::WRONG_DATA,
        ),
        (
            "input place 2^31 - 1",
            at(Place::receive(0x7FFF_FFFF)),
            Sw::WRONG_DATA,
        ),
        ("input place 4095", at(Place::receive(4095)), Sw::OK),
        ("change input place 4095", at(Place::change(4095)), Sw::OK),
        (
            "own output at the window's end",
            own(Place::receive(receive + 9)),
            Sw::OK,
        ),
        (
            "own output beyond the window",
            own(Place::receive(receive + 10)),
            Sw::WRONG_DATA,
        ),
        (
            "own output at 4096",
            own(Place::receive(4096)),
            Sw::WRONG_DATA,
        ),
        (
            "own change at the window's end",
            own(Place::change(change + 19)),
            Sw::OK,
        ),
        (
            "own change beyond the window",
            own(Place::change(change + 20)),
            Sw::WRONG_DATA,
        ),
        (
            "own change at 4096",
            own(Place::change(4096)),
            Sw::WRONG_DATA,
        ),
        (
            "an input above 21e14",
            amounts([MAX_AMOUNT + 1, 100_000], [120_000, 79_000]),
            Sw::WRONG_DATA,
        ),
        (
            "an input of 2^64 - 1",
            amounts([u64::MAX, 100_000], [120_000, 79_000]),
            Sw::WRONG_DATA,
        ),
        (
            "inputs above 21e14 together",
            amounts([MAX_AMOUNT, 1], [MAX_AMOUNT, 1]),
            Sw::WRONG_DATA,
        ),
        (
            "inputs of 21e14 together",
            amounts([MAX_AMOUNT - 1, 1], [MAX_AMOUNT - 1, 1]),
            Sw::OK,
        ),
        (
            "an output above 21e14",
            amounts([100_000, 100_000], [0, MAX_AMOUNT + 1]),
            Sw::WRONG_DATA,
        ),
        (
            "outputs that overflow",
            amounts([100_000, 100_000], [u64::MAX, 200_001]),
            Sw::WRONG_DATA,
        ),
        (
            "outputs above the inputs",
            amounts([100_000, 100_000], [100_001, 100_000]),
            Sw::WRONG_DATA,
        ),
        ("no fee", fee(0), Sw::OK),
        ("the highest rate", fee(most), Sw::OK),
        ("above the highest rate", fee(most + 1), Sw::FEE_RATE),
        ("above the fee cap", fee(5_001), Sw::FEE_CAP),
        (
            "all for the fee",
            amounts([100_000, 100_000], [0, 0]),
            Sw::FEE_CAP,
        ),
        (
            "an empty script",
            right.clone().outputs(vec![
                right.outputs[0].clone(),
                SpendOutput::Other(79_000, Vec::new()),
            ]),
            Sw::WRONG_DATA,
        ),
        (
            "a script of 253 bytes",
            right.clone().outputs(vec![
                right.outputs[0].clone(),
                SpendOutput::Other(79_000, vec![0x51; 253]),
            ]),
            Sw::WRONG_DATA,
        ),
    ];
    for (what, spend, sw) in &cases {
        for size in [255, 1] {
            let place = || format!("{what}, pieces of {size} bytes");
            if *sw == Sw::OK {
                ctx.streamed(spend, size).at(place)?;
                continue;
            }
            ctx.sign_stream(spend, size)?
                .want_bare(*sw, "SIGN")
                .at(place)?;
            ctx.signature_answer(0)?
                .want_bare(Sw::CONDITIONS, "SIGN, a signature after a refusal")
                .at(place)?;
        }
    }
    // A coin of the card, spent or not, at another place or with another amount.
    let coins = ctx.host()?.purse.coins.clone();
    for coin in &coins {
        let place = if coin.chain == 0 {
            Place::receive(coin.index)
        } else {
            Place::change(coin.index)
        };
        let known = SpendInput {
            txid: coin.txid,
            vout: coin.vout,
            sequence: 0xFFFF_FFFD,
            amount: coin.amount,
            place,
        };
        let other_chain = Place(place.0 ^ 0x8000_0000);
        for (what, input, sw) in [
            ("as it is", known.clone(), Sw::OK),
            (
                "another amount",
                known.clone().amount(coin.amount + 1),
                Sw::WRONG_DATA,
            ),
            (
                "another index",
                known.clone().place(Place(place.0 + 1)),
                Sw::WRONG_DATA,
            ),
            (
                "the other chain",
                known.clone().place(other_chain),
                Sw::WRONG_DATA,
            ),
        ] {
            let spend = right
                .clone()
                .outputs(vec![SpendOutput::Own(
                    input.amount - 500,
                    Place::receive(0),
                )])
                .inputs(vec![input]);
            let place = || format!("a coin of {} sat, {what}", coin.amount);
            if sw == Sw::OK {
                ctx.streamed(&spend, 255).at(place)?;
            } else {
                ctx.sign_stream(&spend, 255)?
                    .want_bare(sw, "SIGN")
                    .at(place)?;
            }
        }
    }
    ctx.expect_ledger("before any signature")?;
    // Bytes after the end, whatever the digest is of; and another digest.
    let stream_bytes = right.stream();
    let long = [&stream_bytes[..], &[0]].concat();
    for digest_of in [&stream_bytes, &long] {
        let digest = sha256(digest_of);
        ctx.begin_sign(&right.body_with(&digest))?
            .want_bare(Sw::OK, "SIGN")?;
        ctx.sign_piece(&long)?
            .want_bare(Sw::WRONG_DATA, "SIGN with bytes after the end")?;
    }
    let mut digest = sha256(&stream_bytes);
    for bit in [0, 100, 255] {
        digest[bit / 8] ^= 0x80 >> (bit % 8);
        ctx.begin_sign(&right.body_with(&digest))?
            .want_bare(Sw::OK, "SIGN")?;
        ctx.sign_piece(&stream_bytes)?
            .want_bare(Sw::OTHER_TXID, "SIGN with another digest")?;
    }
    for at in [0, 33, 37, 44, 51, 104, 112, stream_bytes.len() - 1] {
        let mut spoilt = stream_bytes.clone();
        spoilt[at] ^= 1;
        ctx.begin_sign(&right.body())?.want_bare(Sw::OK, "SIGN")?;
        let sw = ctx.sign_piece(&spoilt)?.sw;
        require!(
            [Sw::OTHER_TXID, Sw::WRONG_DATA, Sw::FEE_CAP, Sw::FEE_RATE].contains(&sw),
            "SIGN of a stream with byte {at} spoilt is answered {sw}"
        );
        ctx.signature_answer(0)?
            .want_bare(Sw::CONDITIONS, "SIGN, a signature after a refusal")?;
    }
    // Versions and counts.
    let declared = ctx.host()?.capabilities;
    let head = |version: u32, inputs: u8, outputs: u8| {
        [
            crate::tlv::object(0x80, &version.to_be_bytes()),
            crate::tlv::object(0x81, &[0; 4]),
            crate::tlv::object(0x82, &[inputs]),
            crate::tlv::object(0x83, &[outputs]),
            crate::tlv::object(0x84, &[7; 32]),
        ]
        .concat()
    };
    for (version, inputs, outputs) in [
        (0, 1, 1),
        (4, 1, 1),
        (u32::MAX, 1, 1),
        (0x0100_0000, 1, 1),
        (2, 0, 1),
        (2, declared.sign_inputs.saturating_add(1), 1),
        (2, 255, 1),
        (2, 1, 0),
        (2, 1, declared.sign_outputs.saturating_add(1)),
        (2, 1, 255),
    ] {
        ctx.begin_sign(&head(version, inputs, outputs))?
            .want_bare(Sw::WRONG_DATA, "SIGN")
            .at(|| format!("version {version}, {inputs} inputs, {outputs} outputs"))?;
        ctx.sign_piece(&[0])?
            .want_bare(Sw::CONDITIONS, "SIGN, a piece after a refusal")?;
    }
    ctx.note(format!("{} streams", cases.len()));
    Ok(())
}

fn fee_cap(ctx: &mut CaseContext) -> Outcome {
    let cap = 5_000;
    ctx.prepare_limited(Limits::WIDE.fee_cap(cap), &[])?;
    ctx.needs(Capability::Signing)?;
    let inputs = normal(ctx).inputs;
    let at_cap = Spend::elsewhere(inputs.clone(), cap);
    ctx.streamed(&at_cap, 255)?;
    ctx.signed_all(&at_cap)?;
    ctx.sign_stream(&Spend::elsewhere(inputs, cap + 1), 255)?
        .want_bare(Sw::FEE_CAP, "SIGN, a fee above the cap")
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use bitcoin::hashes::Hash;
    bitcoin::hashes::sha256::Hash::hash(bytes).to_byte_array()
}
