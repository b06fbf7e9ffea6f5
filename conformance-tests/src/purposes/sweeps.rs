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
}

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
