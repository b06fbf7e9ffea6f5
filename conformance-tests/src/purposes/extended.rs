//! Extended Le (ISO/IEC 7816-4 §5.2). Of any card that takes extended APDUs.

use super::prelude::*;
use crate::apdu::LE_EXTENDED;

cases! {
    "TC-FRM-05" version 1 on Funded D1 for [FRM_3 FRM_5] runs extended_le:
        "An extended Le below the answer's length gives the first Le bytes with 61xx, and the rest \
         by GET RESPONSE; an Le of the exact length, or above, gives all."
        catches "Extended Le ignored.";
}

fn extended_le(ctx: &mut CaseContext) -> Outcome {
    let card = ctx.driver();
    if !card.forms().preamble()?.takes_extended() {
        return Err(Stop::NotApplicable(
            "the card doesn't declare extended length".to_owned(),
        ));
    }
    let question = card.long_question()?;
    let whole = card.whole_answer(&question, "the long answer")?;
    let length = whole.len() as u32;
    put!(
        length > 257,
        "the answer is too short for this case: {length} bytes"
    );
    for le in [1, 255, 256, 257, length - 1] {
        let place = || format!("Le {le}");
        let question = card.long_question()?;
        let first = card.transmit(&question.le(le).extended()?)?;
        let left = length - le;
        let expected = Sw(0x6100 | if left >= 256 { 0 } else { left as u16 });
        let mut data = first
            .want(expected, "the long answer, with a small extended Le")
            .at(place)?;
        require!(
            data.len() == le as usize,
            "Le {le} gave {} bytes",
            data.len()
        );
        while data.len() < whole.len() {
            let part = card.get_response(256)?.data;
            require!(!part.is_empty(), "Le {le}: GET RESPONSE gave no data");
            data.extend(part);
        }
        require!(
            data == whole,
            "Le {le}: the parts don't make the whole answer"
        );
    }
    for le in [length, length + 1, LE_EXTENDED - 1, LE_EXTENDED] {
        let question = card.long_question()?;
        let data = card
            .transmit(&question.le(le).extended()?)?
            .want(Sw::OK, "the long answer, with an extended Le that suffices")
            .at(|| format!("Le {le}"))?;
        require!(data == whole, "Le {le}: not the whole answer");
    }
    Ok(())
}
