//! `tillcard personalise`.

mod batch;
mod card;
mod revoke;
mod root;

use clap::Subcommand;
use tillcard::manufacturer::AuthorityFiles;

use super::Failure;
use super::output::line;

/// What a manufacturer does.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a root certificate, by which you certify batches
    Root(root::Root),
    /// Make a batch certificate, by which you certify cards
    Batch(batch::Batch),
    /// Personalise a blank card: it draws its keys, which are certified for good
    Card(card::Card),
    /// Revoke certificates, or sign the certificate revocation list (CRL) anew
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

/// Where the files are, in words.
fn tell_files(files: &AuthorityFiles) {
    line(format_args!(
        "Its certificate is in {}, for everybody; its secret key in {}, for nobody but you.",
        files.certificate().display(),
        files.key().display()
    ));
}

/// From now on, for how long.
#[derive(clap::Args)]
struct Term {
    /// Years until it expires [default: never]
    #[arg(long, value_name = "YEARS", value_parser = clap::value_parser!(u32).range(1..=1000))]
    years: Option<u32>,
}
