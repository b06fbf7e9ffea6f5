//! Tests that take minutes.

mod seeds;
#[path = "../support/mod.rs"]
mod support;
