//! Short and extended APDUs: section 2.

use super::prelude::*;

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
    put!(
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
