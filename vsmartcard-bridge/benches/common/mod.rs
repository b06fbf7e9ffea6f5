//! What the benchmarks measure, so that those with statistics and those with ratios measure the
//! same things.
#![allow(dead_code, unreachable_pub)]

#[path = "../../tests/support/mod.rs"]
pub mod support;

pub mod card;
#[cfg(feature = "pcsc-tests")]
pub mod reader;
pub mod socket;
