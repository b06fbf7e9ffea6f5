//! What the owner may do, by signature (`docs/protocol.md`, sections 5 and 6.2).

use bitcoin::consensus::encode::serialize;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, Transaction};
use tillcard_applet::command::{
    Announced, CHALLENGE_LENGTH, CoinEntered, EnterCoin, GetChallenge, Header,
    Network as CardNetwork, SIGNATURE_LENGTH,
};
use tillcard_applet::owner::{CARD_ID_LENGTH, message};

use super::{CardError, Issued, Session};
use crate::owner::{OwnerError, OwnerKey};
use crate::transport::Transport;

/// Most bytes of a transaction in one short command.
const PIECE_MAX: usize = 255;

/// Owner commands are signed by `A`.
pub struct Owner<'a, A: ?Sized> {
    authority: &'a A,
    network: CardNetwork,
    tries_left: u8,
}

/// Who signs a card's owner commands.
pub trait OwnerAuthority {
    /// The card's id (section 3.2), which binds a signature to this card.
    fn card_id(&self) -> [u8; CARD_ID_LENGTH];

    /// A BIP340 signature by the owner key over a 32-byte message.
    ///
    /// # Errors
    /// [`CardError::OwnerKey`] when the key can't be used.
    fn sign(&self, message: &[u8; 32]) -> Result<[u8; SIGNATURE_LENGTH], CardError>;
}

/// An owner key of the owner's wallet, and the card that it is for.
impl OwnerAuthority for (OwnerKey, [u8; CARD_ID_LENGTH]) {
    fn card_id(&self) -> [u8; CARD_ID_LENGTH] {
        self.1
    }

    fn sign(&self, message: &[u8; 32]) -> Result<[u8; SIGNATURE_LENGTH], CardError> {
        let failed = |error: OwnerError| CardError::OwnerKey(error.to_string());
        self.0.sign(message).map_err(failed)
    }
}

impl<T: Transport> Session<T, Issued> {
    /// Goes on as the owner. The card asks for a signature with each command, so nothing is sent
    /// here.
    pub fn as_owner<A: OwnerAuthority + ?Sized>(self, authority: &A) -> Session<T, Owner<'_, A>> {
        let state = Owner {
            authority,
            network: self.state.network,
            tries_left: self.state.tries_left,
        };
        self.with(state)
    }
}

impl<T: Transport, A: OwnerAuthority + ?Sized> Session<T, Owner<'_, A>> {
    /// Enters the coin at `vout` of `transaction`, which pays the card's receive script at
    /// `index`, by streaming the transaction to the card (ENTER COIN). Returns the coin's amount as
    /// the card read it.
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6982` when the owner key or the card is another one, and the
    /// status words of section 6.2.
    pub fn enter_coin(
        &mut self,
        transaction: &Transaction,
        vout: u32,
        index: u32,
    ) -> Result<Amount, CardError> {
        const NAME: &str = "ENTER COIN";
        let malformed = CardError::Malformed { command: NAME };
        let coin = OutPoint::new(transaction.compute_txid(), vout);
        let announced = Announced {
            txid: coin.txid.to_byte_array(),
            vout,
            index,
        };
        let signature = self.sign(&EnterCoin::BEGIN, &announced.body())?;
        self.link
            .ask(NAME, &EnterCoin::begin(&announced, &signature))?;

        let stripped = serialize(&without_witness(transaction));
        let mut answer = Vec::new();
        for piece in stripped.chunks(PIECE_MAX) {
            if !answer.is_empty() {
                // The card took the transaction for complete before it was.
                return Err(malformed);
            }
            let command = EnterCoin::piece(piece)
                .map_err(|_| CardError::Unsendable("the piece is too long for a card"))?;
            answer = self.link.ask(NAME, &command)?;
        }
        let entered = CoinEntered::parse(&answer).map_err(|_| malformed)?;
        Ok(Amount::from_sat(entered.amount))
    }

    /// Goes back to a session without authority.
    pub fn leave(self) -> Session<T, Issued> {
        let state = Issued {
            network: self.state.network,
            tries_left: self.state.tries_left,
        };
        self.with(state)
    }

    /// Fetches a challenge and signs the command with this header and body.
    fn sign(&mut self, header: &Header, body: &[u8]) -> Result<[u8; SIGNATURE_LENGTH], CardError> {
        const NAME: &str = "GET CHALLENGE";
        let answer = self.link.ask(NAME, &GetChallenge::to_apdu())?;
        let challenge: [u8; CHALLENGE_LENGTH] = answer
            .try_into()
            .map_err(|_| CardError::Malformed { command: NAME })?;
        let Owner {
            authority, network, ..
        } = &self.state;
        let message = message(*network, &authority.card_id(), &challenge, header, body);
        authority.sign(&message)
    }
}

/// The preimage of the txid, which is what a card takes.
fn without_witness(transaction: &Transaction) -> Transaction {
    let mut stripped = transaction.clone();
    for input in &mut stripped.input {
        input.witness.clear();
    }
    stripped
}
