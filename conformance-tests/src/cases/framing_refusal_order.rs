//! Which refusal comes first, and that refused commands have no effect.

use super::prelude::*;
use crate::card::READ_COINS_ON;

cases! {
    "TC-FRM-15" version 2 on Issued D1 for [FRM_8 SEL_3 MSG_2] runs order:
        "Where several refusals apply, they come in the order of the text: length fields, class, \
         application, secure messaging, instruction, P1-P2, length, decoding, state, authority."
        catches "State or authority told to whoever sends nonsense; checks in another order.";
    "TC-FRM-16" version 1 on Own D3 for [FRM_8] runs refused_without_effect:
        "A command refused for its length or encoding leaves a key generation under way as it was: \
         ISSUE with the right field succeeds after them."
        catches "A refused command that drops the key generation, or issues half of it.";
    "TC-FRM-20" version 1 on Factory D0 for [FRM_8] runs data_that_none_takes:
        "Commands without a data field (GENERATE, GET CHALLENGE, RECEIVE SCRIPT, READ COINS' next \
         part) are refused with 6A86 when P1-P2 are wrong and a data field is there, with 6700 \
         when only the data field is; and so is GET RESPONSE, with bytes left and without."
        catches "A field that nobody looks at; a length that is told before the parameters.";
}

fn data_that_none_takes(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    for (name, header) in [
        ("GENERATE", [0x00, 0x46, 0x00, 0x00]),
        ("GET CHALLENGE", [0x00, 0x84, 0x00, 0x00]),
        ("RECEIVE SCRIPT", [0x80, 0x20, 0x00, 0x00]),
        ("READ COINS, the next part", READ_COINS_ON),
    ] {
        let [class, instruction, p1, p2] = header;
        let other = [class, instruction, p1, p2 ^ 0x55];
        for (header, sw) in [(other, Sw::WRONG_P1P2), (header, Sw::WRONG_LENGTH)] {
            ctx.once(&Command::new(header).data([0xAA]).le(LE_SHORT))?
                .want_bare(sw, name)?;
        }
    }
    for left in [false, true] {
        let place = || format!("bytes left: {left}");
        if left {
            let first = ctx.raw(&[0x00, 0xCA, 0x01, 0x01])?;
            require!(
                first.sw.more().is_some(),
                "GET DATA without Le answered {}",
                first.sw
            );
        }
        ctx.raw(&[0x00, 0xC0, 0x00, 0x55, 0x01, 0xAA, 0x00])?
            .want_bare(Sw::WRONG_P1P2, "GET RESPONSE")
            .at(place)?;
        ctx.raw(&[0x00, 0xC0, 0x00, 0x00, 0x01, 0xAA, 0x00])?
            .want_bare(Sw::WRONG_LENGTH, "GET RESPONSE with data")
            .at(place)?;
    }
    Ok(())
}

fn order(ctx: &mut CaseContext) -> Outcome {
    let has_channels = ctx.has(Capability::Channel)?;
    // Without channels the class is refused as any other.
    let protected = |sw| {
        if has_channels {
            sw
        } else {
            Sw::NO_SECURE_MESSAGING
        }
    };
    let request_of = ctx.requests();
    let request = request_of(10_000).encode();
    let mut spoilt = request.clone();
    spoilt[0] = 0x8F;
    let long = [request.clone(), vec![0; 80]].concat();
    let pay = |header: [u8; 4], field: &[u8]| Command::new(header).data(field);

    ctx.reset(Reset::Cold)?;
    let unselected: [(&str, Command, Sw); 6] = [
        (
            "application before secure messaging",
            pay([0x84, 0x30, 0, 0], &request),
            protected(Sw::CONDITIONS),
        ),
        (
            "class before application",
            pay([0xA0, 0x30, 0, 0], &request),
            Sw::NO_CLASS,
        ),
        (
            "application before instruction",
            pay([0x80, 0xFE, 0, 0], &request),
            Sw::CONDITIONS,
        ),
        (
            "application before P1-P2",
            pay([0x80, 0x30, 9, 9], &request),
            Sw::CONDITIONS,
        ),
        (
            "application before length",
            pay([0x80, 0x30, 0, 0], &long),
            Sw::CONDITIONS,
        ),
        (
            "application before decoding",
            pay([0x80, 0x30, 0, 0], &spoilt),
            Sw::CONDITIONS,
        ),
    ];
    for (what, command, sw) in unselected {
        ctx.once(&command)?.want_bare(sw, what)?;
    }
    ctx.select()?;
    let verify = |header: [u8; 4]| Command::new(header).data([0x55; 3]);
    let selected: [(&str, Command, Sw); 12] = [
        (
            "secure messaging before instruction",
            pay([0x84, 0xFE, 9, 9], &long),
            protected(Sw::SECURITY),
        ),
        (
            "another secure messaging before that of the text",
            pay([0x8C, 0xFE, 9, 9], &long),
            Sw::NO_SECURE_MESSAGING,
        ),
        (
            "class before instruction",
            pay([0xA0, 0xFE, 9, 9], &long),
            Sw::NO_CLASS,
        ),
        (
            "instruction before P1-P2",
            pay([0x80, 0xFE, 9, 9], &long),
            Sw::NO_INSTRUCTION,
        ),
        (
            "P1-P2 before length",
            pay([0x80, 0x30, 9, 9], &long),
            Sw::WRONG_P1P2,
        ),
        (
            "length before decoding",
            pay([0x80, 0x30, 0, 0], &[0xFF; 160]),
            Sw::WRONG_LENGTH,
        ),
        (
            "decoding before authority",
            pay([0x80, 0x30, 0, 0], &spoilt),
            Sw::WRONG_DATA,
        ),
        (
            "authority before rules",
            pay([0x80, 0x30, 0, 0], &request),
            Sw::SECURITY,
        ),
        (
            "P1-P2 before VERIFY's effect",
            verify([0x00, 0x20, 0x00, 0x81]),
            Sw::WRONG_P1P2,
        ),
        (
            "P1-P2 before state",
            pay([0x00, 0x46, 0, 2], &[]),
            Sw::WRONG_P1P2,
        ),
        (
            "length before state",
            pay([0x00, 0x46, 0, 0], &[0]),
            Sw::WRONG_LENGTH,
        ),
        (
            "decoding before state",
            pay([0x80, 0x10, 0, 0], &[0xFF; 171]),
            Sw::WRONG_DATA,
        ),
    ];
    for (what, command, sw) in selected {
        ctx.once(&command)?.want_bare(sw, what)?;
    }
    ctx.expect_tries(3, "after refused commands")
}

fn refused_without_effect(ctx: &mut CaseContext) -> Outcome {
    let profile = ctx.profile()?;
    ctx.select()?;
    let commitment = ctx.generate()?;
    let right = profile.encode();
    ctx.recorder.borrow_mut().hide(&profile.pin.block());
    ctx.issue_answer(&right[..170])?
        .want_bare(Sw::WRONG_LENGTH, "ISSUE, a byte short")?;
    let mut spoilt = right.clone();
    spoilt[0] = 0x81;
    ctx.issue_answer(&spoilt)?
        .want_bare(Sw::WRONG_DATA, "ISSUE, another tag")?;
    ctx.once(&Command::new([0x80, 0x10, 0, 1]).data(right.clone()))?
        .want_bare(Sw::WRONG_P1P2, "ISSUE, another P2")?;
    ctx.once(&Command::new([0x90, 0x10, 0, 0]).data(right.clone()))?
        .want_bare(Sw::NO_CHAINING, "ISSUE, chained")?;
    let answer = ctx.issue_answer(&right)?;
    ctx.issued(&profile, &commitment, answer)
        .map_err(|stop| stop.at("after commands that must have no effect"))
}
