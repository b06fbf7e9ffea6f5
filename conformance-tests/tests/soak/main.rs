//! Tests that take minutes.

mod seeds;
