//! `tillcard owner genuine`.

use std::time::SystemTime;

use super::visit::{Visit, Visited};
use crate::card::{CardError, CardKey, IdentityKey, NONCE_LENGTH};
use crate::cli::Failure;
use crate::cli::output::line;
use crate::cli::trust::TrustArguments;
use crate::genuine::check_proof;

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
            owner,
            record,
            mut session,
            ..
        } = self.visit.open()?;
        let Some(certificates) = session.certificates(CardKey::Identity)? else {
            session.close()?;
            line(format_args!(
                "Card {} has no certificates: nobody vouches for it. It has the keys that it had \
                 when it was issued.",
                record.number
            ));
            return Ok(());
        };
        let checker = self.trust.vetting(owner.network())?.checker;
        let vouched = checker.check(&certificates, CardKey::Identity, SystemTime::now())?;
        if record.identity_key != Some(IdentityKey(vouched.key)) {
            return Err(CardError::IssueRecord(
                "its certificate is of another key than the one that signed it",
            )
            .into());
        }
        let mut challenge = [0; NONCE_LENGTH];
        getrandom::fill(&mut challenge).map_err(|_| CardError::NoRandomness)?;
        let proof = session.prove_genuine(&challenge)?;
        check_proof(&vouched.key, &session.id(), &challenge, &proof)?;
        session.close()?;
        line(format_args!(
            "Card {} is genuine, of batch “{}” by “{}”.",
            record.number, vouched.batch, vouched.root
        ));
        if vouched.is_test {
            line("It is a test card: everybody can make such.");
        }
        Ok(())
    }
}
