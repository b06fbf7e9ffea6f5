//! Answers in parts: 61xx and GET RESPONSE (ISO/IEC 7816-4 §11.5). Of any card.

use super::prelude::*;

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

/// The command with this Le; none for 0.
fn asked(command: &Command, le: u32) -> Command {
    match le {
        0 => command.clone(),
        le => command.clone().le(le),
    }
}

fn short_answers(ctx: &mut CaseContext) -> Outcome {
    let card = ctx.driver();
    card.reselect()?;
    for (name, command) in card.short_questions() {
        let whole = card.whole_answer(&command, &name)?;
        let length = whole.len() as u32;
        require!(
            length > 3,
            "{name}: the answer has {length} bytes, fewer than any right one"
        );
        for le in (0..=length + 2).chain([255, 256]) {
            let first = card.ask(&asked(&command, le))?;
            let data = parts(card, first, &whole, le, 256).at(|| format!("{name} with Le {le}"))?;
            require!(
                data == whole,
                "{name} with Le {le}: the parts don't make the whole answer"
            );
        }
        // A GET RESPONSE without Le is one with Le 00.
        card.ask(&command)?;
        card.get_response(3)?;
        let rest = card.transmit(&[0x00, 0xC0, 0x00, 0x00])?;
        let rest = rest.want(Sw::OK, &format!("{name}, GET RESPONSE without Le"))?;
        require!(
            rest == whole[3..],
            "{name}: GET RESPONSE without Le gave {} of {} bytes left",
            rest.len(),
            length - 3
        );
        for size in 1..length {
            let first = card.ask(&command)?;
            let data =
                parts(card, first, &whole, 0, size).at(|| format!("{name} in parts of {size}"))?;
            require!(
                data == whole,
                "{name} in parts of {size}: not the whole answer"
            );
        }
    }
    Ok(())
}

/// Collects an answer of which `le` bytes were asked for, fetching `size` bytes at a time.
fn parts(card: &mut dyn Driver, first: Answer, whole: &[u8], le: u32, size: u32) -> Step<Vec<u8>> {
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
        answer = card.get_response(size)?;
        asked = size;
    }
}

fn long_answers(ctx: &mut CaseContext) -> Outcome {
    let card = ctx.driver();
    let command = card.long_question()?;
    let whole = card.whole_answer(&command, "the long answer")?;
    put!(
        whole.len() > 512,
        "the answer is too short for this case: {} bytes",
        whole.len()
    );
    for (le, size) in [
        (0, 256),
        (256, 256),
        (1, 255),
        (100, 100),
        (255, 37),
        (0, 1),
    ] {
        let command = card.long_question()?;
        let first = card.ask(&asked(&command, le))?;
        let data = parts(card, first, &whole, le, size)
            .at(|| format!("Le {le}, then {size} at a time"))?;
        require!(
            data == whole,
            "Le {le}, then {size} at a time: not the whole answer"
        );
    }
    Ok(())
}

/// GET RESPONSE must be refused.
fn nothing_left(card: &mut dyn Driver, when: &str) -> Outcome {
    let sw = card.nothing_left();
    card.get_response(256)?
        .want_bare(sw, &format!("GET RESPONSE {when}"))
}

fn stale_response(ctx: &mut CaseContext) -> Outcome {
    let card = ctx.driver();
    nothing_left(card, "after a reset")?;
    card.reselect()?;
    nothing_left(card, "after a command without an answer")?;

    card.begin_answer()?;
    card.get_response(256)?
        .want(Sw::OK, "GET RESPONSE, last part")?;
    nothing_left(card, "after the last part")?;

    for (name, command) in card.harmless_commands() {
        card.begin_answer()?;
        card.transmit(&command)?;
        nothing_left(card, &format!("after {name}"))?;
    }
    card.begin_answer()?;
    card.reselect()?;
    nothing_left(card, "after SELECT")?;
    for how in [Reset::Warm, Reset::Cold] {
        card.begin_answer()?;
        card.reset(how)?;
        nothing_left(card, "after a reset")?;
        card.reselect()?;
        nothing_left(card, "after a reset and SELECT")?;
    }
    Ok(())
}
