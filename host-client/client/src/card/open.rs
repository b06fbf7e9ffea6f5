//! Opening a session: SELECT and what anyone may ask (`docs/protocol.md`, sections 2.3 and 2.4).

use bitcoin::Network;
use tillcard_protocol::command::{
    Capabilities, GetData, Network as CardNetwork, Policy, Selected, State, StatusObject, Verify,
};
use tillcard_protocol::pin::PinBlock;

use super::holder::Holder;
use super::link::Link;
use super::{
    AgreementKey, CardError, Failed, Outcome, Session, from_card_network, settle, to_card_network,
};
use crate::transport::Transport;

/// The card has no owner, and no keys.
pub struct Factory {
    pub(super) _private: (),
}

/// The card has an owner; nobody has shown any authority yet.
#[derive(Clone, Copy)]
pub struct Issued {
    pub(super) network: CardNetwork,
    pub(super) tries_left: u8,
    pub(super) policy: Policy,
}

/// A session, by the state in which the card was found.
pub enum Opened<T> {
    /// A fresh card.
    Factory(Session<T, Factory>),
    /// A card with an owner.
    Issued(Session<T, Issued>),
}

/// Selects the application on the card behind `transport` and asks for its state.
///
/// # Errors
/// [`CardError::Refused`] when the card doesn't have the application;
/// [`CardError::UnknownVersion`] when it speaks another protocol.
pub fn open<T: Transport>(transport: T) -> Result<Opened<T>, CardError> {
    let mut link = Link::new(transport);
    let malformed = |command| move |_| CardError::Malformed { command };

    let selected = Selected::parse(&link.select()?).map_err(malformed("SELECT"))?;
    let [major, minor] = selected.version;
    if selected.version != tillcard_protocol::VERSION {
        return Err(CardError::UnknownVersion { major, minor });
    }
    let capabilities =
        Capabilities::parse(&link.ask("GET DATA", &GetData::Capabilities.to_apdu())?)
            .map_err(malformed("GET DATA"))?;
    let status = ask_status(&mut link)?;
    let opened = Session {
        link,
        capabilities,
        state: (),
    };
    Ok(match status {
        None => Opened::Factory(opened.with(Factory { _private: () })),
        Some(issued) => Opened::Issued(opened.with(issued)),
    })
}

/// What a card says of its state; none of a fresh one.
fn ask_status<T: Transport>(link: &mut Link<T>) -> Result<Option<Issued>, CardError> {
    const NAME: &str = "GET DATA";
    let answer = link.ask(NAME, &GetData::Status.to_apdu())?;
    let status =
        StatusObject::parse(&answer).map_err(|_| CardError::Malformed { command: NAME })?;
    match status.state {
        State::OtherVersion => Err(CardError::OtherImage),
        State::Damaged => Err(CardError::Damaged),
        State::Terminated => Err(CardError::Terminated),
        State::Factory => Ok(None),
        State::Issued {
            network,
            tries_left,
            policy,
        } => Ok(Some(Issued {
            network,
            tries_left,
            policy,
        })),
    }
}

impl<T> Opened<T> {
    /// The session with a card that has an owner.
    ///
    /// # Errors
    /// [`CardError::NotIssued`].
    pub fn issued(self) -> Result<Session<T, Issued>, CardError> {
        match self {
            Self::Issued(session) => Ok(session),
            Self::Factory(_) => Err(CardError::NotIssued),
        }
    }

    /// The session with a fresh card.
    ///
    /// # Errors
    /// [`CardError::IssuedBefore`].
    pub fn factory(self) -> Result<Session<T, Factory>, CardError> {
        match self {
            Self::Factory(session) => Ok(session),
            Self::Issued(_) => Err(CardError::IssuedBefore),
        }
    }
}

impl<T: Transport> Session<T, Issued> {
    /// The network that the card was issued for.
    pub fn network(&self) -> Network {
        from_card_network(self.state.network)
    }

    /// PIN entries left; 0 means that the PIN is blocked.
    pub fn tries_left(&self) -> u8 {
        self.state.tries_left
    }

    /// What the card allows in plain sessions, and beyond payments.
    pub fn policy(&self) -> Policy {
        self.state.policy
    }

    /// Makes sure that the card is for `wanted`.
    ///
    /// # Errors
    /// [`CardError::WrongNetwork`].
    pub fn expect_network(&self, wanted: Network) -> Result<(), CardError> {
        if self.state.network == to_card_network(wanted) {
            Ok(())
        } else {
            Err(CardError::WrongNetwork {
                card: self.network(),
                wanted,
            })
        }
    }

    /// Asks again what the card says of its PIN and policy (GET DATA). What it said when the session
    /// was opened came without proof; in a channel, this is the card's word.
    ///
    /// # Errors
    /// [`CardError::NotIssued`] and others of a card that has no owner (any more).
    pub fn read_status(&mut self) -> Result<(), CardError> {
        self.state = ask_status(&mut self.link)?.ok_or(CardError::NotIssued)?;
        Ok(())
    }

    /// Makes sure that the card has this PIN (VERIFY). Its authority ends at once: a new channel is
    /// opened, to the card that has this agreement key.
    ///
    /// # Errors
    /// As [`Self::verify`] and [`Self::open_channel`].
    pub fn expect_pin(self, pin: &PinBlock, key: &AgreementKey) -> Result<Self, CardError> {
        let holder = self.verify(pin)?;
        let card = holder.state.card;
        let mut session = holder.with(card);
        session.open_channel(key)?;
        Ok(session)
    }

    /// Presents the PIN (VERIFY, section 4.1). A wrong one uses up a try.
    ///
    /// # Errors
    /// [`CardError::WrongPin`] with the tries left; [`CardError::PinBlocked`].
    pub fn verify(mut self, pin: &PinBlock) -> Result<Session<T, Holder>, Failed<Self>> {
        let outcome = self
            .link
            .exchange("VERIFY", Verify::to_apdu(pin).as_bytes());
        scrub_stack();
        let error = match outcome {
            Err(error) => error,
            Ok(answer) => match answer.status {
                0x9000 => {
                    let card = self.state;
                    return Ok(self.with(Holder { card }));
                }
                0x63C0..=0x63CF => {
                    self.state.tries_left = (answer.status & 0x0F) as u8;
                    CardError::WrongPin {
                        tries_left: self.state.tries_left,
                    }
                }
                0x6983 => {
                    self.state.tries_left = 0;
                    CardError::PinBlocked
                }
                0x6982 => CardError::ChannelDemanded,
                status => CardError::Refused {
                    command: "VERIFY",
                    status,
                },
            },
        };
        Err(Failed {
            error,
            session: self,
        })
    }

    /// Asks for the tries left without using one up (VERIFY without data).
    ///
    /// # Errors
    /// [`CardError::Refused`] by anything but an answer with a number of tries.
    pub fn query_tries(mut self) -> Outcome<u8, Self> {
        let outcome = match self.link.exchange("VERIFY", Verify::query().as_bytes()) {
            Err(error) => Err(error),
            Ok(answer) => match answer.status {
                0x63C0..=0x63CF => Ok((answer.status & 0x0F) as u8),
                0x6983 => Ok(0),
                status => Err(CardError::Refused {
                    command: "VERIFY",
                    status,
                }),
            },
        };
        if let Ok(tries_left) = outcome {
            self.state.tries_left = tries_left;
        }
        settle(self, outcome)
    }
}

/// Overwrites the dead part of the stack, where moves of a command with a PIN left copies that no
/// destructor reaches.
#[inline(never)]
pub(crate) fn scrub_stack() {
    use zeroize::Zeroize;
    let mut dead = [0xA5_u8; 16 * 1024];
    dead.zeroize();
}
