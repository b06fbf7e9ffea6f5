//! How commands and answers are protected: section 2.7.

use super::channel_opening::needs_channel;
use super::prelude::*;
use crate::apdu::Answer;
use crate::card::READ_ACCOUNT;
use crate::channel::{MAC, Shape};

cases! {
    "TC-MSG-03" version 1 on Issued D1 for [MSG_5 MSG_3 MSG_1] runs empty_fields:
        "Commands without data are taken with an absent and with a padded, encrypted data field, \
         in any order, in short and extended form, and each counts."
        catches "A counter that stands still at a command without data: two answers under one IV.";
    "TC-MSG-04" version 1 on Issued D1 for [MSG_6 MSG_1] runs answers:
        "Answers without data (9000 and 63Cx) are a MAC of eight bytes, those with data have whole \
         blocks and a MAC, valid by the session's keys; a refusal is a status word alone."
        catches "\"Done\", or \"PIN right\", that a shim can say in the card's place.";
    "TC-MSG-05" version 1 on Issued D1 for [MSG_7 FRM_5 FRM_6] runs parts:
        "READ ACCOUNT's answer, asked for with Le of 1, 7, 100, 255 and 256 bytes and none, comes \
         in parts of that size by plain GET RESPONSE of several sizes, and is then whole and \
         protected as a whole; the channel stays open, and another protected command discards what \
         is left. With extended Le it comes at once."
        catches "Parts each protected by itself: a shim leaves one out.";
}

/// Commands without data, and what they are answered with the holder authorised.
const WITHOUT_DATA: [(&str, [u8; 4], Sw); 4] = [
    ("GET DATA", [0x00, 0xCA, 0x01, 0x00], Sw::OK),
    ("RECEIVE SCRIPT", [0x80, 0x20, 0, 0], Sw::OK),
    ("VERIFY without data", [0x00, 0x20, 0, 0x80], Sw::tries(3)),
    ("GENERATE", [0x00, 0x46, 0, 0], Sw::CONDITIONS),
];

fn empty_fields(ctx: &mut CaseContext) -> Outcome {
    needs_channel(ctx)?;
    let extended = ctx.host()?.capabilities.extended_length();
    ctx.open_channel()?;
    ctx.authorise()?;
    for round in 0..16 {
        for (at, (name, header, sw)) in WITHOUT_DATA.into_iter().enumerate() {
            let shape = Shape::of(Form::Short)
                .form(if extended && round % 4 > 1 {
                    Form::Extended
                } else {
                    Form::Short
                })
                .pads_empty((round >> at) & 1 != 0);
            let command = Command::new(header);
            let apdu = ctx.channel()?.protect_as(&command, shape)?;
            ctx.exchange_protected(&apdu)?
                .want(sw, name)
                .at(|| format!("round {round}, {shape:?}"))?;
        }
    }
    Ok(())
}

/// The answer as it came over the link, whole.
fn as_sent(ctx: &mut CaseContext, command: &Command) -> Step<(Answer, Answer)> {
    let apdu = ctx.channel()?.protect(command, Form::Short)?;
    let first = ctx.raw(&apdu)?;
    let sent = ctx.rest(first)?;
    let opened = ctx.channel()?.open_answer(sent.clone())?;
    Ok((sent, opened))
}

fn answers(ctx: &mut CaseContext) -> Outcome {
    needs_channel(ctx)?;
    ctx.open_channel()?;
    let verify = [0x00, 0x20, 0, 0x80];
    let (right, wrong) = (ctx.right_block()?, ctx.wrong_block()?);
    for (name, command, sw) in [
        (
            "VERIFY with a wrong PIN",
            Command::new(verify).data(wrong),
            Sw::tries(2),
        ),
        ("VERIFY without data", Command::new(verify), Sw::tries(2)),
        (
            "VERIFY with the right PIN",
            Command::new(verify).data(right),
            Sw::OK,
        ),
        ("VERIFY without data", Command::new(verify), Sw::tries(3)),
    ] {
        let (sent, opened) = as_sent(ctx, &command)?;
        opened.want_bare(sw, name)?;
        require!(
            sent.data.len() == MAC,
            "{name}: {} bytes came with {sw}, where a MAC has {MAC}",
            sent.data.len()
        );
    }
    for (name, header) in [
        ("GET DATA", [0x00, 0xCA, 0x01, 0x00]),
        ("GET DATA", [0x00, 0xCA, 0x01, 0x01]),
        ("RECEIVE SCRIPT", [0x80, 0x20, 0, 0]),
        ("GET CHALLENGE", [0x00, 0x84, 0, 0]),
    ] {
        let (sent, opened) = as_sent(ctx, &Command::new(header))?;
        let data = opened.want(Sw::OK, name)?;
        let expected = (data.len() + 1).next_multiple_of(16) + MAC;
        require!(
            sent.data.len() == expected,
            "{name}: {} bytes protected are {} instead of {expected}",
            data.len(),
            sent.data.len()
        );
    }
    for (name, header, sw) in [
        ("GENERATE", [0x00, 0x46, 0, 0], Sw::CONDITIONS),
        ("PAY without data", [0x80, 0x30, 0, 0], Sw::WRONG_LENGTH),
        ("another data object", [0x00, 0xCA, 0x77, 0], Sw::NOT_FOUND),
    ] {
        let (sent, _) = as_sent(ctx, &Command::new(header))?;
        sent.want_bare(sw, name)?;
    }
    ctx.expect_channel("after answers of all kinds")
}

/// READ ACCOUNT's APDU in a channel, with this Le in place of all.
fn read_account(ctx: &mut CaseContext, le: Option<u8>) -> Step<Vec<u8>> {
    let command = ctx.owner_command(READ_ACCOUNT, &[])?;
    let mut apdu = ctx.channel()?.protect(&command, Form::Short)?;
    // No MAC covers Le.
    apdu.pop();
    apdu.extend(le);
    Ok(apdu)
}

/// Judges an answer put together from its parts.
fn judge(ctx: &mut CaseContext, whole: Answer, when: &str) -> Outcome {
    let data = ctx
        .channel()?
        .open_answer(whole)
        .at(when)?
        .want(Sw::OK, "READ ACCOUNT")
        .at(when)?;
    crate::card::judge_account(&data, ctx.host()?)
        .at(when)
        .map(drop)
}

fn parts(ctx: &mut CaseContext) -> Outcome {
    needs_channel(ctx)?;
    let extended = ctx.host()?.capabilities.extended_length();
    ctx.open_channel()?;
    for (le, next) in [
        (Some(1), 256),
        (Some(7), 50),
        (Some(100), 100),
        (Some(255), 1),
        (Some(0), 256),
        (None, 200),
    ] {
        let place = || format!("Le {le:?}, then {next}");
        let apdu = read_account(ctx, le)?;
        let mut whole = ctx.raw(&apdu)?;
        let first = le.map_or(0, |le| if le == 0 { 256 } else { usize::from(le) });
        require!(
            whole.data.len() == first && whole.sw.more().is_some(),
            "{}: {} bytes and {} came first",
            place(),
            whole.data.len(),
            whole.sw
        );
        while let Some(left) = whole.sw.more() {
            let asked = left.min(next);
            let part = ctx.get_response(asked)?;
            require!(
                part.data.len() == asked as usize,
                "{}: {} bytes came instead of {asked}",
                place(),
                part.data.len()
            );
            whole.data.extend_from_slice(&part.data);
            whole.sw = part.sw;
        }
        judge(ctx, whole, &place())?;
        ctx.get_response(256)?
            .want_bare(Sw::CONDITIONS, "GET RESPONSE with nothing left")?;
        ctx.expect_channel("after an answer in parts").at(place)?;
    }
    let apdu = read_account(ctx, Some(16))?;
    ctx.raw(&apdu)?;
    ctx.get_response(16)?;
    ctx.expect_channel("after half an answer")?;
    ctx.get_response(256)?
        .want_bare(Sw::CONDITIONS, "GET RESPONSE after another command")?;
    if extended {
        ctx.form = Form::Extended;
        let command = ctx.owner_command(READ_ACCOUNT, &[])?;
        let apdu = ctx.channel()?.protect(&command, Form::Extended)?;
        let whole = ctx.raw(&apdu)?;
        judge(ctx, whole, "with extended Le")?;
        ctx.form = Form::Short;
    }
    ctx.expect_channel("at the end")
}
