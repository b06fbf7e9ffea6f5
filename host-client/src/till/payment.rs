//! One payment, from the asking to the settling.

use bitcoin::{Address, Amount, Transaction};

use super::attempt::{Again, Asking, End};
use super::pin::{PinError, PinSource};
use super::{
    CardRules, Decline, Event, PaymentRecord, PaymentState, PaymentStoreError, Settlement,
};
use crate::chain::{ChainError, FeeRate};
use tillcard_client::advice::{Advice, Explain, NO_RANDOMNESS};
use tillcard_client::card::{Merchant, PaymentOrder};
use tillcard_client::transport::{Pcsc, Readers, Transport, TransportError};

/// Where the till's cards come from.
pub trait CardSource {
    /// The connection to a card.
    type Card: Transport;

    /// Waits for a card with our application.
    ///
    /// # Errors
    /// As [`Readers::wait_for_card`].
    fn wait(&mut self) -> Result<Self::Card, TransportError>;

    /// Name of the reader that a card is in.
    fn reader(card: &Self::Card) -> String;
}

impl CardSource for Readers {
    type Card = Pcsc;

    fn wait(&mut self) -> Result<Pcsc, TransportError> {
        self.wait_for_card(None)
    }

    fn reader(card: &Pcsc) -> String {
        card.reader().to_owned()
    }
}

/// What the shop wants.
#[derive(Clone, Debug)]
pub struct PaymentTerms {
    /// Amount to the shop.
    pub amount: Amount,
    /// Where to; a fresh address for each payment.
    pub to: Address,
    /// Fee rate that the card pays.
    pub fee_rate: FeeRate,
    /// Blocks that must bury the payment before it is settled; with 0 the network's taking it is
    /// enough.
    pub confirmations: u32,
    /// The shop's name, for the holder's log; empty to give none.
    pub merchant: Merchant,
    /// A hash of what is paid for, for the holder's log.
    pub invoice: Option<[u8; 32]>,
    /// Whether the card is asked first whether it pays without a PIN.
    pub without_pin: bool,
    /// Whether the card is asked for a statement on the payment.
    pub statement: bool,
}

/// How a payment ended.
#[derive(Debug)]
pub enum Outcome {
    /// The shop has its money.
    Settled(Transaction),
    /// There is no payment.
    Declined(Decline),
}

/// Why the till itself can't go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TillError {
    /// The reader or the PC/SC service fails.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The chain can't be asked.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The payment can't be written down; it wasn't sent.
    #[error(transparent)]
    Store(#[from] PaymentStoreError),
    /// The PIN can't be asked.
    #[error(transparent)]
    Pin(PinError),
    /// The card was gone again and again while it signed.
    #[error("{0}, again and again while the card signed")]
    Lost(TransportError),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

impl Explain for TillError {
    fn advice(&self) -> Advice {
        match self {
            Self::Transport(error) => error.advice(),
            Self::Chain(error) => error.advice(),
            Self::Store(error) => error.advice(),
            Self::Pin(error) => error.advice(),
            Self::Lost(_) => Advice::new(
                "card-lost-repeatedly",
                "the card may have paid, and pays this only once",
                "go on with tillcard till resume when reader and card are in order",
            ),
            Self::NoRandomness => NO_RANDOMNESS,
        }
    }
}

/// A till: cards, a way to ask for the PIN, and the back office.
pub struct Till<'a, S, P> {
    /// Where cards come from.
    pub cards: S,
    /// Who asks for the PIN.
    pub pins: P,
    /// Which cards it takes.
    pub rules: CardRules,
    /// The chain, the stored payments, and somebody to tell.
    pub settlement: Settlement<'a>,
}

/// A card that is gone so often while it signs will be gone again.
const MOST_LOST: u8 = 5;

impl<S: CardSource, P: PinSource> Till<'_, S, P> {
    /// Has a card pay `terms`, and waits until the payment is settled.
    ///
    /// # Errors
    /// [`TillError`] when reader, chain or disk fail. A payment that doesn't take place is no
    /// error, but [`Outcome::Declined`].
    pub fn pay(&mut self, terms: &PaymentTerms) -> Result<Outcome, TillError> {
        let network = self.settlement.chain.network()?;
        let id = payment_id()?;
        self.tell(Event::Created {
            id: id.clone(),
            amount: terms.amount,
            to: terms.to.to_string(),
        });
        let payee = terms.to.script_pubkey();
        let mut order = PaymentOrder::new(terms.amount, terms.fee_rate, payee)
            .map_err(|_| TillError::NoRandomness)?;
        order.merchant = terms.merchant.clone();
        order.invoice = terms.invoice;
        self.collect(Asking {
            network,
            record: PaymentRecord {
                id,
                state: PaymentState::Asked,
                to: terms.to.to_string(),
                confirmations: terms.confirmations,
                since_height: 0,
                order,
                preview: None,
                coins: Vec::new(),
                transaction: None,
            },
            without_pin: terms.without_pin,
            statement: terms.statement,
            asked: false,
            lost: 0,
        })
    }

    /// Asks again, by the same requests, for the payments that a card was asked to sign when the
    /// till stopped or the card was lost. A card that had written one gives it again, without a
    /// PIN; one that hadn't isn't asked for a new one.
    ///
    /// # Errors
    /// As [`Self::pay`].
    pub fn ask_again(&mut self) -> Result<Vec<Outcome>, TillError> {
        let network = self.settlement.chain.network()?;
        let asked = self.settlement.asked()?;
        let mut outcomes = Vec::with_capacity(asked.len());
        for record in asked {
            let mut asking = Asking {
                network,
                record,
                without_pin: false,
                statement: false,
                asked: true,
                lost: 0,
            };
            outcomes.push(loop {
                let outcome = self.meet_card(network).and_then(|(session, known)| {
                    match self.fetch_again(session, known, &mut asking)? {
                        Again::Given(transaction) => Ok(transaction),
                        Again::Unknown(session) => {
                            self.release(session);
                            Err(End::Declined(Decline::NeverWritten))
                        }
                    }
                });
                if let Some(outcome) = self.conclude(&mut asking, outcome)? {
                    break outcome;
                }
            });
        }
        Ok(outcomes)
    }

    /// Asks cards until one has signed, or the payment is declined.
    fn collect(&mut self, mut asking: Asking) -> Result<Outcome, TillError> {
        loop {
            let outcome = self.with_card(&mut asking);
            if let Some(outcome) = self.conclude(&mut asking, outcome)? {
                return Ok(outcome);
            }
        }
    }

    /// What follows from an attempt with one card; nothing when another attempt does.
    fn conclude(
        &mut self,
        asking: &mut Asking,
        outcome: Result<Transaction, End>,
    ) -> Result<Option<Outcome>, TillError> {
        match outcome {
            Ok(transaction) => {
                asking.record.state = PaymentState::Signed;
                asking.record.transaction = Some(transaction.clone());
                self.settlement
                    .settle(&mut asking.record, transaction)
                    .map(Some)
            }
            Err(End::Removed) => {
                self.tell(Event::CardRemoved);
                Ok(None)
            }
            Err(End::Lost(error)) => {
                asking.lost += 1;
                if asking.lost == MOST_LOST {
                    return Err(TillError::Lost(error));
                }
                self.tell(Event::CardLost {
                    reason: error.to_string(),
                });
                Ok(None)
            }
            Err(End::Declined(decline)) => {
                if asking.asked && decline.is_final() {
                    asking.record.state = PaymentState::Declined;
                    // A card that paid nothing leaves nothing here.
                    asking.record.preview = None;
                    asking.record.coins.clear();
                    self.settlement.store.write(&asking.record)?;
                }
                self.tell(decline.event());
                Ok(Some(Outcome::Declined(decline)))
            }
            Err(End::Failed(error)) => Err(error),
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.settlement.tell(event);
    }
}

/// 8 random bytes in hex.
fn payment_id() -> Result<String, TillError> {
    let mut id = [0; 8];
    getrandom::fill(&mut id).map_err(|_| TillError::NoRandomness)?;
    Ok(hex::encode(id))
}
