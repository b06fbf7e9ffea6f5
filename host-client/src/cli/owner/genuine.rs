//! `tillcard owner genuine`.

use super::visit::{Visit, Visited};
use crate::cli::Failure;
use crate::cli::output::line;
use crate::cli::trust::TrustArguments;

/// Shows who vouches for the card, and has it prove that it has the key of its certificate.
#[derive(clap::Args)]
pub(in crate::cli) struct Genuine {
    #[command(flatten)]
    visit: Visit,
    #[command(flatten)]
    trust: TrustArguments,
}

impl Genuine {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited {
            owner, mut visit, ..
        } = self.visit.open()?;
        let number = visit.record.number;
        let checker = self.trust.vetting(owner.network())?.checker;
        let vouched = visit.prove_genuine(&checker)?;
        visit.close()?;
        let Some(vouched) = vouched else {
            line(format_args!(
                "Card {number} has no certificates: nobody vouches for it. It has the keys that it \
                 had when it was issued."
            ));
            return Ok(());
        };
        line(format_args!(
            "Card {number} is genuine, of batch {} by {}.",
            vouched.batch, vouched.root
        ));
        if vouched.is_test {
            line("It is a test card: everybody can make such.");
        }
        Ok(())
    }
}
