//! Short and extended APDUs: section 2.

use super::prelude::*;
use crate::apdu::LE_EXTENDED;

/// Coins that make a payment of 40 000 sat take seven of them: answers of more than 256 bytes.
const SEVEN_SMALL: [u64; 7] = [6_000; 7];
const SEVEN_INPUTS: u64 = 40_000;

cases! {
    "TC-FRM-03" version 1 on Own D3 for [FRM_2 FRM_5] runs short_life:
        "A card's whole life, from key generation to a payment with seven inputs, on short APDUs \
         alone and without command chaining."
        catches "A command that only works in extended form or by chaining.";
    "TC-FRM-04" version 1 on Own D3 for [FRM_3] runs extended_life:
        "The same life in extended APDUs, with the same effects: whole answers with 9000, pieces \
         of a transaction of 256 to 1024 bytes."
        catches "Extended Lc read as one byte; extended Le cut to 256; 61xx although Le suffices.";
    "TC-FRM-05" version 1 on Funded D1 for [FRM_3 FRM_5] runs extended_le:
        "An extended Le below the answer's length gives the first Le bytes with 61xx, and the rest \
         by GET RESPONSE; an Le of the exact length, or above, gives all."
        catches "Extended Le ignored.";
}

fn short_life(ctx: &mut CaseContext) -> Outcome {
    life(ctx).map(drop)
}

fn life(ctx: &mut CaseContext) -> Step<usize> {
    let request_of = ctx.requests();
    let profile = ctx.profile()?;
    ctx.issue(&profile)?;
    let mut stream = ctx.values.stream("coins");
    for amount in SEVEN_SMALL {
        let index = ctx.host()?.purse.next_receive();
        let (entry, transaction) = ctx.coin_at(&mut stream, amount, index)?;
        ctx.enter(&entry, &transaction, amount)?;
    }
    ctx.verify_wrong(2)?;
    ctx.verify_right()?;
    ctx.expect_receive_script(SEVEN_SMALL.len() as u32)?;
    let request = request_of(SEVEN_INPUTS);
    let plan = ctx.preview_checked(&request)?;
    require!(
        plan.is_ok_and(|plan| plan.inputs.len() == 7),
        "seven coins are needed"
    );
    let answer = ctx.pay_answer(&request)?;
    let length = answer.data.len();
    ctx.paid(&request, answer)?;
    Ok(length)
}

fn extended_life(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    needs_extended_length(ctx)?;
    ctx.form = Form::Extended;
    let length = life(ctx)?;
    require!(
        length > 256,
        "the answer to PAY is too short for this case: {length} bytes"
    );

    // A piece longer than a short command can carry.
    let mut stream = ctx.values.stream("long");
    let index = ctx.host()?.purse.next_receive();
    let script = ctx.host()?.account.script(0, index)?;
    let outputs = vec![(7_000, script); 50];
    let transaction = crate::tx::funding(&mut stream, 3, &outputs);
    let bytes = crate::tx::preimage(&transaction);
    let entry = Entry {
        txid: crate::tx::txid(&transaction),
        vout: 49,
        place: index,
    };
    ctx.begun_entry(&entry)?;
    let (first, rest) = bytes.split_at(1024);
    let (second, last) = rest.split_at(256);
    for piece in [first, second] {
        ctx.piece(piece)?.want_bare(
            Sw::OK,
            &format!("ENTER COIN, a piece of {} bytes", piece.len()),
        )?;
    }
    let answer = ctx.piece(last)?;
    ctx.entered(&entry, 7_000, answer)
}

fn needs_extended_length(ctx: &mut CaseContext) -> Outcome {
    if ctx.capabilities().preamble()?.extended_length() {
        return Ok(());
    }
    Err(Stop::NotApplicable(
        "the card doesn't declare extended length".to_owned(),
    ))
}

fn extended_le(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    needs_extended_length(ctx)?;
    let request = request_of(1_200_000);
    let command = Command::new([0x80, 0x32, 0, 0]).data(request.encode());
    ctx.offered(&request)?;
    ctx.authorise()?;
    let whole = ctx
        .send(&command.clone().le(LE_SHORT))?
        .want(Sw::OK, "PREVIEW")?;
    let length = whole.len() as u32;
    require!(
        length > 257,
        "the answer is too short for this case: {length} bytes"
    );
    for le in [1, 255, 256, 257, length - 1] {
        ctx.authorise()?;
        let first = ctx.raw(&command.clone().le(le).extended()?)?;
        let left = length - le;
        let expected = Sw(0x6100 | if left >= 256 { 0 } else { left as u16 });
        let mut data = first
            .want(expected, "PREVIEW with a small extended Le")
            .at(|| format!("Le {le}"))?;
        require!(
            data.len() == le as usize,
            "Le {le} gave {} bytes",
            data.len()
        );
        while data.len() < whole.len() {
            data.extend(ctx.get_response(256)?.data);
        }
        require!(
            data == whole,
            "Le {le}: the parts don't make the whole answer"
        );
    }
    for le in [length, length + 1, LE_EXTENDED - 1, LE_EXTENDED] {
        ctx.authorise()?;
        let data = ctx
            .raw(&command.clone().le(le).extended()?)?
            .want(Sw::OK, "PREVIEW with an extended Le that suffices")
            .at(|| format!("Le {le}"))?;
        require!(data == whole, "Le {le}: not the whole answer");
    }
    Ok(())
}
