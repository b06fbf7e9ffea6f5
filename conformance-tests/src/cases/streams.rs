//! What ends a coin entry, a signing or a reading of coins, and what doesn't: `[SES-4]`.

use super::prelude::*;
use super::staged::{Left, Staged, begin, expect_gone};
use crate::card::{AID, READ_COINS_ON};
use crate::model::Spend;

/// More data than any card needs to take in one command.
const HUGE: usize = 40_000;

cases! {
    "TC-SES-06" version 1 on Own D3 for [SES_4 ENT_5 SGN_5 IMG_2 MSG_1 FRM_8] runs disturbed:
        "A coin entry, a signing and a reading of coins each end with the next command of \
         their own when that is refused (no data in a piece, data in a reading), with another \
         command done or refused, and inside a channel with all of these sent protected, with \
         a protected SELECT or GET RESPONSE (6D00), and with a protected piece that is longer \
         than the card takes. They don't end with GET RESPONSE, a refused SELECT, another \
         class, length fields that don't agree, nor, in a plain session, with a protected \
         command (6982)."
        catches "A stream that goes on after a command which the next till sent.";
}

const UNDER_WAY: [Staged; 3] = [Staged::Entry, Staged::Signing, Staged::Reading];

/// A command between two that belong together, and its answer.
struct Disturbance {
    name: &'static str,
    /// Sent as it is, plain; else as the session has it.
    raw: bool,
    command: Command,
    sw: Sw,
}

/// Those that end it, and those that don't. `protected` is what a card answers to a protected command
/// outside of a channel.
fn disturbances(
    what: Staged,
    channel: bool,
    protected: Sw,
) -> (Vec<Disturbance>, Vec<Disturbance>) {
    let new = |name, raw, command, sw| Disturbance {
        name,
        raw,
        command,
        sw,
    };
    let own = match what {
        Staged::Entry => Command::new(Entry::PIECE),
        Staged::Signing => Command::new(Spend::PIECE),
        _ => Command::new(READ_COINS_ON).data([0]),
    };
    let other_p1 = Command::new([own.header[0], own.header[1], 9, 0]);
    let status = Command::new([0x00, 0xCA, 0x01, 0x00]).le(LE_SHORT);
    let get_response = Command::new([0x00, 0xC0, 0, 0]).le(LE_SHORT);
    let select = |name: &[u8]| Command::new([0x00, 0xA4, 0x04, 0x00]).data(name);
    let mut ending = vec![
        new("its own, with a wrong length", false, own, Sw::WRONG_LENGTH),
        new("its own, with another P1", false, other_p1, Sw::WRONG_P1P2),
        new("GET DATA", false, status, Sw::OK),
        new(
            "an undefined instruction",
            false,
            Command::new([0x80, 0xFE, 0, 0]),
            Sw::NO_INSTRUCTION,
        ),
    ];
    let mut harmless = vec![
        new("GET RESPONSE", true, get_response.clone(), Sw::CONDITIONS),
        new(
            "SELECT of another application",
            true,
            select(&[1; 5]),
            Sw::NO_APPLICATION,
        ),
        new(
            "another class",
            true,
            Command::new([0xA0, 0xCA, 1, 0]),
            Sw::NO_CLASS,
        ),
    ];
    if channel {
        ending.push(new(
            "SELECT, protected",
            false,
            select(&AID),
            Sw::NO_INSTRUCTION,
        ));
        ending.push(new(
            "GET RESPONSE, protected",
            false,
            get_response,
            Sw::NO_INSTRUCTION,
        ));
    } else {
        harmless.push(new(
            "a protected command",
            true,
            Command::new([0x84, 0x20, 0, 0]).data([0; 8]),
            protected,
        ));
    }
    (ending, harmless)
}

fn disturb(ctx: &mut CaseContext, disturbance: &Disturbance) -> Outcome {
    let answer = if disturbance.raw {
        ctx.raw(&disturbance.command.short()?)?
    } else {
        ctx.once(&disturbance.command)?
    };
    require!(
        answer.sw == disturbance.sw,
        "{} is answered {} instead of {}",
        disturbance.name,
        answer.sw,
        disturbance.sw
    );
    Ok(())
}

/// It must go on, and be under way after that.
fn expect_there(ctx: &mut CaseContext, what: Staged, left: &Left) -> Outcome {
    match (what, left) {
        (Staged::Entry, Left::Piece(piece)) => ctx
            .piece(&piece[..1])?
            .want_bare(Sw::OK, "ENTER COIN, a piece"),
        (Staged::Signing, Left::Piece(piece)) => ctx
            .sign_piece(&piece[..1])?
            .want_bare(Sw::OK, "SIGN, a piece"),
        _ => ctx
            .next_coins()?
            .want(Sw::OK, "READ COINS, a part")
            .map(drop),
    }
}

fn disturbed(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[60_000, 50_000])?;
    let capabilities = ctx.host()?.capabilities;
    let protected = if capabilities.needs(Capability::Channel).is_ok() {
        Sw::SECURITY
    } else {
        Sw::NO_SECURE_MESSAGING
    };
    for channel in [false, true] {
        if channel {
            if capabilities.needs(Capability::Channel).is_err() {
                ctx.note("no channel: plain sessions only");
                break;
            }
            ctx.open_channel()?;
        }
        for what in UNDER_WAY {
            let (ending, harmless) = disturbances(what, channel, protected);
            for disturbance in &ending {
                let place = || format!("{what:?}, channel {channel}, {}", disturbance.name);
                let Some(left) = begin(ctx, what)? else { break };
                disturb(ctx, disturbance).at(place)?;
                expect_gone(ctx, what, &left).at(place)?;
            }
            for disturbance in &harmless {
                let place = || format!("{what:?}, channel {channel}, {}", disturbance.name);
                let Some(left) = begin(ctx, what)? else { break };
                disturb(ctx, disturbance).at(place)?;
                expect_there(ctx, what, &left).at(place)?;
            }
        }
        if capabilities.extended_length() {
            too_long(ctx).at(|| format!("channel {channel}"))?;
        }
    }
    ctx.expect_ledger("after all that was given up")
}

/// A piece that no card can go on with: too long, or not what the stream needs.
fn too_long(ctx: &mut CaseContext) -> Outcome {
    for (what, header) in [
        (Staged::Entry, Entry::PIECE),
        (Staged::Signing, Spend::PIECE),
    ] {
        let Some(left) = begin(ctx, what)? else {
            continue;
        };
        ctx.form = Form::Extended;
        let answer = ctx.once(&Command::new(header).data(vec![0xEE; HUGE]));
        ctx.form = Form::Short;
        let sw = answer?.sw;
        require!(
            [Sw::WRONG_LENGTH, Sw::WRONG_DATA].contains(&sw),
            "{what:?}: a piece of {HUGE} bytes is answered {sw}"
        );
        expect_gone(ctx, what, &left).at(|| format!("{what:?}, a piece of {HUGE} bytes"))?;
    }
    Ok(())
}
