//! A session with a card, typed: what a card's state or our authority doesn't allow can't be
//! written down.
//!
//! [`open`] selects the application and tells a factory card from an issued one:
//!
//! ```text
//! open ─┬─▶ Session<Factory> ──prepare─▶ Session<Prepared> ──issue─▶ Session<Issued>
//!       └─▶ Session<Issued> ─┬─verify───▶ Session<Holder> ─┬─preview─▶ Session<PaymentAsked> ─pay─▶ Session<Issued>
//!                            │                             └─pay─▶ Session<Issued>
//!                            ├─pay_without_pin─▶ Session<Issued>
//!                            └─as_owner─▶ Session<Owner>
//! ```
//!
//! A session is plain at first. [`Session::open_channel`] leads all that follows through a secure
//! channel; the methods are the same in both.
//!
//! The commands and their bytes are in `docs/protocol.md`.

mod card_keys;
mod channel;
mod check;
mod convert;
mod error;
mod holder;
mod issuing;
mod link;
mod logged;
mod network;
mod open;
mod order;
mod owner;
mod proving;
mod rights;
#[cfg(test)]
mod scripted;
mod signing;

pub use card_keys::{AgreementKey, CardKeys, IdentityKey};
pub use check::{CheckError, check_payment, check_preview, check_unpreviewed, unpreviewed};
pub use error::{CardError, Failed, tries};
pub use holder::{Holder, PaymentAsked, PaymentState, Preview};
pub use issuing::{IssueOrder, Prepared};
pub use logged::Logged;
pub use network::{from_card_network, to_card_network};
pub use open::{Factory, Issued, Opened, open};
pub use order::{Merchant, PaymentIdentity, PaymentOrder};
pub use owner::{CardContents, Owner, OwnerAuthority, UNKNOWN_CARD};
pub use proving::Idle;
pub use rights::Terminated;
pub use signing::{Derivation, SigningOrder};
pub use tillcard_protocol::command::coin_image::{ImageCoin, ImageHeader};
pub use tillcard_protocol::command::{Capabilities, CardKey, Limits, NONCE_LENGTH, Policy};
pub use tillcard_protocol::pin::{MAX_DIGITS as PIN_DIGITS_MAX, PinBlock};
pub use tillcard_protocol::session::Session as SessionId;

use crate::transport::Transport;
use link::Link;

/// A connection to a card with our application selected. `S` says what may be asked of it.
pub struct Session<T, S> {
    link: Link<T>,
    capabilities: Capabilities,
    state: S,
}

impl<T: Transport, S> Session<T, S> {
    /// What the card says that it can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The connection.
    pub fn transport(&self) -> &T {
        self.link.transport()
    }

    /// Command APDUs sent over this connection.
    pub fn apdus(&self) -> u64 {
        self.transport().apdus()
    }

    /// Ends the session and gives the connection back; the card may still be authorised until it
    /// is reset or selected anew.
    pub fn into_transport(self) -> T {
        self.link.into_transport()
    }

    /// Ends the session: resets the card and lets it go. Returns the number of command APDUs sent.
    ///
    /// # Errors
    /// As [`Transport::disconnect`].
    pub fn close(self) -> Result<u64, CardError> {
        let transport = self.link.into_transport();
        let apdus = transport.apdus();
        transport.disconnect()?;
        Ok(apdus)
    }

    fn with<S2>(self, state: S2) -> Session<T, S2> {
        Session {
            link: self.link,
            capabilities: self.capabilities,
            state,
        }
    }
}

/// What a command came to, with the session that follows it either way.
pub type Outcome<R, S> = Result<(R, S), Failed<S>>;

fn settle<R, S>(session: S, outcome: Result<R, CardError>) -> Outcome<R, S> {
    match outcome {
        Ok(result) => Ok((result, session)),
        Err(error) => Err(Failed { error, session }),
    }
}
