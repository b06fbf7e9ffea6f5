//! What takes minutes.

#[path = "../killing/mod.rs"]
mod killing;
#[path = "../support/mod.rs"]
mod support;
#[path = "../storm/weather.rs"]
mod weather;

mod events;
mod kill;
