//! Power that fails inside a command, at each byte that the card writes. Of any card whose memory
//! and power are in reach.

use super::prelude::*;

/// Up to so many bytes written or erased, the power fails after each.
const DENSE: u64 = 600;
/// Beyond, after so many more each time: no power of two, so that it hits every part of a page.
const STRIDE: u64 = 509;
/// After so many bytes, in turn, it fails again while the card starts.
const AGAIN: [u64; 6] = [1, 7, 40, 300, 1_500, 2_100];

/// A command in which the power fails.
pub(crate) struct Torn<'a> {
    /// The card's memory before the command.
    pub(crate) start: &'a [u8],
    /// Whether the power also fails while the card starts, after half of the cuts.
    pub(crate) again: bool,
    /// What is answered when the power doesn't fail.
    pub(crate) sw: Sw,
    /// Brings the card to the command, and gives the command.
    pub(crate) ask: &'a dyn Fn(&mut CaseContext) -> Step<Command>,
}

impl Torn<'_> {
    /// Does what is asked, and takes the power away inside it, each time a bit later, until the
    /// command is answered. `judge` sees the card with the power back, and is told whether it
    /// answered. Gives back how often the power failed.
    pub(crate) fn sweep(
        &self,
        ctx: &mut CaseContext,
        judge: &mut dyn FnMut(&mut CaseContext, bool) -> Outcome,
    ) -> Step<u64> {
        let (mut bytes, mut cuts) = (1, 0);
        loop {
            let place = || format!("power cut after {bytes} bytes");
            ctx.driver().set_memory(self.start)?;
            ctx.driver().restart(Reset::Cold)?;
            let command = (self.ask)(ctx)?;
            let card = ctx.driver();
            let answer = card.cut_in(&command, bytes).at(place)?;
            if answer.is_none() && self.again && cuts % 2 == 1 {
                let next = AGAIN[(cuts / 2) as usize % AGAIN.len()];
                card.cut_at_power_up(next).at(place)?;
            }
            card.restart(Reset::Cold).at(place)?;
            if let Some(answer) = answer {
                answer.want(self.sw, "the command, its power not cut")?;
                judge(ctx, true)?;
                return Ok(cuts);
            }
            judge(ctx, false).at(place)?;
            cuts += 1;
            bytes += if bytes < DENSE { 1 } else { STRIDE };
        }
    }
}
