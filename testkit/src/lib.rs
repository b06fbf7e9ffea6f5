//! What the tests, fuzzers and benches of several crates share. Nothing that is shipped depends on
//! it; `tests/it/walls.rs` holds every crate to that, and to its own list of what it must not know.
