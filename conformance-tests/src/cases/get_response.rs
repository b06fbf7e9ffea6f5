//! Answers in parts: 61xx and GET RESPONSE.

use super::prelude::*;
use crate::card::AID;

cases! {
    "TC-FRM-06" version 2 on Factory D0 for [FRM_5] runs short_answers:
        "Answers below 256 bytes come in parts for every Le from none to more than there is, to \
         GET DATA and to SELECT; GET RESPONSE without Le gives all that is left."
        catches "Le ignored; wrong count in 61xx; bytes lost or repeated between parts.";
    "TC-FRM-07" version 1 on Funded D1 for [FRM_5] runs long_answers:
        "An answer of more than 256 bytes comes whole from parts of any size, and 61xx is 6100 as \
         long as 256 or more are left."
        catches "61xx counts modulo 256; parts beyond the first 256 bytes lost.";
    "TC-FRM-08" version 1 on Factory D0 for [FRM_6 FRM_7 SEL_4] runs stale_response:
        "GET RESPONSE with nothing left is refused: at first, after the last part, and after any \
         other command (refused ones included) or reset came between."
        catches "A buffer that outlives its command and gives an old answer to whoever asks.";
}

fn short_answers(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    let select = Command::new([0x00, 0xA4, 0x04, 0x00]).data(AID);
    let data = Command::new([0x00, 0xCA, 0x01, 0x01]);
    for (name, command) in [("GET DATA", data), ("SELECT", select)] {
        let whole = ctx
            .send(&command.clone().le(LE_SHORT))?
            .want(Sw::OK, name)?;
        let length = whole.len() as u32;
        require!(
            length > 3,
            "{name}: the answer has {length} bytes, fewer than any right one"
        );
        for le in (0..=length + 2).chain([255, 256]) {
            let asked = if le == 0 {
                command.clone()
            } else {
                command.clone().le(le)
            };
            let first = ctx.once(&asked)?;
            let data = parts(ctx, first, &whole, le, 256).at(|| format!("{name} with Le {le}"))?;
            require!(
                data == whole,
                "{name} with Le {le}: the parts don't make the whole answer"
            );
        }
        // A GET RESPONSE without Le is one with Le 00.
        ctx.once(&command)?;
        ctx.get_response(3)?;
        let rest = ctx.raw(&[0x00, 0xC0, 0x00, 0x00])?;
        let rest = rest.want(Sw::OK, &format!("{name}, GET RESPONSE without Le"))?;
        require!(
            rest == whole[3..],
            "{name}: GET RESPONSE without Le gave {} of {} bytes left",
            rest.len(),
            length - 3
        );
        for size in 1..length {
            let first = ctx.once(&command)?;
            let data =
                parts(ctx, first, &whole, 0, size).at(|| format!("{name} in parts of {size}"))?;
            require!(
                data == whole,
                "{name} in parts of {size}: not the whole answer"
            );
        }
    }
    Ok(())
}

/// Collects an answer of which `le` bytes were asked for, fetching `size` bytes at a time.
fn parts(
    ctx: &mut CaseContext,
    first: crate::apdu::Answer,
    whole: &[u8],
    le: u32,
    size: u32,
) -> Step<Vec<u8>> {
    let mut data = Vec::new();
    let (mut answer, mut asked) = (first, le);
    loop {
        let expected = (whole.len() - data.len()).min(asked as usize);
        let left = whole.len() - data.len() - expected;
        let sw = match left {
            0 => Sw::OK,
            1..=255 => Sw(0x6100 | left as u16),
            _ => Sw(0x6100),
        };
        let part = answer.want(sw, "a part")?;
        require!(
            part.len() == expected,
            "a part of {} bytes instead of {expected}, {left} left",
            part.len()
        );
        data.extend_from_slice(&part);
        if left == 0 {
            return Ok(data);
        }
        answer = ctx.get_response(size)?;
        asked = size;
    }
}

fn long_answers(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let request = request_of(2_000_000 - 20_000);
    ctx.offered(&request)?;
    ctx.authorise()?;
    let whole = ctx.preview_answer(&request)?.want(Sw::OK, "PREVIEW")?;
    require!(
        whole.len() > 512,
        "the answer is too short for this case: {} bytes",
        whole.len()
    );
    let command = Command::new([0x80, 0x32, 0, 0]).data(request.encode());
    for (le, size) in [
        (0, 256),
        (256, 256),
        (1, 255),
        (100, 100),
        (255, 37),
        (0, 1),
    ] {
        ctx.authorise()?;
        let asked = if le == 0 {
            command.clone()
        } else {
            command.clone().le(le)
        };
        let first = ctx.once(&asked)?;
        let data =
            parts(ctx, first, &whole, le, size).at(|| format!("Le {le}, then {size} at a time"))?;
        require!(
            data == whole,
            "Le {le}, then {size} at a time: not the whole answer"
        );
    }
    Ok(())
}

fn stale_response(ctx: &mut CaseContext) -> Outcome {
    let nothing_left = |ctx: &mut CaseContext, when: &str| {
        ctx.get_response(256)?
            .want_bare(Sw::CONDITIONS, &format!("GET RESPONSE {when}"))
    };
    nothing_left(ctx, "after a reset")?;
    ctx.select()?;
    nothing_left(ctx, "after a command without an answer")?;

    let begin = |ctx: &mut CaseContext| -> Outcome {
        let first = ctx.raw(&[0x00, 0xCA, 0x01, 0x01])?;
        require!(
            first.sw.more().is_some(),
            "GET DATA without Le answered {}",
            first.sw
        );
        ctx.get_response(1)?;
        Ok(())
    };
    begin(ctx)?;
    ctx.get_response(256)?
        .want(Sw::OK, "GET RESPONSE, last part")?;
    nothing_left(ctx, "after the last part")?;

    let between: [(&str, &[u8]); 11] = [
        ("GET DATA", &[0x00, 0xCA, 0x01, 0x00, 0x00]),
        ("a GET RESPONSE with P2 01", &[0x00, 0xC0, 0x00, 0x01, 0x00]),
        (
            "a GET RESPONSE with data",
            &[0x00, 0xC0, 0x00, 0x00, 0x01, 0xAA, 0x00],
        ),
        ("a refused GET DATA", &[0x00, 0xCA, 0x02, 0x00, 0x00]),
        ("GENERATE", &[0x00, 0x46, 0x00, 0x00, 0x00]),
        ("VERIFY without data", &[0x00, 0x20, 0x00, 0x80]),
        ("an unknown instruction", &[0x80, 0xFE, 0x00, 0x00]),
        ("another logical channel", &[0x01, 0xCA, 0x01, 0x00]),
        ("command chaining", &[0x10, 0xCA, 0x01, 0x00]),
        ("an unknown class", &[0xA0, 0xCA, 0x01, 0x00]),
        (
            "a refused SELECT",
            &[0x00, 0xA4, 0x04, 0x00, 0x05, 1, 2, 3, 4, 5],
        ),
    ];
    for (name, command) in between {
        begin(ctx)?;
        ctx.raw(command)?;
        nothing_left(ctx, &format!("after {name}"))?;
    }
    begin(ctx)?;
    ctx.select()?;
    nothing_left(ctx, "after SELECT")?;
    for how in [Reset::Warm, Reset::Cold] {
        begin(ctx)?;
        ctx.reset(how)?;
        nothing_left(ctx, "after a reset")?;
        ctx.select()?;
        nothing_left(ctx, "after a reset and SELECT")?;
    }
    Ok(())
}
