//! What the owner does to PIN and key in a random life, and reads of it.

use super::prelude::*;
use crate::keys::keypair;
use crate::values::Stream;

/// RESET RETRY COUNTER, CHANGE OWNER KEY, READ LIMITS or READ ACCOUNT. `tries` are those left; a
/// PIN blocked here is unblocked here, so that the life goes on.
pub(super) fn step(ctx: &mut CaseContext, stream: &mut Stream, tries: &mut u8) -> Outcome {
    match stream.below(5) {
        0..=1 => {
            if stream.below(3) == 0 {
                for left in (0..*tries).rev() {
                    ctx.verify_wrong(left)?;
                }
                let right = ctx.right_block()?;
                ctx.verify(&right)?
                    .want_bare(Sw::BLOCKED, "VERIFY, blocked")?;
            }
            let digits: Vec<u8> = (0..4 + stream.below(9))
                .map(|_| stream.below(10) as u8)
                .collect();
            let pin = Pin::new(&digits);
            let new = stream.below(2) == 0;
            ctx.reset_tries(new.then_some(&pin))?;
            *tries = 3;
        }
        2 => {
            let owner = keypair(&stream.bytes())?;
            ctx.change_owner(owner)?;
        }
        3 => ctx.expect_limits("READ LIMITS")?,
        _ => return ctx.read_account().map(drop),
    }
    Ok(())
}
