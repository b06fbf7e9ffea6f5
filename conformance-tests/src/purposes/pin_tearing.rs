//! Power that fails while a PIN is compared. Of any card whose memory and power are in reach.

use super::prelude::*;
use super::tearing::Torn;

cases! {
    "TC-PIN-14" version 1 on Own D3 for [PIN_5 PIN_1 NVM_1 NVM_3] runs comparison:
        "The power fails after each byte that VERIFY writes, two tries being left: afterwards two, \
         one or, with the right PIN, three are left; one is left after some of these cuts even \
         with the right PIN, since the try is used up before the comparison. (Only a target whose \
         power can fail inside a command can run this.)"
        catches "A comparison before its try is used up: free guesses for whoever cuts the power.";
}

fn comparison(ctx: &mut CaseContext) -> Outcome {
    ctx.driver().memory()?;
    ctx.prepare_funded(&[])?;
    let card = ctx.driver();
    let most = card.most_tries();
    let before = most - 1;
    card.use_up(before).preamble()?;
    let start = card.memory()?;
    for (what, field, right) in [
        ("the right PIN", card.right_pin()?, true),
        ("a wrong PIN", card.wrong_pin()?, false),
    ] {
        let command = ctx.driver().presenting(&field);
        let left = |answered: bool| match (answered, right) {
            (true, true) => vec![most],
            (true, false) => vec![before - 1],
            (false, true) => vec![before - 1, before, most],
            (false, false) => vec![before - 1, before],
        };
        let mut used_up = 0;
        let torn = Torn {
            start: &start,
            again: false,
            sw: if right { Sw::OK } else { Sw::tries(before - 1) },
            ask: &|_| Ok(command.clone()),
        };
        let cuts = torn
            .sweep(ctx, &mut |ctx, answered| {
                let card = ctx.driver();
                let tries = card.tries_left()?;
                used_up += u64::from(tries < before);
                require!(
                    left(answered).contains(&tries),
                    "{tries} tries are left, {before} were before"
                );
                card.expect_holder(false, "after a power cut")
            })
            .at(what)?;
        ctx.note(format!(
            "VERIFY of {what}: {cuts} power cuts, after {used_up} of them a try was used up"
        ));
        require!(
            used_up > 0,
            "{what}: no power cut inside VERIFY leaves its try used up"
        );
    }
    Ok(())
}
