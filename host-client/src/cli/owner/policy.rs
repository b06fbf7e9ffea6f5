//! `tillcard owner policy`.

use clap::ValueEnum;

use super::visit::{Visit, Visited};
use crate::cli::Failure;
use crate::cli::output::line;
use tillcard_client::card;

/// Shows what the card allows in plain sessions, and whether it gives statements, or sets that.
#[derive(clap::Args)]
pub(in crate::cli) struct Policy {
    /// PIN and payments in plain sessions too, for readers with a PIN pad of their own: whoever
    /// listens between card and reader then learns the PIN
    #[arg(long, value_name = "ON|OFF")]
    plain_readers: Option<Switch>,
    /// Statements, by which the card promises shops to sign nothing else for the coins of a
    /// payment: you then can't cancel it with the card
    #[arg(long, value_name = "ON|OFF")]
    statements: Option<Switch>,
    #[command(flatten)]
    visit: Visit,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Policy {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited { mut visit, .. } = self.visit.open()?;
        let before = visit.policy()?;
        let over = |switch: Option<Switch>, before| switch.map_or(before, |s| s == Switch::On);
        let policy = card::Policy {
            plain_sessions: over(self.plain_readers, before.plain_sessions),
            statements: over(self.statements, before.statements),
        };
        let is_set = self.plain_readers.is_some() || self.statements.is_some();
        if is_set {
            visit.set_policy(policy)?;
        }
        visit.close()?;
        line(match is_set {
            true => "The card now has this policy:",
            false => "The card says that this is its policy:",
        });
        for text in lines(policy) {
            line(format_args!("  {text}"));
        }
        Ok(())
    }
}

/// A policy for a person.
pub(super) fn lines(policy: card::Policy) -> [&'static str; 2] {
    [
        match policy.plain_sessions {
            true => "PIN and payments in plain sessions too: readers can listen",
            false => "PIN and payments in a secure channel only",
        },
        match policy.statements {
            true => "gives shops statements on their payments",
            false => "gives no statements",
        },
    ]
}
