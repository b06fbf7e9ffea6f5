//! What is drawn first after a power-up. Sections 3.4 and 5.2.

use super::prelude::*;
use crate::purposes::distinct::Distinct;
use crate::purposes::nonces::require_drawn;
use crate::report::Figure;

/// Power-ups.
const POWER_UPS: usize = 256;
/// Standard deviations of a fair bit's count beyond which it isn't fair: chance goes so far once in
/// 10¹¹ counts, of which there are 128.
const FAR: f64 = 6.8;

cases! {
    "TC-RND-06" version 1 on Own D3 for [OWN_1 RND_1] runs challenges:
        "The first challenge after each of 256 power-ups is another than all before; none of its \
         bytes is always the same, no two are always equal, and each of its bits is 1 in half of \
         them, give or take 6.8 standard deviations, which chance exceeds less than once in 10⁸ \
         runs. (A generator of less than twelve bits of seed shows by its repetitions, a bit by a \
         probability outside 0.2 to 0.8.)"
        catches "A generator that begins anew, from little, with each power-up.";
}

fn challenges(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    let mut seen = Distinct::new("two first challenges after a power-up are one");
    let mut drawn = Vec::new();
    for number in 0..POWER_UPS {
        ctx.power_cycle()?;
        let challenge = ctx.challenge()?.to_vec();
        seen.add(&challenge).at(|| format!("power-up {number}"))?;
        drawn.push(challenge);
    }
    let figure = Figure::bits("First challenges after a power-up", &drawn);
    if let Figure::Bits { ones, .. } = &figure {
        let count = POWER_UPS as f64;
        let most = FAR * count.sqrt() / 2.0;
        let unfair = (ones.iter()).position(|ones| (f64::from(*ones) - count / 2.0).abs() > most);
        if let Some(bit) = unfair {
            let reason = format!(
                "bit {bit} of {POWER_UPS} first challenges is 1 in {} of them",
                ones[bit]
            );
            ctx.draw(figure);
            return Err(Stop::Fail(reason));
        }
    }
    ctx.draw(figure);
    require_drawn(&drawn, "first challenges after a power-up")
}
