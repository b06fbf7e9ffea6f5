//! A card comes into the reader: is it for this chain, is it genuine, and who else listens?

use bitcoin::Network;

use super::attempt::{End, before_signing};
use super::payment::{CardSource, Till};
use super::pin::PinSource;
use super::{Decline, Event};
use tillcard_client::card::{self, CardError, IdentityKey, Issued, Session};
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
    /// The key by which it signs statements; none in a plain session.
    pub(super) identity: Option<IdentityKey>,
    /// Whether somebody believed vouches for it.
    pub(super) is_vouched_for: bool,
}

/// A card that the till takes.
pub(super) type Met<T> = (Session<T, Issued>, KnownCard);

impl<S: CardSource, P: PinSource> Till<'_, S, P> {
    /// Waits for a card of this network, and opens a channel to it.
    pub(super) fn meet_card(&mut self, network: Network) -> Result<Met<S::Card>, End> {
        self.tell(Event::WaitingForCard);
        let transport = self.cards.wait()?;
        self.tell(Event::Card {
            reader: S::reader(&transport),
            atr: hex::encode_upper(transport.atr()),
        });
        let mut session = match card::open(transport).and_then(card::Opened::issued) {
            Ok(session) => session,
            Err(error) => return Err(before_signing(error)),
        };
        let standing = match session.expect_network(network) {
            Ok(()) => self.cards_standing(&mut session),
            Err(error) => Err(before_signing(error)),
        };
        match standing {
            Ok(standing) => Ok((session, self.tell_standing(standing))),
            Err(end) => {
                self.release(session);
                Err(end)
            }
        }
    }

    /// What the card is, if the till takes it.
    fn cards_standing(&self, session: &mut Session<S::Card, Issued>) -> Result<Trust, End> {
        let standing = match self.rules.vetting.vet(session) {
            Ok(standing) => standing,
            Err(VettingError::Card(error)) => return Err(before_signing(error)),
            Err(error) => return Err(End::Declined(Decline::NotGenuine(error))),
        };
        if standing != Trust::Uncertified {
            return Ok(standing);
        }
        if !session.policy().plain_sessions {
            Err(before_signing(CardError::ChannelDemanded))
        } else if !self.rules.plain {
            Err(End::Declined(Decline::Uncertified))
        } else {
            Ok(standing)
        }
    }

    fn tell_standing(&mut self, standing: Trust) -> KnownCard {
        let Trust::Certified { keys, vouched } = standing else {
            self.tell(Event::PlainSession);
            return KnownCard {
                identity: None,
                is_vouched_for: false,
            };
        };
        self.tell(Event::Channel);
        let is_vouched_for = vouched.is_some();
        self.tell(match vouched {
            Some(vouched) => Event::Genuine {
                batch: vouched.batch,
                root: vouched.root,
                test: vouched.is_test,
            },
            None => Event::NotVouchedFor,
        });
        KnownCard {
            identity: Some(keys.identity),
            is_vouched_for,
        }
    }
}
