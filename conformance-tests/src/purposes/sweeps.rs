//! Sweeps over everything that can be sent. Of any card.

use super::prelude::*;
use crate::forms::Forms;
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
    "TC-FRM-21" version 1 on Own D3 for [FRM_8 FRM_9 INF_1] runs parameter_planes:
        "Of each instruction one in sixteen of all 65 536 P1-P2, chosen by the seed, is sent to an \
         issued card, with a holder authorised: what the text doesn't define is refused with 6A86 \
         (GET DATA: 6A88) and without effect; then the card still pays. Sixteen runs with seeds \
         that follow one another ask all of them."
        catches "A hidden command behind two parameter bytes of a known one.";
}

/// One in so many P1-P2 is asked, and all of them by as many seeds that follow one another.
const SHARE: u64 = 16;

fn listed(forms: &dyn Forms, answer: &Answer, what: &str) -> Outcome {
    require!(
        forms.is_listed(answer.sw),
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

fn sweep(card: &mut dyn Driver, fields: &[&[u8]]) -> Outcome {
    let forms = card.forms()?;
    for class in 0..=0xFF {
        for instruction in 0..=0xFF {
            let known = forms.knows(class, instruction);
            for field in fields {
                let answer = card.ask(&Command::new([class, instruction, 0, 0]).data(*field))?;
                match (forms.refusal_of_class(class), known) {
                    (Some(sw), _) => answer.want_bare(sw, "the sweep")?,
                    (None, false) => answer.want_bare(Sw::NO_INSTRUCTION, "the sweep")?,
                    (None, true) => listed(&*forms, &answer, "the sweep")?,
                }
            }
        }
    }
    Ok(())
}

fn issued_sweep(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[100_000, 50_000])?;
    let card = ctx.driver();
    sweep(card, &[&[], &[0xA5; 8], &[0x80; 112]])?;
    card.reselect()?;
    card.expect_left(card.most_tries(), "after the sweep")?;
    card.serve()
}

fn factory_sweep(ctx: &mut CaseContext) -> Outcome {
    let card = ctx.driver();
    card.reselect()?;
    sweep(card, &[&[], &[0xA5; 8]])?;
    card.reselect()?;
    card.expect_blank("the sweep issued the card")
}

/// Whether P1-P2 are asked with this seed. Seven has no divisor in common with sixteen, so that
/// each P1 and each P2 comes with as many others.
fn is_asked(seed: u64, p1: u8, p2: u8) -> bool {
    (seed % SHARE + u64::from(p1) + 7 * u64::from(p2)).is_multiple_of(SHARE)
}

fn parameter_planes(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[100_000, 50_000])?;
    let (values, seed) = (ctx.values.clone(), ctx.settings.seed);
    let card = ctx.driver();
    let forms = card.forms()?;
    let follow_ups = card.occupy(&values)?;
    let headers = card.samples(&values)?;
    let headers: Vec<[u8; 4]> = headers.iter().map(|sample| sample.command.header).collect();
    let mut instructions: Vec<[u8; 2]> = headers
        .iter()
        .map(|header| [header[0], header[1]])
        .collect();
    instructions.sort_unstable();
    instructions.dedup();
    for [class, instruction] in instructions {
        let of_it = |header: &&[u8; 4]| header[..2] == [class, instruction] && forms.has(**header);
        let headers: Vec<&[u8; 4]> = headers.iter().filter(of_it).collect();
        for (p1, p2) in (0..=0xFF).flat_map(|p1| (0..=0xFF).map(move |p2| (p1, p2))) {
            let known = |header: &&[u8; 4]| forms.knows_parameters(**header, p1, p2);
            if headers.is_empty() || !is_asked(seed, p1, p2) || headers.iter().any(known) {
                continue;
            }
            card.ask(&Command::new([class, instruction, p1, p2]))?
                .want_bare(forms.refusal_of_parameters(instruction), "the sweep")?;
        }
    }
    card.expect_holder(true, "after the sweep")?;
    card.expect_left(card.most_tries(), "after the sweep")?;
    card.ask(&follow_ups[0].command)?
        .want_bare(follow_ups[0].sw, follow_ups[0].name)?;
    card.restart(Reset::Cold)?;
    card.serve()
}

/// Spoils a command so that it can still be carried by every reader: two bytes at least.
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
    ctx.prepare_funded(&[100_000, 50_000])?;
    let values = ctx.values.clone();
    let card = ctx.driver();
    let forms = card.forms()?;
    let session = card.session(&values)?;
    let presenting = card.presenting(&[]).header;
    let mut stream = values.stream("mutations");
    for round in 0..MUTATIONS {
        let mut apdu = session[round % session.len()].clone();
        spoil(&mut stream, &mut apdu);
        if !forms.is_harmless(&apdu) {
            continue;
        }
        let place = || format!("round {round}");
        let answer = card.transmit(&apdu)?;
        listed(&*forms, &answer, "a spoilt command").at(place)?;
        if apdu.starts_with(&presenting) && apdu.len() > presenting.len() {
            card.expect_right("the right PIN").at(place)?;
        }
    }
    card.restart(Reset::Cold)?;
    card.expect_left(card.most_tries(), "after spoilt commands")?;
    card.serve()
}
