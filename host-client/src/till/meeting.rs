//! A card comes into the reader: is it for this chain, is it genuine, and who else listens?

use bitcoin::Network;

use super::{CardSource, Decline, Event};
use tillcard_client::card::{self, CardError, CardKeys, IdentityKey, Issued, Session};
use tillcard_client::transport::Transport;
use tillcard_client::vetting::{Trust, Vetting, VettingError};

/// Which cards a till takes.
pub struct CardRules {
    /// Whom to believe that a card is genuine.
    pub vetting: Vetting,
    /// Whether a card without certificates is taken, in a plain session, if its owner allows that.
    pub plain: bool,
}

/// What the till knows of a card that it takes.
#[derive(Clone, Copy)]
pub(super) struct KnownCard {
    /// The keys that it proved; none in a plain session.
    pub(super) keys: Option<CardKeys>,
    /// Whether somebody believed vouches for it.
    pub(super) is_vouched_for: bool,
}

impl KnownCard {
    /// The key by which it signs statements, if somebody believed vouches for it.
    pub(super) fn identity(&self) -> Option<IdentityKey> {
        let keys = self.keys.filter(|_| self.is_vouched_for);
        keys.map(|keys| keys.identity)
    }
}

/// A card that the till takes.
pub(super) type Met<T> = (Session<T, Issued>, KnownCard);

/// Why there is no card to go on with.
pub(super) enum NotMet {
    /// It doesn't answer (any more).
    Failed(CardError),
    /// The till doesn't take it.
    NotTaken(Decline),
}

impl CardRules {
    /// Opens a channel to the card behind `transport`, when it is one of `network` that the till
    /// takes. What is found out is told as it is.
    pub(super) fn meet<S: CardSource>(
        &self,
        transport: S::Card,
        network: Network,
        tell: &mut dyn FnMut(Event),
    ) -> Result<Met<S::Card>, NotMet> {
        tell(Event::Card {
            reader: S::reader(&transport),
            atr: hex::encode_upper(transport.atr()),
        });
        let opened = card::open(transport).and_then(card::Opened::issued);
        let mut session = opened.map_err(not_met)?;
        let trust = match session.expect_network(network) {
            Ok(()) => self.trust(&mut session),
            Err(error) => Err(not_met(error)),
        };
        match trust {
            Ok(trust) => Ok((session, known(trust, tell))),
            Err(not_met) => {
                release(session, tell);
                Err(not_met)
            }
        }
    }

    /// What the card is, if the till takes it.
    fn trust<T: Transport>(&self, session: &mut Session<T, Issued>) -> Result<Trust, NotMet> {
        let trust = match self.vetting.vet(session) {
            Ok(trust) => trust,
            Err(VettingError::Card(error)) => return Err(not_met(error)),
            Err(error) => return Err(NotMet::NotTaken(Decline::NotGenuine(error))),
        };
        if trust != Trust::Uncertified {
            return Ok(trust);
        }
        if !session.policy().plain_sessions {
            Err(not_met(CardError::ChannelDemanded))
        } else if !self.plain {
            Err(NotMet::NotTaken(Decline::Uncertified))
        } else {
            Ok(trust)
        }
    }
}

/// Lets a card go and says so.
pub(super) fn release<T: Transport, St>(session: Session<T, St>, tell: &mut dyn FnMut(Event)) {
    let apdus = session.apdus();
    // A card that is gone needs no reset.
    let _ = session.close();
    tell(Event::CardReleased { apdus });
}

fn not_met(error: CardError) -> NotMet {
    match error {
        error @ CardError::Transport(_) => NotMet::Failed(error),
        error => NotMet::NotTaken(Decline::Card(error)),
    }
}

fn known(trust: Trust, tell: &mut dyn FnMut(Event)) -> KnownCard {
    let Trust::Certified { keys, vouched } = trust else {
        tell(Event::PlainSession);
        return KnownCard {
            keys: None,
            is_vouched_for: false,
        };
    };
    tell(Event::Channel);
    let is_vouched_for = vouched.is_some();
    tell(match vouched {
        Some(vouched) => Event::Genuine {
            batch: vouched.batch,
            root: vouched.root,
            test: vouched.is_test,
        },
        None => Event::NotVouchedFor,
    });
    KnownCard {
        keys: Some(keys),
        is_vouched_for,
    }
}
