//! Commands, states, roles and sessions: what is asked, and what the text says.

pub mod rows;
pub mod rules;
pub mod world;
