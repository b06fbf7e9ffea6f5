//! How far a source of the chain has come.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bitcoin::Network;

use crate::text::grouped;

/// Age of the last block beyond which a source is behind: on a network with a block every ten minutes
/// on the average, so long a pause comes once in a thousand years.
pub const MAX_TIP_AGE: Duration = Duration::from_secs(3 * 60 * 60);

/// How far a source has come, as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceProgress {
    /// Height of the last block that it has.
    pub blocks: u32,
    /// Height of the last block of which it has heard.
    pub headers: u32,
    /// Whether it says that it is loading the chain for the first time, or after a long pause.
    pub is_loading: bool,
    /// When the last block that it has was made, by its miner, in seconds since 1970; none when it
    /// doesn't say.
    pub tip_time: Option<u64>,
}

/// Whether a source has come as far as its chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Nothing says that it hasn't.
    #[default]
    Complete,
    /// It hasn't: that it doesn't know a coin or a payment says nothing of them.
    Behind(SourceProgress),
}

impl SourceProgress {
    /// Whether it has come as far as the chain of this network at this time. Blocks of regtest come
    /// when somebody asks for them, so that their age says nothing there.
    pub fn reach(self, network: Network, now: SystemTime) -> Reach {
        let is_old = network != Network::Regtest
            && self.tip_time.is_some_and(|time| {
                let made = UNIX_EPOCH + Duration::from_secs(time);
                now.duration_since(made).is_ok_and(|age| age > MAX_TIP_AGE)
            });
        match self.is_loading || self.headers > self.blocks || is_old {
            true => Reach::Behind(self),
            false => Reach::Complete,
        }
    }
}

/// Where it is, for a person.
impl fmt::Display for SourceProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (blocks, headers) = (grouped(self.blocks.into()), grouped(self.headers.into()));
        match self.headers > self.blocks {
            true => write!(f, "it has come to block {blocks} of {headers}"),
            false => write!(f, "it has come to block {blocks}, and there are more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn at(headers: u32, is_loading: bool, age: u64) -> SourceProgress {
        SourceProgress {
            blocks: 100,
            headers,
            is_loading,
            tip_time: Some(NOW - age),
        }
    }

    #[test]
    fn a_source_is_behind_by_its_own_word_or_by_its_last_block_s_age() {
        let hours = |hours: u64| hours * 60 * 60;
        let now = UNIX_EPOCH + Duration::from_secs(NOW);
        for (progress, network, complete) in [
            (at(100, false, hours(1)), Network::Bitcoin, true),
            (at(100, false, hours(4)), Network::Bitcoin, false),
            (at(100, false, hours(4)), Network::Signet, false),
            (at(100, false, hours(4)), Network::Regtest, true),
            (at(101, false, 0), Network::Bitcoin, false),
            (at(101, false, 0), Network::Regtest, false),
            (at(100, true, 0), Network::Regtest, false),
        ] {
            let reach = progress.reach(network, now);
            assert_eq!(reach == Reach::Complete, complete, "{progress:?} {network}");
        }
        let silent = SourceProgress {
            tip_time: None,
            ..at(100, false, 0)
        };
        assert_eq!(silent.reach(Network::Bitcoin, now), Reach::Complete);
    }
}
