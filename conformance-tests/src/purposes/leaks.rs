//! The leak sweep, after all other cases. Of any card.

use super::prelude::*;
use crate::cases::samples;

cases! {
    "TC-KEY-05" version 2 on AfterAll D3 for [KEY_3] runs leaks:
        "Leak sweep over every answer that any card of this run gave after ISSUE: no eight bytes \
         in a row of the PIN block, the PIN's digits, the account's public key or its chain code, \
         in either byte order, and no 32 bytes that are the secret of the commitment, the account, \
         a chain, any of the first 24 keys of each chain, the card's own keys or an ephemeral one; \
         and of a channel's keys no eight bytes in a row, in answers as they came and without \
         their protection. (Timing, and parts of a secret key, stay unseen.)"
        catches "A key exported, an xpub handed to a shop, a buffer with a PIN in it.";
}

fn leaks(ctx: &mut CaseContext) -> Outcome {
    // A life of its own, so that the sweep has something to see when it runs alone. Where cards are
    // few, and the last is used up, what the other cases saw has to do.
    let seen = ctx.recorder.borrow_mut().leaks.sweep().answers;
    if seen == 0 || !ctx.uses_cards_again() {
        ctx.fresh_card()?;
        samples::life(ctx)?;
    }
    let searched = ctx.recorder.borrow_mut().leaks.sweep().clone();
    if let Some(first) = searched.findings.first() {
        return Err(Stop::Fail(format!(
            "{} answers hold what must never leave; the first in {}: {}",
            searched.findings.len(),
            first.case,
            first.what
        )));
    }
    put!(
        searched.answers > 0,
        "the case needs answers of a card that was issued"
    );
    ctx.measure("answers", searched.answers as f64);
    ctx.measure("bytes", searched.bytes as f64);
    Ok(())
}
