//! A chain, and a source of it that may lag or not answer.

use bitcoin::Txid;
use bitcoin::hashes::Hash;

use super::DEPTH;
use super::choices::Choices;
use super::papers::PAPERS;
use super::world::{BEHIND, Lie, World};
use crate::chain::Reach;
use crate::till::machine::{ChainSaid, ChainTask, Conflict, DEEPEST_REORGANISATION};
use tillcard_client::FeeRate;

const HEIGHT: u32 = 100;

/// Deeper than reorganisations reach.
const DEEP: u32 = DEEPEST_REORGANISATION + 1;

/// The block that a payment, or its conflict, comes into: the lowest of those that replace six.
const BLOCK: u32 = HEIGHT + 1 - DEEPEST_REORGANISATION;

impl World {
    /// How far the source of the chain has come.
    fn come(&mut self, choices: &mut Choices) -> Reach {
        // Who isn't behind for good has come along when it is asked again.
        let is_behind = self.stays_behind
            || (!self.is_honest && self.reach == Reach::Complete && choices.happens());
        self.reach = match is_behind {
            false => Reach::Complete,
            true => Reach::Behind(BEHIND),
        };
        self.reach
    }

    /// The same, of a source that the machine waits for: it may stay behind.
    pub(super) fn come_or_stay(&mut self, choices: &mut Choices) -> Reach {
        let reach = self.come(choices);
        self.stays_behind |= reach != Reach::Complete && choices.happens();
        reach
    }

    /// Time passes on the chain: what is committed may be mined by whoever has it, or its coins may go
    /// another way.
    fn mine(&mut self, choices: &mut Choices) {
        let (depth, conflict) = (&mut self.depth, &mut self.conflict_depth);
        match (&depth, &conflict) {
            (None, None) if self.committed == [false; 2] => {}
            (None, None) => match choices.choose(3) {
                0 => *depth = Some(1),
                1 => *conflict = Some(1),
                _ => {}
            },
            _ => {
                let deeper = |depth: u32| if depth < DEPTH { depth + 1 } else { depth };
                *depth = depth.map(deeper);
                *conflict = conflict.map(deeper);
            }
        }
    }

    /// Between an end and the next look at it: blocks come, or the chain is reorganised. Then the
    /// payment, or what had taken its coins, waits for a block again, or lost to the other.
    fn reorganise(&mut self, choices: &mut Choices) {
        let way = choices.choose(4);
        self.is_reorganised |= way > 1;
        (self.depth, self.conflict_depth) = match way {
            0 => (self.depth.map(|_| DEEP), self.conflict_depth.map(|_| DEEP)),
            1 => return,
            2 => (None, None),
            _ => (self.conflict_depth.map(|_| 1), self.depth.map(|_| 1)),
        };
    }

    pub(super) fn chain(&mut self, task: &ChainTask, choices: &mut Choices) -> ChainSaid {
        let may_fail = !self.is_honest && !matches!(task, ChainTask::Check | ChainTask::Inputs(_));
        if may_fail && choices.happens() {
            let reason = "it is being restarted".into();
            return ChainSaid::Unavailable { reason };
        }
        match task {
            ChainTask::Check => ChainSaid::Ready {
                height: HEIGHT,
                least: FeeRate::from_sat_per_kvb(if choices.happens() { 9_000 } else { 100 }),
                reach: self.come_or_stay(choices),
            },
            ChainTask::Inputs(payment) => {
                let found = PAPERS.of.iter().find(|of| of.payment == *payment);
                let coins = found.map(|of| vec![of.coin.clone()]);
                ChainSaid::Inputs(coins.filter(|_| !choices.happens()))
            }
            ChainTask::Send(_) => {
                let is_refused = self.conflict_depth.is_some() || choices.happens();
                match is_refused {
                    true => ChainSaid::Refused {
                        reason: "mempool min fee not met".into(),
                        reach: self.come(choices),
                    },
                    false => ChainSaid::Sent,
                }
            }
            ChainTask::Status { since_height, .. } => {
                self.mine(choices);
                let lie = self.tells(Lie::BlockIsInvented).then_some(DEPTH);
                let depth = self.depth.filter(|_| *since_height <= BLOCK);
                match depth.or(lie) {
                    Some(confirmations) => ChainSaid::Confirmed { confirmations },
                    None => ChainSaid::Unknown,
                }
            }
            ChainTask::LookAgain { .. } => {
                self.reorganise(choices);
                let reach = self.come(choices);
                let confirmations = self.depth.filter(|_| reach == Reach::Complete);
                ChainSaid::LookedAgain {
                    confirmations,
                    reach,
                }
            }
            ChainTask::FindPayment { since_height, .. } => {
                let reach = self.come_or_stay(choices);
                let is_seen = reach == Reach::Complete && *since_height <= BLOCK;
                let mined = self.depth.filter(|_| is_seen);
                let paper = &PAPERS.of[usize::from(self.committed[1])];
                let payment = mined.map(|_| paper.payment.clone());
                ChainSaid::Found { payment, reach }
            }
            ChainTask::Conflict { since_height, .. } => {
                let reach = self.come(choices);
                let depth = match reach {
                    Reach::Complete if self.tells(Lie::ConflictIsInvented) => Some(DEPTH),
                    Reach::Complete => self.conflict_depth.filter(|_| *since_height <= BLOCK),
                    // In a block that isn't in the chain any more.
                    Reach::Behind(_) => Some(9),
                };
                let conflict = depth.map(|confirmations| Conflict {
                    by: Txid::all_zeros(),
                    confirmations,
                });
                ChainSaid::Conflict { conflict, reach }
            }
        }
    }
}
