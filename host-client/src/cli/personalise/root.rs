//! `tillcard personalise root`.

use std::path::PathBuf;

use tillcard_personalise::{self as personalise, SerialNumber, new_key};

use super::files::Files;
use super::random;
use super::term::Term;
use crate::cli::Failure;
use crate::cli::output::line;

/// Makes a root.
#[derive(clap::Args)]
pub(in crate::cli) struct Root {
    /// What tills and owners see, for example "Acme Cards root"
    #[arg(long)]
    name: String,
    /// Where it goes: PREFIX.pem, the certificate, and PREFIX.key, the secret key
    #[arg(long, value_name = "PREFIX")]
    out: PathBuf,
    #[command(flatten)]
    term: Term,
}

impl Root {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut rng = random()?;
        let root = personalise::Root::new(
            &self.name,
            new_key(&mut rng),
            SerialNumber::generate(&mut rng),
            self.term.validity()?,
        )?;
        let files = Files::new(&self.out);
        files.write(root.authority())?;
        line(format_args!("“{}” is made.", root.authority().name()));
        line(files.told());
        line("Whoever has the key makes cards that your customers trust: keep it off the network.");
        Ok(())
    }
}
