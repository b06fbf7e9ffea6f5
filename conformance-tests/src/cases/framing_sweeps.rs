//! Sweeps over everything that can be sent.

use super::framing_headers::{is_defined, refusal_of_class};
use super::prelude::*;
use super::samples;
use crate::apdu::Answer;
use crate::card::AID;
use crate::tx::raw;
use crate::values::Stream;

/// How many spoilt commands TC-FRM-19 sends.
const MUTATIONS: usize = 10_000;

cases! {
    "TC-FRM-17" version 1 on Own D3 for [FRM_7 FRM_8 FRM_9] runs issued_sweep:
        "All 65 536 CLA-INS pairs with P1-P2 0000, at three lengths each, on an issued card: class \
         and instruction decide as the text says, every status word is one of section 9, no \
         refusal carries data; then the card still pays."
        catches "A hidden instruction; 6F00; a card that an unexpected command breaks.";
    "TC-FRM-18" version 1 on Factory D0 for [FRM_7 FRM_8 FRM_9] runs factory_sweep:
        "All 65 536 CLA-INS pairs on a factory card: the same, and the card is still one that was \
         never issued."
        catches "A maker's test command left in.";
    "TC-FRM-19" version 1 on Own D3 for [FRM_4 FRM_8 FRM_9] runs mutations:
        "10 000 commands of a valid session with bytes changed, cut, or added: every status word \
         is one of section 9; then the card still pays. (VERIFY with data is followed by the right \
         PIN, so that the tries last.)"
        catches "6F00, a mute card, or a broken one, on input that its maker didn't think of.";
}

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

fn sweep(ctx: &mut CaseContext, fields: &[&[u8]]) -> Outcome {
    let card = ctx.capabilities()?;
    for class in 0..=0xFF {
        for instruction in 0..=0xFF {
            let header = [class, instruction, 0, 0];
            for field in fields {
                let answer = ctx.once(&Command::new(header).data(*field))?;
                let defined = is_defined(class, instruction, &card);
                match (refusal_of_class(class, &card), defined) {
                    (Some(sw), _) => answer.want_bare(sw, "the sweep")?,
                    (None, false) => answer.want_bare(Sw::NO_INSTRUCTION, "the sweep")?,
                    (None, true) => listed(&answer, "the sweep")?,
                }
            }
        }
    }
    Ok(())
}

fn issued_sweep(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[100_000, 50_000])?;
    sweep(ctx, &[&[], &[0xA5; 8], &[0x80; 112]])?;
    ctx.select()?;
    ctx.expect_tries(3, "after the sweep")?;
    ctx.pay_checked(&request_of(120_000)).map(drop)
}

fn factory_sweep(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    sweep(ctx, &[&[], &[0xA5; 8]])?;
    ctx.select()?;
    ctx.expect_factory("the sweep issued the card")?;
    Ok(())
}

/// A session that goes through every command, with the bytes that were sent.
fn session(ctx: &mut CaseContext, stream: &mut Stream) -> Step<Vec<Vec<u8>>> {
    let request_of = ctx.requests();
    let index = ctx.host()?.purse.next_receive();
    let (entry, transaction) = ctx.coin_at(stream, 20_000, index)?;
    let body = entry.body();
    // Over a challenge that the card never gave: a changed byte can't make it valid.
    let signature = ctx.owner_signature(&stream.bytes(), Entry::BEGIN, &body)?;
    let request = request_of(10_000);
    let right = ctx.right_block()?;
    let samples = samples::all(ctx)?;
    let commands = [
        Command::new([0x00, 0xA4, 0x04, 0x00])
            .data(AID)
            .le(LE_SHORT),
        Command::new([0x00, 0xCA, 0x01, 0x00]).le(LE_SHORT),
        Command::new([0x00, 0xCA, 0x01, 0x01]),
        Command::new([0x00, 0xC0, 0, 0]).le(LE_SHORT),
        Command::new([0x00, 0x46, 0, 0]).le(LE_SHORT),
        Command::new([0x80, 0x10, 0, 0]).data(ctx.host()?.profile.encode()),
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

fn mutations(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[100_000, 50_000])?;
    let mut stream = ctx.values.stream("mutations");
    let session = session(ctx, &mut stream)?;
    for round in 0..MUTATIONS {
        let mut apdu = session[round % session.len()].clone();
        spoil(&mut stream, &mut apdu);
        if apdu.starts_with(&[0x80, 0x30]) {
            continue;
        }
        let answer = ctx.raw(&apdu)?;
        listed(&answer, "a spoilt command").at(|| format!("round {round}"))?;
        if apdu.starts_with(&[0x00, 0x20, 0x00, 0x80]) && apdu.len() > 4 {
            ctx.verify_right().at(|| format!("round {round}"))?;
        }
    }
    ctx.power_cycle()?;
    ctx.expect_tries(3, "after spoilt commands")?;
    ctx.pay_checked(&request_of(120_000)).map(drop)
}
