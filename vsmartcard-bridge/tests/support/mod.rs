//! What several of the tests need. Each test program uses a part of it.
#![allow(dead_code, unreachable_pub)]

pub mod driver;
pub mod program;

use std::time::Duration;

/// Longer than anything here takes, so that a test that would hang ends.
pub const DEADLINE: Duration = Duration::from_secs(30);
