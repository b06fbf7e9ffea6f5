//! Power that fails inside a command, at each byte that the card writes. Of any card whose memory
//! and power are in reach.

use super::prelude::*;
use crate::report::{Cut, Figure, command_name};

/// Up to so many bytes written or erased, the power fails after each.
const DENSE: u64 = 600;
/// Beyond, after so many more each time: no power of two, so that it hits every part of a page.
const STRIDE: u64 = 509;
/// So many bytes before the last one the power fails after each again: a page that is erased at
/// first takes thousands of bytes, and what counts is written behind them.
const LAST: u64 = 300;
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
        let (mut cuts, mut header) = (Vec::new(), [0; 4]);
        let swept = self.cut(ctx, judge, &mut cuts, &mut header);
        cuts.sort_by_key(|cut| cut.after);
        ctx.draw(Figure::cuts(command_name(header), &cuts));
        swept.map(|()| cuts.len() as u64)
    }

    fn cut(
        &self,
        ctx: &mut CaseContext,
        judge: &mut dyn FnMut(&mut CaseContext, bool) -> Outcome,
        cuts: &mut Vec<Cut>,
        header: &mut [u8; 4],
    ) -> Outcome {
        let (mut bytes, mut is_end) = (1, false);
        loop {
            let place = || format!("power cut after {bytes} bytes");
            ctx.driver().set_memory(self.start)?;
            ctx.driver().restart(Reset::Cold)?;
            let command = (self.ask)(ctx)?;
            *header = command.header;
            let card = ctx.driver();
            let answer = card.cut_in(&command, bytes).at(place)?;
            let again = answer.is_none() && self.again && cuts.len() % 2 == 1;
            if again {
                let next = AGAIN[cuts.len() / 2 % AGAIN.len()];
                card.cut_at_power_up(next).at(place)?;
            }
            card.restart(Reset::Cold).at(place)?;
            if let Some(answer) = answer {
                answer.want(self.sw, "the command, its power not cut")?;
                judge(ctx, true)?;
                if is_end || bytes <= DENSE {
                    return Ok(());
                }
                is_end = true;
                bytes = (bytes - STRIDE).saturating_sub(LAST).max(DENSE);
                continue;
            }
            let judged = judge(ctx, false).at(place);
            cuts.push(Cut {
                after: bytes,
                again,
                held: judged.is_ok(),
            });
            judged?;
            bytes += if is_end || bytes < DENSE { 1 } else { STRIDE };
        }
    }
}
