//! A card that happens to be in a reader: is it one of this owner's, and what does it say?

use std::time::SystemTime;

use tillcard_client::card::{
    CardError, CardKey, IdentityKey, Issued, NONCE_LENGTH, Policy, Session,
};
use tillcard_client::genuine::{Checker, Vouched, check_proof};
use tillcard_client::transport::Transport;

use super::{Owner, OwnerError, Visit};

/// What only the card itself knows, by its answers in its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtHand {
    /// Its number.
    pub number: u32,
    /// PIN entries left; 0 means that the PIN is blocked.
    pub tries_left: u8,
    /// Its policy.
    pub policy: Policy,
}

impl Owner {
    /// Asks the card in the session, if it is one of this owner's; none when it isn't, or doesn't
    /// answer: nobody was told to put it in. Its limits are known afterwards.
    ///
    /// # Errors
    /// Those of the cards' files.
    pub fn ask_at_hand<T: Transport>(
        &mut self,
        mut session: Session<T, Issued>,
    ) -> Result<Option<AtHand>, OwnerError> {
        if session.expect_network(self.network).is_err() {
            return Ok(None);
        }
        for mut record in self.cards()? {
            if record.agreement_key.is_none() {
                continue;
            }
            let is_this;
            (is_this, session) = match self.recognise(&mut record, session) {
                Err(OwnerError::Card(_) | OwnerError::OwnerKeyRefused(_)) => return Ok(None),
                recognised => recognised?,
            };
            if is_this {
                let at_hand = AtHand {
                    number: record.number,
                    tries_left: session.tries_left(),
                    policy: session.policy(),
                };
                session.close()?;
                return Ok(Some(at_hand));
            }
        }
        Ok(None)
    }
}

impl<T: Transport> Visit<T> {
    /// Who vouches for the card; the card proves that it has the key of its certificate, and that
    /// must be the key by which it signed when it was issued. None when the card says that it has no
    /// certificates, and never had any as far as the folder knows.
    ///
    /// # Errors
    /// [`OwnerError::NotGenuine`]; [`OwnerError::CertificatesWithheld`]; and
    /// [`CardError::IssueRecord`] when the certificate is of another key.
    pub fn prove_genuine(&mut self, checker: &Checker) -> Result<Option<Vouched>, OwnerError> {
        let Some(certificates) = self.card.certificates(CardKey::Identity)? else {
            return match self.record.certified {
                true => Err(OwnerError::CertificatesWithheld(self.record.number)),
                false => Ok(None),
            };
        };
        let vouched = checker.check(&certificates, CardKey::Identity, SystemTime::now())?;
        if self.record.identity_key != Some(IdentityKey(vouched.key)) {
            return Err(CardError::IssueRecord(
                "its certificate is of another key than the one that signed it",
            )
            .into());
        }
        let mut challenge = [0; NONCE_LENGTH];
        getrandom::fill(&mut challenge).map_err(|_| OwnerError::NoRandomness)?;
        let proof = self.card.prove_genuine(&challenge)?;
        check_proof(&vouched.key, &self.card.id(), &challenge, &proof)?;
        Ok(Some(vouched))
    }
}
