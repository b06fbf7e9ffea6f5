//! Class, instruction, P1-P2.

use super::prelude::*;
use super::samples;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-FRM-09",
        version: 2,
        purpose: "All 254 class bytes other than 00 and 80, with every instruction of the text, \
                  are refused with the status word of the table (those of protected commands, 04 \
                  and 84, with 6982, since there is no channel) and without effect: no try, no \
                  authorisation, no challenge, no coin entry is touched.",
        requirements: &[req::FRM_7, req::MSG_2],
        start: Start::Issued,
        level: Level::D1,
        defect: "A class byte that isn't looked at, or only in part.",
        run: classes,
    },
    Case {
        id: "TC-FRM-10",
        version: 1,
        purpose: "All instructions that the text doesn't define, in both classes, with and \
                  without data, are refused with 6D00 and without effect.",
        requirements: &[req::FRM_8],
        start: Start::Issued,
        level: Level::D1,
        defect: "A hidden instruction, or one that works in the other class.",
        run: instructions,
    },
    Case {
        id: "TC-FRM-11",
        version: 2,
        purpose: "Every instruction with all 256 values of P1, and of P2, that it doesn't define \
                  is refused with 6A86 (GET DATA: 6A88) and without effect.",
        requirements: &[req::FRM_8, req::INF_1],
        start: Start::Issued,
        level: Level::D1,
        defect: "P1 or P2 ignored, or masked.",
        run: parameters,
    },
];

/// `[FRM-7]`, and `[MSG-2]` with an application selected and no channel; none for the classes of
/// plain commands.
pub(super) const fn refusal_of_class(class: u8) -> Option<Sw> {
    Some(match class {
        0x00 | 0x80 => return None,
        0x01..=0x03 | 0x81..=0x83 => Sw::NO_CHANNELS,
        0x04 | 0x84 => Sw::SECURITY,
        0x05..=0x0F | 0x85..=0x8F => Sw::NO_SECURE_MESSAGING,
        0x10..=0x1F | 0x90..=0x9F => Sw::NO_CHAINING,
        0x40..=0x7F if class & 0x10 != 0 => Sw::NO_CHAINING,
        0x40..=0x7F if class & 0x20 != 0 => Sw::NO_SECURE_MESSAGING,
        0x40..=0x7F => Sw::NO_CHANNELS,
        _ => Sw::NO_CLASS,
    })
}

/// The instructions of a class.
pub(super) const fn is_defined(class: u8, instruction: u8) -> bool {
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
fn open_session(b: &mut Bench) -> Step<Session> {
    b.card.authorise()?;
    let mut stream = b.values.stream("session");
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
        challenge: b.card.challenge()?,
    })
}

/// The holder is still authorised, no try is used, and the challenge is still good.
fn check_session(b: &mut Bench, session: &Session, when: &str) -> Outcome {
    b.card.expect_authorised(true, when)?;
    b.card.expect_tries(3, when)?;
    let body = session.entry.body();
    let signature = b
        .card
        .owner_signature(&session.challenge, Entry::BEGIN, &body)?;
    b.card
        .once(&Command::new(Entry::BEGIN).data(Card::signed(&body, &signature)))?
        .want_bare(Sw::OK, "ENTER COIN with the challenge of before")
        .at(|| when.to_owned())
}

fn classes(b: &mut Bench) -> Outcome {
    let samples = samples::all(b)?;
    let session = open_session(b)?;
    let refused = |b: &mut Bench, class: u8| -> Outcome {
        let Some(sw) = refusal_of_class(class) else {
            return Ok(());
        };
        for sample in &samples {
            let mut command = sample.command.clone();
            command.header[0] = class;
            b.card
                .once(&command)?
                .want_bare(sw, sample.name)
                .at(|| format!("class {class:02X}"))?;
        }
        let select = Command::new([class, 0xA4, 0x04, 0x0C]).data(crate::card::AID);
        b.card
            .once(&select)?
            .want_bare(sw, "SELECT")
            .at(|| format!("class {class:02X}"))
    };
    for class in 0..=0xFF {
        refused(b, class)?;
    }
    check_session(b, &session, "after all classes")?;
    // Refused classes don't end a coin entry either: it runs to the refusal that its script earns.
    b.card
        .piece(&session.transaction[..10])?
        .want_bare(Sw::OK, "ENTER COIN, a piece")?;
    for class in [
        0x01, 0x04, 0x10, 0x20, 0x40, 0x50, 0x60, 0x81, 0x84, 0x90, 0xA0, 0xFF,
    ] {
        refused(b, class)?;
    }
    b.card.piece(&session.transaction[10..])?.want_bare(
        Sw::OTHER_SCRIPT,
        "ENTER COIN, the last piece, after refused classes",
    )
}

fn instructions(b: &mut Bench) -> Outcome {
    let session = open_session(b)?;
    for class in [0x00, 0x80] {
        for instruction in 0..=0xFF {
            if is_defined(class, instruction) {
                continue;
            }
            for data in [&[][..], &[0xAA; 8], &[0x00; 112]] {
                b.card
                    .once(
                        &Command::new([class, instruction, 0, 0])
                            .data(data)
                            .le(LE_SHORT),
                    )?
                    .want_bare(Sw::NO_INSTRUCTION, "an undefined instruction")?;
            }
        }
    }
    check_session(b, &session, "after all undefined instructions")
}

fn parameters(b: &mut Bench) -> Outcome {
    let session = open_session(b)?;
    // SELECT has its own case, TC-SEL-06.
    for sample in samples::declared(b)? {
        let [class, instruction, right_p1, right_p2] = sample.command.header;
        let defined = |p1: u8, p2: u8| match (class, instruction) {
            (0x00, 0xCA) => [(0x01, 0x00), (0x01, 0x01), (0xBF, 0x21)].contains(&(p1, p2)),
            (0x00, 0x46) => p1 == 0 && p2 <= 0x01,
            (0x00, 0xDA) => p1 == 0x02 && (p2 & 0x0F < 4 && p2 < 0x30 || p2 == 0xFF),
            (0x00, 0x2C) => (p1 == 0x02 || p1 == 0x03) && p2 == 0x80,
            (0x80, 0x10 | 0x48) => p1 <= 0x01 && p2 == 0,
            (0x80, 0x22) => p1 <= 0x02 && p2 == 0,
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
            b.card.once(&command)?.want_bare(expected, sample.name)?;
        }
    }
    for (p1, p2) in [(0, 1), (1, 0), (0xFF, 0xFF)] {
        b.card
            .raw(&[0x00, 0xC0, p1, p2, 0x00])?
            .want_bare(Sw::WRONG_P1P2, "GET RESPONSE")?;
    }
    check_session(b, &session, "after all undefined P1-P2")
}
