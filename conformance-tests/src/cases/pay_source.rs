//! Sources that no request has. Section 7.2.

use super::prelude::*;
use crate::card::{PAY, PREVIEW};

cases! {
    "TC-PAY-20" version 1 on Own D3 for [FRM_8 PAY_1 PAY_3] runs unknown_source:
        "A request whose source isn't 00 or 01 can't be decoded: PREVIEW and PAY are refused \
         with 6A80 on a factory card, without authority, and with it, which they leave as it \
         was."
        catches "A source of 02 taken for 00: coins that the till didn't ask for.";
}

/// The data object of the source, with what stands after it.
const SOURCE: [u8; 5] = [0x83, 0x01, 0x00, 0x84, 0x10];

fn refused(ctx: &mut CaseContext, when: &str) -> Outcome {
    let request_of = ctx.requests();
    let data = request_of(10_000).encode();
    let at = data
        .windows(SOURCE.len())
        .position(|window| window == SOURCE)
        .ok_or_else(|| Stop::Error("the case's request has no source".to_owned()))?;
    for source in [0x02, 0x7F, 0x80, 0xFF] {
        let mut data = data.clone();
        data[at + 2] = source;
        for (name, header) in [("PREVIEW", PREVIEW), ("PAY", PAY)] {
            ctx.once(&Command::new(header).data(data.clone()).le(LE_SHORT))?
                .want_bare(Sw::WRONG_DATA, name)
                .at(|| format!("{when}, source {source:02X}"))?;
        }
    }
    Ok(())
}

fn unknown_source(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    refused(ctx, "on a factory card")?;
    ctx.prepare_funded(&[60_000])?;
    refused(ctx, "without a PIN")?;
    ctx.authorise()?;
    refused(ctx, "after the PIN")?;
    ctx.expect_authorised(true, "after requests that can't be decoded")?;
    ctx.expect_ledger("after requests that can't be decoded")
}
