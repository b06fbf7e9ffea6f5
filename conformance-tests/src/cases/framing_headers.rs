//! Class, instruction, P1-P2.

use super::prelude::*;
use super::samples;
use crate::card::Capabilities;

cases! {
    "TC-FRM-09" version 2 on Issued D1 for [FRM_7 MSG_2] runs classes:
        "All 254 class bytes other than 00 and 80, with every instruction of the text, are refused \
         with the status word of the table (those of protected commands, 04 and 84, with 6982, \
         since there is no channel) and without effect: no try, no authorisation, no challenge, no \
         coin entry is touched."
        catches "A class byte that isn't looked at, or only in part.";
    "TC-FRM-10" version 2 on Issued D1 for [FRM_8] runs instructions:
        "All instructions that the text doesn't define, in both classes, with and without data, \
         are refused with 6D00 and without effect."
        catches "A hidden instruction, or one that works in the other class.";
    "TC-FRM-11" version 3 on Issued D1 for [FRM_8 INF_1] runs parameters:
        "Every instruction with all 256 values of P1, and of P2, that it doesn't define is refused \
         with 6A86 (GET DATA: 6A88) and without effect."
        catches "P1 or P2 ignored, or masked.";
}

/// `[FRM-7]`, and `[MSG-2]` with an application selected and no channel; none for the classes of
/// plain commands.
pub(super) const fn refusal_of_class(class: u8, card: &Capabilities) -> Option<Sw> {
    Some(match class {
        0x00 | 0x80 => return None,
        0x01..=0x03 | 0x81..=0x83 => Sw::NO_CHANNELS,
        0x04 | 0x84 if card.declares(Capability::Channel) => Sw::SECURITY,
        0x04 | 0x84 => Sw::NO_SECURE_MESSAGING,
        0x05..=0x0F | 0x85..=0x8F => Sw::NO_SECURE_MESSAGING,
        0x10..=0x1F | 0x90..=0x9F => Sw::NO_CHAINING,
        0x40..=0x7F if class & 0x10 != 0 => Sw::NO_CHAINING,
        0x40..=0x7F if class & 0x20 != 0 => Sw::NO_SECURE_MESSAGING,
        0x40..=0x7F => Sw::NO_CHANNELS,
        _ => Sw::NO_CLASS,
    })
}

/// The instructions of a class that this card must know.
pub(super) const fn is_defined(class: u8, instruction: u8, card: &Capabilities) -> bool {
    if !card.knows([class, instruction, 0, 0]) {
        return false;
    }
    match class {
        0x00 => matches!(
            instruction,
            0x20 | 0x2C | 0x46 | 0x84 | 0x88 | 0xA4 | 0xC0 | 0xCA | 0xDA | 0xFE
        ),
        0x80 => matches!(
            instruction,
            0x10 | 0x20
                | 0x22
                | 0x30
                | 0x32
                | 0x34
                | 0x36
                | 0x38
                | 0x40
                | 0x42
                | 0x44
                | 0x46
                | 0x48
                | 0x4A
                | 0x4C
                | 0x4E
                | 0x50
                | 0x52
                | 0x54
                | 0x56
                | 0x88
        ),
        _ => false,
    }
}

/// A session with everything in it that a refused command must leave alone.
struct Session {
    entry: Entry,
    transaction: Vec<u8>,
    challenge: [u8; 16],
}

/// Authorises the holder, gets a challenge, and puts a first piece of a coin entry in. The coin
/// isn't one that could enter: its transaction has another script.
fn open_session(ctx: &mut CaseContext) -> Step<Session> {
    ctx.authorise()?;
    let mut stream = ctx.values.stream("session");
    let transaction = crate::tx::funding(&mut stream, 1, &[(1_000, payee::p2tr([0x11; 32]))]);
    let bytes = crate::tx::preimage(&transaction);
    let entry = Entry {
        txid: crate::tx::txid(&transaction),
        vout: 0,
        place: 0,
    };
    Ok(Session {
        entry,
        transaction: bytes,
        challenge: ctx.challenge()?,
    })
}

/// The holder is still authorised, no try is used, and the challenge is still good.
fn check_session(ctx: &mut CaseContext, session: &Session, when: &str) -> Outcome {
    ctx.expect_authorised(true, when)?;
    ctx.expect_tries(3, when)?;
    let body = session.entry.body();
    let signature = ctx.owner_signature(&session.challenge, Entry::BEGIN, &body)?;
    ctx.once(&Command::new(Entry::BEGIN).data(Card::signed(&body, &signature)))?
        .want_bare(Sw::OK, "ENTER COIN with the challenge of before")
        .at(when)
}

fn classes(ctx: &mut CaseContext) -> Outcome {
    let samples = samples::all(ctx)?;
    let session = open_session(ctx)?;
    let capabilities = ctx.host()?.capabilities;
    let refused = |ctx: &mut CaseContext, class: u8| -> Outcome {
        let Some(sw) = refusal_of_class(class, &capabilities) else {
            return Ok(());
        };
        for sample in &samples {
            let mut command = sample.command.clone();
            command.header[0] = class;
            ctx.once(&command)?
                .want_bare(sw, sample.name)
                .at(|| format!("class {class:02X}"))?;
        }
        let select = Command::new([class, 0xA4, 0x04, 0x0C]).data(crate::card::AID);
        ctx.once(&select)?
            .want_bare(sw, "SELECT")
            .at(|| format!("class {class:02X}"))
    };
    for class in 0..=0xFF {
        refused(ctx, class)?;
    }
    check_session(ctx, &session, "after all classes")?;
    // Refused classes don't end a coin entry either: it runs to the refusal that its script earns.
    ctx.piece(&session.transaction[..10])?
        .want_bare(Sw::OK, "ENTER COIN, a piece")?;
    for class in [
        0x01, 0x04, 0x10, 0x20, 0x40, 0x50, 0x60, 0x81, 0x84, 0x90, 0xA0, 0xFF,
    ] {
        refused(ctx, class)?;
    }
    ctx.piece(&session.transaction[10..])?.want_bare(
        Sw::OTHER_SCRIPT,
        "ENTER COIN, the last piece, after refused classes",
    )
}

fn instructions(ctx: &mut CaseContext) -> Outcome {
    let session = open_session(ctx)?;
    let capabilities = ctx.host()?.capabilities;
    for class in [0x00, 0x80] {
        for instruction in 0..=0xFF {
            if is_defined(class, instruction, &capabilities) {
                continue;
            }
            for data in [&[][..], &[0xAA; 8], &[0x00; 112]] {
                ctx.once(
                    &Command::new([class, instruction, 0, 0])
                        .data(data)
                        .le(LE_SHORT),
                )?
                .want_bare(Sw::NO_INSTRUCTION, "an undefined instruction")?;
            }
        }
    }
    check_session(ctx, &session, "after all undefined instructions")
}

fn parameters(ctx: &mut CaseContext) -> Outcome {
    let session = open_session(ctx)?;
    let card = ctx.host()?.capabilities;
    // SELECT has its own case, TC-SEL-06.
    for sample in samples::declared(ctx)? {
        let [class, instruction, right_p1, right_p2] = sample.command.header;
        let defined = |p1: u8, p2: u8| match (class, instruction) {
            (0x00, 0xCA) => [(0x01, 0x00), (0x01, 0x01), (0xBF, 0x21)].contains(&(p1, p2)),
            (0x00, 0x46) => p1 == 0 && p2 <= 0x01 && card.knows([0x00, 0x46, 0, p2]),
            (0x00, 0xDA) => p1 == 0x02 && (p2 & 0x0F < 4 && p2 < 0x30 || p2 == 0xFF),
            (0x00, 0x2C) => (p1 == 0x02 || p1 == 0x03) && p2 == 0x80,
            (0x80, 0x10) => p1 <= 0x01 && p2 == 0 && card.knows([0x80, 0x10, p1, 0]),
            (0x80, 0x30 | 0x48) => p1 <= 0x01 && p2 == 0,
            (0x80, 0x22) => p1 <= 0x02 && p2 == 0 && card.knows([0x80, 0x22, p1, 0]),
            // P2 of P1 02 is the number of an input.
            (0x80, 0x40) => (p1 == 0x02 && p2 <= 0x7F) || (p1 <= 0x01 && p2 == 0),
            _ => (p1, p2) == (right_p1, right_p2),
        };
        let expected = if instruction == 0xCA {
            Sw::NOT_FOUND
        } else {
            Sw::WRONG_P1P2
        };
        let across = (0..=0xFF).map(|p1| (p1, right_p2));
        let down = (0..=0xFF).map(|p2| (right_p1, p2));
        for (p1, p2) in across.chain(down).filter(|(p1, p2)| !defined(*p1, *p2)) {
            let mut command = sample.command.clone();
            command.header = [class, instruction, p1, p2];
            ctx.once(&command)?.want_bare(expected, sample.name)?;
        }
    }
    for (p1, p2) in [(0, 1), (1, 0), (0xFF, 0xFF)] {
        ctx.raw(&[0x00, 0xC0, p1, p2, 0x00])?
            .want_bare(Sw::WRONG_P1P2, "GET RESPONSE")?;
    }
    check_session(ctx, &session, "after all undefined P1-P2")
}
