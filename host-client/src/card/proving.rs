//! By what a card is known: its certificates, a channel, a proof, a statement (`docs/protocol.md`,
//! sections 2.6, 3.7, 3.8 and 7.8).

use bitcoin::Txid;
use bitcoin::hashes::Hash;
use tillcard_protocol::command::{AskStatement, CardKey, GetData, NONCE_LENGTH, ProveGenuine};
use tillcard_protocol::session::Session as SessionId;

use super::link::Answer;
use super::{AgreementKey, CardError, Factory, Issued, Session};
use crate::transport::Transport;

/// A state in which nobody has shown authority, so that nothing is lost when a channel opens.
pub trait Idle {}

impl Idle for Factory {}
impl Idle for Issued {}

/// Status word of a card that has no such data.
const NOT_FOUND: u16 = 0x6A88;

impl<T: Transport, S> Session<T, S> {
    /// What signatures know this session by: the channel's receipt, if there is one.
    pub fn id(&self) -> SessionId {
        self.link.session()
    }

    /// Whether commands go through a secure channel.
    pub fn is_protected(&self) -> bool {
        self.channel_key().is_some()
    }

    /// The agreement key of the card at the channel's other end; none in a plain session.
    pub fn channel_key(&self) -> Option<&AgreementKey> {
        self.link.channel_key()
    }

    /// Asks for a proof that the card has its identity key (INTERNAL AUTHENTICATE), and returns the
    /// answer, unchecked.
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6985` when it has none yet.
    pub fn prove_genuine(&mut self, challenge: &[u8; NONCE_LENGTH]) -> Result<Vec<u8>, CardError> {
        let command = ProveGenuine { challenge }.to_apdu();
        self.link.ask("INTERNAL AUTHENTICATE", &command)
    }
}

impl<T: Transport, S: Idle> Session<T, S> {
    /// The certificates of the batch and of one of the card's own keys, unchecked (GET DATA); none
    /// when nobody vouches for the card.
    ///
    /// # Errors
    /// [`CardError::Refused`].
    pub fn certificates(&mut self, key: CardKey) -> Result<Option<Vec<u8>>, CardError> {
        const NAME: &str = "GET DATA";
        let command = GetData::Certificates(key).to_apdu();
        match self.link.exchange(NAME, command.as_bytes())? {
            Answer {
                data,
                status: 0x9000,
            } => Ok(Some(data)),
            Answer {
                status: NOT_FOUND, ..
            } => Ok(None),
            Answer { status, .. } => Err(CardError::Refused {
                command: NAME,
                status,
            }),
        }
    }

    /// Opens a secure channel to the card that has this agreement key; all that follows goes
    /// through it.
    ///
    /// # Errors
    /// [`CardError::NotThisCard`] when another answers, and nothing can be asked any more before
    /// another channel is opened; [`CardError::Refused`]: `6985` when the card has no keys of its
    /// own yet, and the session stays plain.
    pub fn open_channel(&mut self, key: &AgreementKey) -> Result<(), CardError> {
        self.link.open_channel(key)
    }

    /// Goes back to a plain session (SELECT).
    ///
    /// # Errors
    /// As [`super::open`].
    pub fn close_channel(&mut self) -> Result<(), CardError> {
        self.link.select().map(|_| ())
    }
}

impl<T: Transport> Session<T, Issued> {
    /// Asks what the card says of the payment that it made in this session, and to sign nothing
    /// else for its coins (STATEMENT). Returns the answer, unchecked.
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6982` when the card's owner doesn't allow statements, `9417` when he
    /// signed against the payment.
    pub fn ask_statement(
        &mut self,
        nonce: &[u8; NONCE_LENGTH],
        txid: &Txid,
    ) -> Result<Vec<u8>, CardError> {
        let command = AskStatement {
            nonce: *nonce,
            txid: txid.to_byte_array(),
        };
        self.link.ask("STATEMENT", &command.to_apdu())
    }
}
