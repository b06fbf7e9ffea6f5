//! What takes minutes.

#[path = "../oracle/mod.rs"]
mod oracle;
#[path = "../support/mod.rs"]
mod support;
#[path = "../trials/mod.rs"]
mod trials;

mod differential;
mod torn;
