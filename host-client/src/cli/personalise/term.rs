//! How long certificates are valid.

use std::time::{Duration, SystemTime};

use clap::Args;
use tillcard_personalise::{Time, Validity};

use crate::cli::Failure;

/// A mean year of the Gregorian calendar.
const YEAR: Duration = Duration::from_secs(31_556_952);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// From now on, for how long.
#[derive(Args)]
pub(super) struct Term {
    /// Years until it expires [default: never]
    #[arg(long, value_name = "YEARS", value_parser = clap::value_parser!(u32).range(1..=1000))]
    years: Option<u32>,
}

impl Term {
    pub(super) fn validity(&self) -> Result<Validity, Failure> {
        let until = match self.years {
            None => Time::INFINITY,
            Some(years) => after(YEAR * years)?,
        };
        Ok(Validity::new(after(Duration::ZERO)?, until))
    }
}

pub(super) fn in_days(days: u32) -> Result<Time, Failure> {
    after(DAY * days)
}

fn after(duration: Duration) -> Result<Time, Failure> {
    let time = SystemTime::now().checked_add(duration);
    time.and_then(|time| Time::try_from(time).ok())
        .ok_or_else(|| Failure::new("certificates know no time after the year 9999"))
}
