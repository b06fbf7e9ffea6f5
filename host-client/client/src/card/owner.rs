//! What the owner may do, by signature (`docs/protocol.md`, sections 5.2, 6.2, 6.4 and 8).

use bitcoin::consensus::encode::serialize;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, Transaction};
use tillcard_protocol::command::coin_image::{CoinImage, ImageCoin, ImageHeader};
use tillcard_protocol::command::{
    AcknowledgeLog, Announced, BeginReading, CHALLENGE_LENGTH, CoinEntered, EnterCoin,
    GetChallenge, Limits, LimitsAnswer, LoggedPayment, OwnerCommand, Place, Policy, ReadCoins,
    ReadLimits, ReadLog, Resolve, SIGNATURE_LENGTH, SetLimits,
};
use tillcard_protocol::owner::{CARD_ID_LENGTH, message};

use super::convert::to_outpoint;
use super::logged::Logged;
use super::{CardError, Issued, Session};
use crate::account::CardChain;
use crate::transport::Transport;

/// Owner commands are signed by `A`.
pub struct Owner<A> {
    authority: A,
    pub(super) card: Issued,
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

/// Stands for the id of a card that isn't known yet: with it, [`Session::read_account`] is all that
/// can be asked.
pub const UNKNOWN_CARD: [u8; CARD_ID_LENGTH] = [0; CARD_ID_LENGTH];

impl<A: OwnerAuthority + ?Sized> OwnerAuthority for &A {
    fn card_id(&self) -> [u8; CARD_ID_LENGTH] {
        (**self).card_id()
    }

    fn sign(&self, message: &[u8; 32]) -> Result<[u8; SIGNATURE_LENGTH], CardError> {
        (**self).sign(message)
    }
}

/// What a card knows of its coins and payments (READ COINS).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardContents {
    /// Indexes and counters.
    pub header: ImageHeader,
    /// The coins.
    pub coins: Vec<ImageCoin>,
}

impl CardContents {
    /// How many payments the owner hasn't acknowledged.
    pub fn unread(&self) -> u32 {
        let header = &self.header;
        header
            .next_number
            .saturating_sub(header.first_unacknowledged)
    }

    /// The coin at an outpoint, if the card knows it.
    pub fn coin(&self, outpoint: &OutPoint) -> Option<&ImageCoin> {
        let sought = to_outpoint(outpoint);
        self.coins.iter().find(|coin| coin.outpoint == sought)
    }
}

const ENTER_COIN: &str = "ENTER COIN";

/// The longest coin image: a thousand coins have some 40 kB.
const IMAGE_MAX: usize = 256 * 1024;

impl<T: Transport> Session<T, Issued> {
    /// Goes on as the owner. The card asks for a signature with each command, so nothing is sent
    /// here.
    pub fn as_owner<A: OwnerAuthority>(self, authority: A) -> Session<T, Owner<A>> {
        let state = Owner {
            authority,
            card: self.state,
        };
        self.with(state)
    }
}

impl<T: Transport, A: OwnerAuthority> Session<T, Owner<A>> {
    /// Asks whether the card would take the coin at `outpoint`, which pays its script at `index` of
    /// `chain` (ENTER COIN, its first command): that it hasn't used the index before, that it knows
    /// the index, and that it has room. Nothing is entered.
    ///
    /// # Errors
    /// [`CardError::Refused`]: the status words of `[ENT-2]`, such as `940F` for an index that was
    /// used before.
    pub fn announce_coin(
        &mut self,
        outpoint: &OutPoint,
        chain: CardChain,
        index: u32,
    ) -> Result<(), CardError> {
        let announced = Announced {
            txid: outpoint.txid.to_byte_array(),
            vout: outpoint.vout,
            place: Place {
                chain: chain as u32,
                index,
            },
        };
        self.command(ENTER_COIN, &announced).map(|_| ())
    }

    /// Enters the coin at `vout` of `transaction`, which pays the card's script at `index` of
    /// `chain`, by streaming the transaction to the card (ENTER COIN). Returns the coin's amount
    /// as the card read it.
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6982` when the owner key or the card is another one, and the
    /// status words of section 6.2.
    pub fn enter_coin(
        &mut self,
        transaction: &Transaction,
        vout: u32,
        chain: CardChain,
        index: u32,
    ) -> Result<Amount, CardError> {
        const NAME: &str = ENTER_COIN;
        let malformed = CardError::Malformed { command: NAME };
        let coin = OutPoint::new(transaction.compute_txid(), vout);
        self.announce_coin(&coin, chain, index)?;

        let stripped = serialize(&without_witness(transaction));
        let mut answer = Vec::new();
        for piece in stripped.chunks(self.link.data_max()) {
            if !answer.is_empty() {
                // The card took the transaction for complete before it was.
                return Err(malformed);
            }
            let command = EnterCoin::piece(piece).map_err(|_| TOO_LONG)?;
            answer = self.link.ask(NAME, &command)?;
        }
        let entered = CoinEntered::parse(&answer).map_err(|_| malformed)?;
        Ok(Amount::from_sat(entered.amount))
    }

    /// Reads all that the card knows of its coins, and its counters (READ COINS).
    ///
    /// # Errors
    /// [`CardError::Malformed`] when it isn't a coin image, or one with another checksum.
    pub fn read_coins(&mut self) -> Result<CardContents, CardError> {
        const NAME: &str = "READ COINS";
        let malformed = CardError::Malformed { command: NAME };
        let mut image = self.command(NAME, &BeginReading)?;
        loop {
            let part = self.link.ask(NAME, &ReadCoins::next())?;
            if part.is_empty() {
                break;
            }
            image.extend_from_slice(&part);
            if image.len() > IMAGE_MAX {
                return Err(malformed);
            }
        }
        let image = CoinImage::parse(&image).map_err(|_| malformed)?;
        Ok(CardContents {
            header: image.header,
            coins: image.coins().collect(),
        })
    }

    /// The payment of this number in the card's log (READ LOG).
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6A88` when the card doesn't keep it (any more).
    pub fn read_log(&mut self, number: u32) -> Result<Logged, CardError> {
        const NAME: &str = "READ LOG";
        let answer = self.command(NAME, &ReadLog(number))?;
        let read = LoggedPayment::parse(&answer).ok().and_then(Logged::read);
        read.filter(|payment| payment.number == number)
            .ok_or(CardError::Malformed { command: NAME })
    }

    /// Tells the card that the owner has read the payments below `seen`, and that those below
    /// `settled` are final, so that it needs to keep them no longer (ACKNOWLEDGE LOG).
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6A80` when the numbers aren't in order.
    pub fn acknowledge(&mut self, seen: u32, settled: u32) -> Result<(), CardError> {
        self.command("ACKNOWLEDGE LOG", &AcknowledgeLog { seen, settled })
            .map(|_| ())
    }

    /// Sets the limits anew; the card's counters begin at zero (SET LIMITS).
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6985` while a payment isn't acknowledged.
    pub fn set_limits(&mut self, limits: Limits) -> Result<(), CardError> {
        self.command("SET LIMITS", &SetLimits(limits)).map(|_| ())
    }

    /// The limits and the policy as the card has them (READ LIMITS).
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6982` when the owner key or the card is another one.
    pub fn read_limits(&mut self) -> Result<(Limits, Policy), CardError> {
        const NAME: &str = "READ LIMITS";
        let answer = self.command(NAME, &ReadLimits)?;
        match LimitsAnswer::parse(&answer) {
            Ok(LimitsAnswer { limits, policy }) => {
                self.state.card.policy = policy;
                Ok((limits, policy))
            }
            Err(_) => Err(CardError::Malformed { command: NAME }),
        }
    }

    /// Tells the card that a transaction that conflicts with payment `number` is confirmed, so
    /// that the payment never will be (RESOLVE).
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6A88`, and `6985` while its change is spent.
    pub fn resolve(&mut self, number: u32) -> Result<(), CardError> {
        self.command("RESOLVE", &Resolve(number)).map(|_| ())
    }

    /// PIN entries left; 0 means that the PIN is blocked.
    pub fn tries_left(&self) -> u8 {
        self.state.card.tries_left
    }

    /// Goes back to a session without authority.
    pub fn leave(self) -> Session<T, Issued> {
        let card = self.state.card;
        self.with(card)
    }

    /// The id of the card that is meant.
    pub(super) fn card_id(&self) -> [u8; CARD_ID_LENGTH] {
        self.state.authority.card_id()
    }

    /// Fetches a challenge, signs the command and sends it.
    pub(super) fn command<C: OwnerCommand>(
        &mut self,
        name: &'static str,
        command: &C,
    ) -> Result<Vec<u8>, CardError> {
        let challenge = self.challenge()?;
        self.command_under(&challenge, name, command)
    }

    /// A fresh challenge for the next owner command.
    pub(super) fn challenge(&mut self) -> Result<[u8; CHALLENGE_LENGTH], CardError> {
        const NAME: &str = "GET CHALLENGE";
        let answer = self.link.ask(NAME, &GetChallenge::to_apdu())?;
        answer
            .try_into()
            .map_err(|_| CardError::Malformed { command: NAME })
    }

    /// Signs the command under this challenge and sends it.
    pub(super) fn command_under<C: OwnerCommand>(
        &mut self,
        challenge: &[u8; CHALLENGE_LENGTH],
        name: &'static str,
        command: &C,
    ) -> Result<Vec<u8>, CardError> {
        let Owner { authority, card } = &self.state;
        let id = match C::NAMES_CARD {
            true => authority.card_id(),
            false => UNKNOWN_CARD,
        };
        let session = self.link.session();
        let (header, body) = (&C::HEADER, command.body());
        let message = message(card.network, &id, &session, challenge, header, &body);
        let signature = authority.sign(&message)?;
        self.link.ask(name, &command.to_apdu(&signature))
    }
}

/// A piece that no command can carry.
pub(super) const TOO_LONG: CardError = CardError::Unsendable("the piece is too long for a card");

/// The preimage of the txid, which is what a card takes.
fn without_witness(transaction: &Transaction) -> Transaction {
    let mut stripped = transaction.clone();
    for input in &mut stripped.input {
        input.witness.clear();
    }
    stripped
}
