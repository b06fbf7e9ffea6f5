//! `tillcard owner rotate-key`.

use super::visit::{Visit, Visited};
use crate::cli::Failure;
use crate::cli::output::line;

/// Has the card obey another owner key, the next that the words give it. Signatures by the old one
/// are worth nothing to the card from then on; the words stay the same.
#[derive(clap::Args)]
pub(in crate::cli) struct RotateKey {
    #[command(flatten)]
    visit: Visit,
}

impl RotateKey {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited {
            mut owner, visit, ..
        } = self.visit.open()?;
        let number = owner.change_owner_key(visit)?;
        line(format_args!(
            "Card {number} obeys a new owner key, and the old one no more. Your words give both: \
             there is nothing new to write on paper."
        ));
        Ok(())
    }
}
