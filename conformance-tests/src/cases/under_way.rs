//! What ends a coin entry, a signing or a reading of coins, and what doesn't: `[SES-4]`.

use super::prelude::*;
use super::staged::{Left, Staged, begin, expect_gone};
use crate::card::{AID, READ_COINS_ON};
use crate::model::Spend;

/// More data than any card needs to take in one command.
const HUGE: usize = 40_000;

pub(crate) const CASES: &[Case] = &[Case {
    id: "TC-SES-06",
    version: 1,
    purpose: "A coin entry, a signing and a reading of coins each end with the next command of \
              their own when that is refused (no data in a piece, data in a reading), with another \
              command done or refused, and inside a channel with all of these sent protected, with \
              a protected SELECT or GET RESPONSE (6D00), and with a protected piece that is longer \
              than the card takes. They don't end with GET RESPONSE, a refused SELECT, another \
              class, length fields that don't agree, nor, in a plain session, with a protected \
              command (6982).",
    requirements: &[
        req::SES_4,
        req::ENT_5,
        req::SGN_5,
        req::IMG_2,
        req::MSG_1,
        req::FRM_8,
    ],
    start: Start::Own,
    level: Level::D3,
    defect: "A stream that goes on after a command which the next till sent.",
    run: disturbed,
}];

const UNDER_WAY: [Staged; 3] = [Staged::Entry, Staged::Signing, Staged::Reading];

/// A command between two that belong together, and its answer.
struct Disturbance {
    name: &'static str,
    /// Sent as it is, plain; else as the session has it.
    raw: bool,
    command: Command,
    sw: Sw,
}

fn disturbances(what: Staged, channel: bool) -> (Vec<Disturbance>, Vec<Disturbance>) {
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
            Sw::SECURITY,
        ));
    }
    (ending, harmless)
}

fn disturb(b: &mut Bench, disturbance: &Disturbance) -> Outcome {
    let answer = if disturbance.raw {
        b.card.raw(&disturbance.command.short()?)?
    } else {
        b.card.once(&disturbance.command)?
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
fn expect_there(b: &mut Bench, what: Staged, left: &Left) -> Outcome {
    match (what, left) {
        (Staged::Entry, Left::Piece(piece)) => b
            .card
            .piece(&piece[..1])?
            .want_bare(Sw::OK, "ENTER COIN, a piece"),
        (Staged::Signing, Left::Piece(piece)) => b
            .card
            .sign_piece(&piece[..1])?
            .want_bare(Sw::OK, "SIGN, a piece"),
        _ => b
            .card
            .next_coins()?
            .want(Sw::OK, "READ COINS, a part")
            .map(drop),
    }
}

fn disturbed(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[60_000, 50_000])?;
    let capabilities = b.card.host()?.capabilities;
    for channel in [false, true] {
        if channel {
            if capabilities.needs(Capability::Channel).is_err() {
                b.note("no channel: plain sessions only");
                break;
            }
            b.open_channel()?;
        }
        for what in UNDER_WAY {
            let (ending, harmless) = disturbances(what, channel);
            for disturbance in &ending {
                let place = || format!("{what:?}, channel {channel}, {}", disturbance.name);
                let Some(left) = begin(b, what)? else { break };
                disturb(b, disturbance).at(place)?;
                expect_gone(b, what, &left).at(place)?;
            }
            for disturbance in &harmless {
                let place = || format!("{what:?}, channel {channel}, {}", disturbance.name);
                let Some(left) = begin(b, what)? else { break };
                disturb(b, disturbance).at(place)?;
                expect_there(b, what, &left).at(place)?;
            }
        }
        if capabilities.extended_length() {
            too_long(b).at(|| format!("channel {channel}"))?;
        }
    }
    b.card.expect_books("after all that was given up")
}

/// A piece that no card can go on with: too long, or not what the stream needs.
fn too_long(b: &mut Bench) -> Outcome {
    for (what, header) in [
        (Staged::Entry, Entry::PIECE),
        (Staged::Signing, Spend::PIECE),
    ] {
        let Some(left) = begin(b, what)? else {
            continue;
        };
        b.card.form = Form::Extended;
        let answer = b.card.once(&Command::new(header).data(vec![0xEE; HUGE]));
        b.card.form = Form::Short;
        let sw = answer?.sw;
        require!(
            [Sw::WRONG_LENGTH, Sw::WRONG_DATA].contains(&sw),
            "{what:?}: a piece of {HUGE} bytes is answered {sw}"
        );
        expect_gone(b, what, &left).at(|| format!("{what:?}, a piece of {HUGE} bytes"))?;
    }
    Ok(())
}
