//! Length fields, and lengths of data fields (ISO/IEC 7816-4 §5.1). Of any card.

use super::prelude::*;
use crate::forms::Sample;

cases! {
    "TC-FRM-12" version 2 on Issued D1 for [FRM_4 FRM_6 FRM_8] runs length_fields:
        "APDUs whose length fields don't agree with their length, short and extended, are refused \
         with 6700, whatever their class and before any application is selected (class FF: 6E00, \
         but 6700 below four bytes); \
         a VERIFY of that kind uses no try and ends no authorisation, and none ends a coin entry, \
         but each discards what GET RESPONSE had left. (A virtual reader can't carry APDUs of less \
         than two bytes.)"
        catches "A read beyond the command's end; a truncated PIN taken, or counted.";
    "TC-FRM-13" version 1 on Issued D1 for [FRM_8] runs field_lengths:
        "Every command with every data length from 0 to 255 that no valid command has is refused \
         with 6700 and without effect. (VERIFY takes them all: TC-PIN-03.)"
        catches "Data ignored where none belongs; trailing bytes ignored; a short field read \
                 beyond its end.";
}

/// APDUs that no command has, whatever the card's commands are.
const CUT: [&str; 13] = [
    "00CA",
    "00CA01",
    "FFCA",
    "FFCA01",
    "00CA01000000",
    "00CA01000000000001",
    "00CA0100000005FF",
    "00A404000AF0544944",
    "80300000FF8008",
    "B0CA",
    "10CA01",
    "902000800811",
    "A0CA01000000",
];

/// APDUs whose length fields don't agree with their length, many of which present a PIN.
fn bad(card: &dyn Driver) -> Step<Vec<Vec<u8>>> {
    let (right, wrong) = (card.right_pin()?, card.wrong_pin()?);
    let header = card.presenting(&[]).header;
    let length = right.len() as u8;
    let present = |field_length: &[u8], field: &[u8]| [&header[..], field_length, field].concat();
    let more = |count: usize| [&right[..], &vec![0; count]].concat();
    let less = &wrong[..wrong.len() - 1];
    let mut bad = vec![
        present(&[length], less),
        present(&[length], &more(2)),
        present(&[length + 1], &right),
        present(&[0xFF], &wrong),
        present(&[0x00], &wrong),
        present(&[0x00, 0x00, length], less),
        present(&[0x00, 0x00, length], &more(1)),
        present(&[0x00, 0x00, length], &more(3)),
        present(&[0x00, length, 0x00], &wrong),
        present(&[0x00, 0xFF, 0xFF], &wrong),
    ];
    for text in CUT {
        bad.push(hex::decode(text).map_err(|e| Stop::Error(format!("{text}: {e}")))?);
    }
    Ok(bad)
}

fn length_fields(ctx: &mut CaseContext) -> Outcome {
    let values = ctx.values.clone();
    let card = ctx.driver();
    let most = card.most_tries();
    let forms = card.forms()?;
    let bad = bad(card)?;
    card.expect_right("the right PIN").preamble()?;
    for apdu in &bad {
        card.transmit(apdu)?.want_bare(
            Sw::WRONG_LENGTH,
            &format!("an APDU of {} bytes", apdu.len()),
        )?;
    }
    card.expect_holder(true, "after APDUs with wrong length fields")?;
    card.expect_left(most, "after APDUs with wrong length fields")?;
    card.reset(Reset::Cold)?;
    for apdu in &bad {
        card.transmit(apdu)?
            .want_bare(Sw::WRONG_LENGTH, "an APDU before SELECT")?;
    }
    card.reselect()?;
    card.expect_left(most, "after APDUs with wrong length fields before SELECT")?;

    if let Some(sw) = forms.refusal_of_class(0xFF) {
        for apdu in [
            &[0xFF, 0xCA, 0x01, 0x00, 0x05, 0x00][..],
            &[0xFF, 0xCA, 0x01, 0x00],
        ] {
            card.transmit(apdu)?.want_bare(sw, "an APDU of class FF")?;
        }
    }
    let nothing_left = card.nothing_left();
    for apdu in &bad {
        card.begin_answer()?;
        card.transmit(apdu)?;
        card.get_response(256)?.want_bare(
            nothing_left,
            "GET RESPONSE after an APDU with wrong length fields",
        )?;
    }
    let follow_ups = card.occupy(&values)?;
    for (next, apdu) in follow_ups.iter().zip(bad.iter().cycle()) {
        card.transmit(apdu)?
            .want_bare(Sw::WRONG_LENGTH, "an APDU between two commands")?;
        card.ask(&next.command)?
            .want_bare(next.sw, next.name)
            .at("after an APDU with wrong length fields")?;
    }
    Ok(())
}

fn field_lengths(ctx: &mut CaseContext) -> Outcome {
    let values = ctx.values.clone();
    let card = ctx.driver();
    let forms = card.forms()?;
    let mut samples = card.samples(&values)?;
    samples.retain(|sample| forms.has(sample.command.header));
    card.expect_right("the right PIN").preamble()?;
    for Sample { name, command } in samples {
        let field = [&command.data[..], &[0; 256]].concat();
        for length in (0..=255).filter(|length| !forms.takes(command.header, *length)) {
            let mut other = command.clone();
            other.data = field[..length].to_vec();
            card.ask(&other)?
                .want_bare(Sw::WRONG_LENGTH, name)
                .at(|| format!("{length} data bytes"))?;
        }
    }
    card.expect_holder(true, "after fields of wrong lengths")?;
    card.expect_left(card.most_tries(), "after fields of wrong lengths")
}
