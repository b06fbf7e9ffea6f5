//! The client against the reference card, in process, and against a manufacturer that makes wrong
//! certificates.

#[path = "../../../tests/support/card_support/mod.rs"]
mod card_support;
mod genuine_support;
#[path = "../../../tests/support/in_process.rs"]
mod in_process;

mod card_session;
mod channel_session;
mod genuine_certificates;
mod genuine_memory;
mod genuine_proofs;
