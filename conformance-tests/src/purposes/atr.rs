//! What a card says of itself before anybody asked: the ATR, and its answer to SELECT. Of any card.

use super::prelude::*;

cases! {
    "TC-FRM-01" version 1 on Factory D0 for [FRM_1] runs atr:
        "The ATR is the declared one, its check byte is right, and it is the same after cold and \
         warm resets."
        catches "Wrong historical bytes or check byte; an ATR that changes with the state.";
    "TC-FRM-02" version 2 on AfterAll D3 for [FRM_1] runs cards_look_alike:
        "All cards of the run gave the same ATR and the same answer to SELECT, before and after \
         they were issued. (Two cards of one maker; a serial number that only shows over batches \
         stays unseen.)"
        catches "A serial number, or a key's hash, in the ATR or in the FCI.";
}

fn atr(ctx: &mut CaseContext) -> Outcome {
    let declared = ctx.settings.atr.clone();
    let card = ctx.driver();
    let atr = card.atr();
    require!(
        atr == declared,
        "the ATR is {} instead of {}",
        hex::encode_upper(&atr),
        hex::encode_upper(&declared)
    );
    require!(
        atr.iter().skip(1).fold(0, |sum, byte| sum ^ byte) == 0,
        "the check byte of the ATR isn't the exclusive-or of the bytes after the first"
    );
    for how in [Reset::Cold, Reset::Warm, Reset::Warm, Reset::Cold] {
        card.reset(how)?;
        require!(card.atr() == atr, "the ATR differs after a {how:?} reset");
    }
    Ok(())
}

fn cards_look_alike(ctx: &mut CaseContext) -> Outcome {
    // So that there are two even when this case runs alone.
    while ctx.recorder.borrow().card() < 2 {
        ctx.other_card()?;
        ctx.prepare_funded(&[])?;
        ctx.driver().introduction()?;
    }
    let recorder = ctx.recorder.borrow();
    for (what, answers) in [
        ("ATRs", &recorder.atrs),
        ("answers to SELECT", &recorder.fcis),
    ] {
        require!(
            answers.len() == 1,
            "cards gave different {what}: {}",
            answers.iter().cloned().collect::<Vec<_>>().join(", ")
        );
    }
    Ok(())
}
