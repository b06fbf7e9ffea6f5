//! The program around the suite: its arguments, its targets, and what it tells a person.

pub mod arguments;
pub mod judging;
pub mod performance;
pub mod results;
pub mod statements;
pub mod targets;
pub mod terminal;
