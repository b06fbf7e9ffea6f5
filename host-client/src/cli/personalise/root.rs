//! `tillcard personalise root`.

use std::path::PathBuf;

use tillcard::manufacturer::{AuthorityFiles, ManufacturerError, random, validity};
use tillcard_client::Untrusted;
use tillcard_personalise::{self as personalise, SerialNumber, new_key};

use super::{Term, tell_files};
use crate::cli::Failure;
use crate::cli::output::line;

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
            validity(self.term.years)?,
        )
        .map_err(ManufacturerError::from)?;
        let files = AuthorityFiles::new(&self.out);
        files.write(root.authority())?;
        let name = Untrusted::from(root.authority().name());
        line(format_args!("{name} is made."));
        tell_files(&files);
        line("Whoever has the key makes cards that your customers trust: keep it off the network.");
        Ok(())
    }
}
