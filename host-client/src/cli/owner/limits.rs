//! `tillcard owner limits`.

use tillcard::owner;
use tillcard::text::{counted, sat};

use super::limit_flags::LimitFlags;
use super::visit::{Visit, Visited};
use crate::cli::Failure;
use crate::cli::output::line;

/// Shows what the card allows shops and how much of it is used, or sets it anew.
#[derive(clap::Args)]
pub(in crate::cli) struct Limits {
    #[command(flatten)]
    visit: Visit,
    #[command(flatten)]
    limits: LimitFlags,
    /// Begin to count anew, though no limit changes
    #[arg(long)]
    renew: bool,
}

impl Limits {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited {
            mut owner,
            mut visit,
            ..
        } = self.visit.open()?;
        // The card told them when it was met.
        let before = visit.record.limits.unwrap_or(owner::Limits::DEFAULT);
        let limits = self.limits.over(&before)?;
        if self.limits.is_empty() && !self.renew {
            let usage = visit.usage()?;
            visit.close()?;
            line("The card says that it allows shops:");
            line(limits);
            line(format_args!(
                "Used since they were set: {} in {}, {} of them without PIN.",
                sat(usage.debited),
                counted(usage.payments, "payment"),
                usage.payments_without_pin
            ));
            return Ok(());
        }
        owner.set_limits(&mut visit, limits)?;
        visit.close()?;
        line("The card now allows shops:");
        line(limits);
        line("It counts from zero.");
        Ok(())
    }
}
