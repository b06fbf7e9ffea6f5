//! `tillcard owner rotate-key`.

use super::visit::{Visit, Visited};
use crate::card::CardError;
use crate::cli::Failure;
use crate::cli::output::line;
use crate::owner::OwnerError;

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
            mut owner,
            mut record,
            session,
            ..
        } = self.visit.open()?;
        let session = owner
            .rotate_key(&mut record, session)
            .map_err(not_rotated)?;
        session.close()?;
        line(format_args!(
            "Card {} obeys a new owner key, and the old one no more. Your words give both: there is \
             nothing new to write on paper.",
            record.number
        ));
        Ok(())
    }
}

/// Why the card doesn't obey the new key, as far as that is known.
fn not_rotated(error: OwnerError) -> Failure {
    match error {
        OwnerError::Card(CardError::Transport(_) | CardError::Malformed { .. }) => {
            Failure::new(format!(
                "{error}. It isn't known which key the card obeys; your next command to it finds \
                 out, such as tillcard owner limits"
            ))
        }
        _ => error.into(),
    }
}
