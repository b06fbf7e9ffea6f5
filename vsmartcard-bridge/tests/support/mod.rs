//! What several of the tests need. Each test program uses a part of it.
#![allow(dead_code, unreachable_pub)]

pub mod contacts;
pub mod driver;
pub mod owner;
pub mod pcsc_client;
pub mod program;
pub mod reader;
pub mod scripted;
pub mod slots;
pub mod stall;
pub mod survivor;

use std::time::Duration;

/// Longer than anything here takes, so that a test that would hang ends.
pub const DEADLINE: Duration = Duration::from_secs(30);
