//! One well-formed command for each instruction, for cases that go through all of them.

use super::prelude::*;
pub(super) use crate::card::samples::{CERTIFICATES, GENERATE_OWN, PUT_DATA};
pub(super) use crate::forms::Sample;

/// All samples, with a payment that the card doesn't have.
pub(super) fn all(ctx: &CaseContext) -> Step<Vec<Sample>> {
    let request_of = ctx.requests();
    crate::card::samples::samples(&ctx.values, &request_of(10_000))
}

/// Those of them that this card must know. The application must be selected.
pub(super) fn declared(ctx: &mut CaseContext) -> Step<Vec<Sample>> {
    let capabilities = ctx.capabilities()?;
    let mut samples = all(ctx)?;
    samples.retain(|sample| capabilities.knows(sample.command.header));
    Ok(samples)
}

/// A life in which a card is sent every command, without and with the holder's authority, and in a
/// channel, so that it has answered whatever it answers.
pub(crate) fn life(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[40_000, 30_000, 20_000])?;
    let samples = all(ctx)?;
    for authorised in [false, true] {
        for sample in &samples {
            if authorised {
                ctx.authorise()?;
            }
            ctx.send(&sample.command)?;
        }
        ctx.authorise()?;
    }
    ctx.power_cycle()?;
    if ctx.has(Capability::Channel)? {
        ctx.open_channel()?;
        for sample in declared(ctx)? {
            ctx.send(&sample.command)?;
        }
        ctx.select()?;
    }
    ctx.authorise()?;
    ctx.receive_script_answer()?;
    ctx.generate_answer()?;
    ctx.select_fci()?;
    Ok(())
}
