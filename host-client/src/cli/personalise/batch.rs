//! `tillcard personalise batch`.

use std::path::PathBuf;

use clap::Args;
use tillcard::manufacturer::{AuthorityFiles, ManufacturerError, random, validity};
use tillcard_client::Untrusted;
use tillcard_personalise::test_root::test_root;
use tillcard_personalise::{self as personalise, SerialNumber, new_key};

use super::{Term, tell_files};
use crate::cli::Failure;
use crate::cli::output::line;

#[derive(Args)]
pub(in crate::cli) struct Batch {
    #[command(flatten)]
    root: WhichRoot,
    /// What tills and owners see, for example "Acme Cards 2026-07"
    #[arg(long)]
    name: String,
    /// Where it goes: PREFIX.pem, the certificate, and PREFIX.key, the secret key
    #[arg(long, value_name = "PREFIX")]
    out: PathBuf,
    #[command(flatten)]
    term: Term,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct WhichRoot {
    /// The root's files, PREFIX.pem and PREFIX.key
    #[arg(long, value_name = "PREFIX")]
    root: Option<PathBuf>,
    /// Under the test root, whose key everybody knows: clients take its cards wherever there is no
    /// real money
    #[arg(long)]
    test_root: bool,
}

impl Batch {
    pub(super) fn run(self) -> Result<(), Failure> {
        let root = match &self.root.root {
            Some(prefix) => personalise::Root::try_from(AuthorityFiles::new(prefix).read()?),
            None => test_root(),
        };
        let root = root.map_err(ManufacturerError::from)?;
        let mut rng = random()?;
        let batch = root
            .batch(
                &self.name,
                new_key(&mut rng),
                SerialNumber::generate(&mut rng),
                validity(self.term.years)?,
            )
            .map_err(ManufacturerError::from)?;
        let files = AuthorityFiles::new(&self.out);
        files.write(batch.authority())?;
        line(format_args!(
            "{} is made, under {}.",
            Untrusted::from(batch.authority().name()),
            Untrusted::from(root.authority().name())
        ));
        tell_files(&files);
        Ok(())
    }
}
