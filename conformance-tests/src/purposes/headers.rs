//! Class, instruction, P1-P2 (ISO/IEC 7816-4 §5.4). Of any card.

use super::prelude::*;
use crate::apdu::LE_SHORT;
use crate::forms::{FollowUp, Sample};

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

/// Some of each kind of class.
const CLASSES: [u8; 12] = [
    0x01, 0x04, 0x10, 0x20, 0x40, 0x50, 0x60, 0x81, 0x84, 0x90, 0xA0, 0xFF,
];

/// The command of before must be answered as if nothing had come between.
fn follow(card: &mut dyn Driver, next: &FollowUp, when: &str) -> Outcome {
    card.ask(&next.command)?
        .want_bare(next.sw, next.name)
        .at(when)
}

/// The holder is still authorised, no try is used, and what the card is occupied with goes on.
fn expect_untouched(card: &mut dyn Driver, next: &FollowUp, when: &str) -> Outcome {
    card.expect_holder(true, when)?;
    card.expect_left(card.most_tries(), when)?;
    follow(card, next, when)
}

fn classes(ctx: &mut CaseContext) -> Outcome {
    let values = ctx.values.clone();
    let card = ctx.driver();
    let forms = card.forms()?;
    let mut samples = card.samples(&values)?;
    samples.push(Sample {
        name: "SELECT",
        command: card.selecting(),
    });
    let follow_ups = card.occupy(&values)?;
    let refused = |card: &mut dyn Driver, class: u8| -> Outcome {
        let Some(sw) = forms.refusal_of_class(class) else {
            return Ok(());
        };
        for sample in &samples {
            let mut command = sample.command.clone();
            command.header[0] = class;
            card.ask(&command)?
                .want_bare(sw, sample.name)
                .at(|| format!("class {class:02X}"))?;
        }
        Ok(())
    };
    for class in 0..=0xFF {
        refused(card, class)?;
    }
    let [first, second, rest @ ..] = &follow_ups[..] else {
        return Err(Stop::Error("the driver has no follow-ups".to_owned()));
    };
    expect_untouched(card, first, "after all classes")?;
    follow(card, second, "after the command that begins")?;
    for class in CLASSES {
        refused(card, class)?;
    }
    for next in rest {
        follow(card, next, "after refused classes")?;
    }
    Ok(())
}

fn instructions(ctx: &mut CaseContext) -> Outcome {
    let values = ctx.values.clone();
    let card = ctx.driver();
    let forms = card.forms()?;
    let follow_ups = card.occupy(&values)?;
    for class in (0..=0xFF).filter(|class| forms.refusal_of_class(*class).is_none()) {
        for instruction in (0..=0xFF).filter(|instruction| !forms.knows(class, *instruction)) {
            for data in [&[][..], &[0xAA; 8], &[0x00; 112]] {
                let command = Command::new([class, instruction, 0, 0]).data(data);
                card.ask(&command.le(LE_SHORT))?
                    .want_bare(Sw::NO_INSTRUCTION, "an undefined instruction")?;
            }
        }
    }
    expect_untouched(card, &follow_ups[0], "after all undefined instructions")
}

fn parameters(ctx: &mut CaseContext) -> Outcome {
    let values = ctx.values.clone();
    let card = ctx.driver();
    let forms = card.forms()?;
    let mut samples = card.samples(&values)?;
    // SELECT has its own case, TC-SEL-06.
    samples.retain(|sample| forms.has(sample.command.header));
    let follow_ups = card.occupy(&values)?;
    for Sample { name, command } in samples {
        let [class, instruction, right_p1, right_p2] = command.header;
        let across = (0..=0xFF).map(|p1| (p1, right_p2));
        let down = (0..=0xFF).map(|p2| (right_p1, p2));
        for (p1, p2) in across.chain(down) {
            if forms.knows_parameters(command.header, p1, p2) {
                continue;
            }
            let mut other = command.clone();
            other.header = [class, instruction, p1, p2];
            card.ask(&other)?
                .want_bare(forms.refusal_of_parameters(instruction), name)?;
        }
    }
    for (p1, p2) in [(0, 1), (1, 0), (0xFF, 0xFF)] {
        card.transmit(&[0x00, 0xC0, p1, p2, 0x00])?
            .want_bare(Sw::WRONG_P1P2, "GET RESPONSE")?;
    }
    expect_untouched(card, &follow_ups[0], "after all undefined P1-P2")
}
