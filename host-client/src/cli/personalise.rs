//! `tillcard personalise`.

mod batch;
mod card;
mod files;
mod revoke;
mod root;
mod term;

use clap::Subcommand;
use rand_chacha::ChaCha20Rng;
use tillcard_emu::seed::Seed;

use super::Failure;

/// What a manufacturer does.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a root: the key by which you certify batches
    Root(root::Root),
    /// Make a batch under a root: the key by which you certify cards
    Batch(batch::Batch),
    /// Have a blank card draw its keys, certify them, and close the card
    Card(card::Card),
    /// Take certificates back, or sign the list of those that you took back anew
    Revoke(revoke::Revoke),
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Root(root) => root.run(),
        Command::Batch(batch) => batch.run(),
        Command::Card(card) => card.run(),
        Command::Revoke(revoke) => revoke.run(),
    }
}

/// Random numbers of the operating system.
fn random() -> Result<ChaCha20Rng, Failure> {
    Ok(Seed::System.generator("personalise", 0)?)
}
