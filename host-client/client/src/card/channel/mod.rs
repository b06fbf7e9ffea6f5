//! The client's side of the secure channel: SCP11b opens it, SCP03 protects what goes through it
//! (`docs/protocol.md`, sections 2.6 and 2.7).

mod command;
mod keys;
mod messaging;
mod opening;
#[cfg(test)]
mod tests;

pub(super) use command::DATA_MAX;
pub(super) use messaging::Messaging;
pub(super) use opening::{NAME, Opening};
