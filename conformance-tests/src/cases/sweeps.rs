//! Sweeps over everything that can be sent.

use super::headers::{is_defined, refusal_of_class};
use super::prelude::*;
use super::samples;
use crate::apdu::Answer;
use crate::card::AID;
use crate::tx::raw;
use crate::values::Stream;

/// How many spoilt commands TC-FRM-19 sends.
const MUTATIONS: usize = 10_000;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-FRM-17",
        version: 1,
        purpose: "All 65 536 CLA-INS pairs with P1-P2 0000, at three lengths each, on an issued \
                  card: class and instruction decide as the text says, every status word is one \
                  of section 9, no refusal carries data; then the card still pays.",
        requirements: &[req::FRM_7, req::FRM_8, req::FRM_9],
        start: Start::Own,
        level: Level::D3,
        defect: "A hidden instruction; 6F00; a card that an unexpected command breaks.",
        run: issued_sweep,
    },
    Case {
        id: "TC-FRM-18",
        version: 1,
        purpose: "All 65 536 CLA-INS pairs on a factory card: the same, and the card is still one \
                  that was never issued.",
        requirements: &[req::FRM_7, req::FRM_8, req::FRM_9],
        start: Start::Factory,
        level: Level::D0,
        defect: "A maker's test command left in.",
        run: factory_sweep,
    },
    Case {
        id: "TC-FRM-19",
        version: 1,
        purpose: "10 000 commands of a valid session with bytes changed, cut, or added: every \
                  status word is one of section 9; then the card still pays. (VERIFY with data is \
                  followed by the right PIN, so that the tries last.)",
        requirements: &[req::FRM_4, req::FRM_8, req::FRM_9],
        start: Start::Own,
        level: Level::D3,
        defect: "6F00, a mute card, or a broken one, on input that its maker didn't think of.",
        run: mutations,
    },
];

fn listed(answer: &Answer, what: &str) -> Outcome {
    require!(
        answer.sw.is_listed(),
        "{what}: {} to {} isn't a status word of section 9",
        answer.sw,
        hex::encode_upper(answer.to)
    );
    require!(
        answer.sw.is_success() || answer.data.is_empty(),
        "{what}: data came with {}",
        answer.sw
    );
    Ok(())
}

fn sweep(b: &mut Bench, fields: &[&[u8]]) -> Outcome {
    for class in 0..=0xFF {
        for instruction in 0..=0xFF {
            let header = [class, instruction, 0, 0];
            for field in fields {
                let answer = b.card.once(&Command::new(header).data(*field))?;
                match (refusal_of_class(class), is_defined(class, instruction)) {
                    (Some(sw), _) => answer.want_bare(sw, "the sweep")?,
                    (None, false) => answer.want_bare(Sw::NO_INSTRUCTION, "the sweep")?,
                    (None, true) => listed(&answer, "the sweep")?,
                }
            }
        }
    }
    Ok(())
}

fn issued_sweep(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[100_000, 50_000])?;
    sweep(b, &[&[], &[0xA5; 8], &[0x80; 112]])?;
    b.card.select()?;
    b.card.expect_tries(3, "after the sweep")?;
    b.card.pay_checked(&request(120_000)).map(drop)
}

fn factory_sweep(b: &mut Bench) -> Outcome {
    b.card.select()?;
    sweep(b, &[&[], &[0xA5; 8]])?;
    b.card.select()?;
    require!(
        b.card.status()? == Status::Factory,
        "the sweep issued the card"
    );
    Ok(())
}

/// A session that goes through every command, with the bytes that were sent.
fn session(b: &mut Bench, stream: &mut Stream) -> Step<Vec<Vec<u8>>> {
    let index = b.card.host()?.purse.next_receive;
    let (entry, transaction) = b.card.coin_at(stream, 20_000, index)?;
    let body = entry.body();
    // Over a challenge that the card never gave: a changed byte can't make it valid.
    let signature = b
        .card
        .owner_signature(&stream.bytes(), Entry::BEGIN, &body)?;
    let request = request(10_000);
    let right = b.card.right_block()?;
    let samples = samples::all(b)?;
    let commands = [
        Command::new([0x00, 0xA4, 0x04, 0x00])
            .data(AID)
            .le(LE_SHORT),
        Command::new([0x00, 0xCA, 0x01, 0x00]).le(LE_SHORT),
        Command::new([0x00, 0xCA, 0x01, 0x01]),
        Command::new([0x00, 0xC0, 0, 0]).le(LE_SHORT),
        Command::new([0x00, 0x46, 0, 0]).le(LE_SHORT),
        Command::new([0x80, 0x10, 0, 0]).data(b.card.host()?.profile.encode()),
        Command::new([0x00, 0x20, 0, 0x80]).data(right),
        Command::new([0x80, 0x20, 0, 0]).le(LE_SHORT),
        Command::new([0x00, 0x84, 0, 0]).le(16),
        Command::new(Entry::BEGIN).data(Card::signed(&body, &signature)),
        Command::new(Entry::PIECE).data(&transaction[..20]),
        Command::new(Entry::PIECE).data(raw::LOCK_TIME),
        Command::new([0x80, 0x32, 0, 0])
            .data(request.encode())
            .le(LE_SHORT),
    ]
    .into_iter()
    .chain(samples.into_iter().map(|sample| sample.command))
    .filter(|command| command.header[1] != 0x30);
    commands.map(|command| command.short()).collect()
}

/// Spoils a command so that it can still be carried by every reader: two bytes at least, and no
/// PAY, which a changed amount would leave valid.
fn spoil(stream: &mut Stream, apdu: &mut Vec<u8>) {
    for _ in 0..=stream.below(3) {
        let at = stream.below(apdu.len() as u64) as usize;
        match stream.below(6) {
            0 => apdu[at] ^= 1 << stream.below(8),
            1 => apdu[at] = stream.bytes::<1>()[0],
            2 => apdu.truncate(at.max(2)),
            3 => apdu.insert(at, stream.bytes::<1>()[0]),
            4 => {
                let more = stream.below(20) as usize;
                let more = stream.vec(more);
                apdu.extend_from_slice(&more);
            }
            _ => apdu[at] = [0x00, 0x7F, 0x80, 0xFF][stream.below(4) as usize],
        }
    }
}

fn mutations(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[100_000, 50_000])?;
    let mut stream = b.values.stream("mutations");
    let session = session(b, &mut stream)?;
    for round in 0..MUTATIONS {
        let mut apdu = session[round % session.len()].clone();
        spoil(&mut stream, &mut apdu);
        if apdu.starts_with(&[0x80, 0x30]) {
            continue;
        }
        let answer = b.card.raw(&apdu)?;
        listed(&answer, "a spoilt command").at(|| format!("round {round}"))?;
        if apdu.starts_with(&[0x00, 0x20, 0x00, 0x80]) && apdu.len() > 4 {
            b.card.verify_right().at(|| format!("round {round}"))?;
        }
    }
    b.card.power_cycle()?;
    b.card.expect_tries(3, "after spoilt commands")?;
    b.card.pay_checked(&request(120_000)).map(drop)
}
