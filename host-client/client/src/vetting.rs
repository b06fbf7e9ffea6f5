//! Meeting a card that is known by its certificates only: a channel to it, and whether it is genuine
//! (`docs/protocol.md`, sections 2.6, 3.7 and 3.8).

use std::time::SystemTime;

use crate::account::IssuedCard;
use crate::advice::{Advice, Explain};
use crate::card::{
    AgreementKey, CardError, CardKey, CardKeys, IdentityKey, Idle, NONCE_LENGTH, Session,
};
use crate::genuine::{Checker, GenuineError, Vouched, check_proof, claimed_key};
use crate::transport::Transport;

/// Whom to believe that a card is genuine.
pub struct Vetting {
    /// Root certificates, and certificate revocation lists.
    pub checker: Checker,
    /// Whether cards are taken too that nobody believed vouches for.
    pub unverified: bool,
}

/// What a card turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The session goes on in a channel to this card.
    Certified {
        /// The keys that its certificates name.
        keys: CardKeys,
        /// Who vouches for it; nobody believed does when cards of this kind are taken too.
        vouched: Option<Vouched>,
    },
    /// Whoever answers says that the card has no certificates, and the session stays plain. Nothing
    /// proves that: a card with certificates looks the same to whom somebody between card and reader
    /// keeps them from.
    Uncertified,
}

/// Why a card isn't taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VettingError {
    /// The card doesn't answer, or hasn't the key of its certificate.
    #[error(transparent)]
    Card(#[from] CardError),
    /// Its certificates or its proof aren't in order.
    #[error(transparent)]
    NotGenuine(#[from] GenuineError),
    /// Its two keys are vouched for by different makers.
    #[error("the card's two certificates are of two batches")]
    TwoBatches,
}

impl Explain for VettingError {
    fn advice(&self) -> Advice {
        match self {
            Self::Card(error) => error.advice(),
            Self::NotGenuine(error) => error.advice(),
            Self::TwoBatches => Advice::new(
                "certificate-two-batches",
                "the card has seen no PIN, and nothing was paid",
                "don't use this card: it is counterfeit",
            ),
        }
    }
}

impl Vetting {
    /// Opens a channel to the card, if it has certificates, and has it prove in there that it is
    /// genuine.
    ///
    /// # Errors
    /// [`VettingError`]; the card isn't to be used then.
    pub fn vet<T: Transport, S: Idle>(
        &self,
        session: &mut Session<T, S>,
    ) -> Result<Trust, VettingError> {
        let Some(certificates) = session.certificates(CardKey::Agreement)? else {
            return Ok(Trust::Uncertified);
        };
        let (agreement, channel_vouched) = self.check(&certificates, CardKey::Agreement)?;
        let agreement = AgreementKey(agreement);
        session.open_channel(&agreement)?;

        let certificates = session.certificates(CardKey::Identity)?;
        let certificates = certificates.ok_or(GenuineError::Truncated)?;
        let (identity, vouched) = self.check(&certificates, CardKey::Identity)?;
        let mut challenge = [0; NONCE_LENGTH];
        getrandom::fill(&mut challenge).map_err(|_| CardError::NoRandomness)?;
        let proof = session.prove_genuine(&challenge)?;
        check_proof(&identity, &session.id(), &challenge, &proof)?;

        let maker = |vouched: &Option<Vouched>| {
            let vouched = vouched.as_ref()?;
            Some((vouched.root.clone(), vouched.batch.clone()))
        };
        if maker(&channel_vouched) != maker(&vouched) {
            return Err(VettingError::TwoBatches);
        }
        let identity = IdentityKey(identity);
        Ok(Trust::Certified {
            keys: CardKeys {
                identity,
                agreement,
            },
            vouched,
        })
    }

    /// The key of which a certificate is, and who vouches for it.
    fn check(
        &self,
        certificates: &[u8],
        key: CardKey,
    ) -> Result<([u8; 33], Option<Vouched>), GenuineError> {
        match self.checker.check(certificates, key, SystemTime::now()) {
            Ok(vouched) => Ok((vouched.key, Some(vouched))),
            Err(_) if self.unverified => Ok((claimed_key(certificates)?, None)),
            Err(error) => Err(error),
        }
    }
}

impl Trust {
    /// The keys that the card's certificates name.
    pub fn keys(&self) -> Option<CardKeys> {
        match self {
            Self::Certified { keys, .. } => Some(*keys),
            Self::Uncertified => None,
        }
    }

    /// Makes sure that a card which was issued has the keys of its certificates.
    ///
    /// # Errors
    /// [`CardError::IssueRecord`].
    pub fn expect(&self, issued: &IssuedCard) -> Result<(), CardError> {
        match self.keys() {
            Some(keys) if issued.card_keys != Some(keys) => Err(CardError::IssueRecord(
                "its own keys aren't those of its certificates",
            )),
            _ => Ok(()),
        }
    }
}
