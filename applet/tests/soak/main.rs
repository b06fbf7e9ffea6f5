//! What takes minutes.

#[path = "../support/mod.rs"]
mod support;
#[path = "../trials/mod.rs"]
mod trials;

mod differential;
mod torn;
