//! What takes minutes.

#[path = "../killing/mod.rs"]
mod killing;
#[path = "../support/mod.rs"]
mod support;

mod kill;
