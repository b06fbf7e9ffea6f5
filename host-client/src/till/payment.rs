//! One payment, from the asking to the settling.

use bitcoin::{Address, Amount, Network, OutPoint, Transaction, TxOut};

use super::pin::{PinError, PinSource};
use super::{Decline, Event, JournalError, Office, Record, RecordState, check_payment};
use crate::card::{self, CardError, Holder, Issued, PaymentOrder, Session};
use crate::chain::{ChainError, FeeRate, OutputState};
use crate::transport::{Pcsc, Readers, Transport, TransportError};

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
    Journal(#[from] JournalError),
    /// The PIN can't be asked.
    #[error(transparent)]
    Pin(PinError),
    /// The card left while it was signing.
    #[error(
        "the card was removed while it was signing. It may have taken note of a payment that \
         nobody has: its owner gets the coins back by blocking the card. No goods were paid for"
    )]
    RemovedWhileSigning,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

/// Ends an attempt with one card.
enum Stop {
    /// The card left before it signed: wait for another.
    Removed,
    Declined(Decline),
    Failed(TillError),
}

impl<E: Into<TillError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// A till: cards, a way to ask for the PIN, and the back office.
pub struct Till<'a, S, P> {
    /// Where cards come from.
    pub cards: S,
    /// Who asks for the PIN.
    pub pins: P,
    /// The chain, the journal, and somebody to tell.
    pub office: Office<'a>,
}

impl<S: CardSource, P: PinSource> Till<'_, S, P> {
    /// Has a card pay `terms`, and waits until the payment is settled.
    ///
    /// # Errors
    /// [`TillError`] when reader, chain or disk fail. A payment that doesn't take place is no
    /// error, but [`Outcome::Declined`].
    pub fn pay(&mut self, terms: &PaymentTerms) -> Result<Outcome, TillError> {
        let network = self.office.chain.network()?;
        let id = payment_id()?;
        self.tell(Event::Created {
            id: id.clone(),
            amount: terms.amount,
            to: terms.to.to_string(),
        });
        let order = PaymentOrder {
            amount: terms.amount,
            fee_rate: terms.fee_rate,
            payee: terms.to.script_pubkey(),
        };
        let signed = loop {
            match self.with_card(network, &order) {
                Ok(signed) => break signed,
                Err(Stop::Removed) => self.tell(Event::CardRemoved),
                Err(Stop::Declined(decline)) => {
                    self.tell(decline.event());
                    return Ok(Outcome::Declined(decline));
                }
                Err(Stop::Failed(error)) => return Err(error),
            }
        };
        self.office.settle(Record {
            id,
            state: RecordState::Signed,
            amount_sat: terms.amount.to_sat(),
            to: terms.to.to_string(),
            confirmations: terms.confirmations,
            fee_sat: signed.fee.to_sat(),
            since_height: signed.since_height,
            txid: signed.transaction.compute_txid(),
            transaction: signed.transaction,
        })
    }

    fn tell(&mut self, event: Event) {
        self.office.tell(event);
    }

    /// Everything for which a card is needed. Afterwards it has been let go.
    fn with_card(&mut self, network: Network, order: &PaymentOrder) -> Result<Signed, Stop> {
        self.tell(Event::WaitingForCard);
        let transport = self.cards.wait()?;
        self.tell(Event::Card {
            reader: S::reader(&transport),
            atr: hex::encode_upper(transport.atr()),
        });
        let session = match card::open(transport).and_then(card::Opened::issued) {
            Ok(session) => session,
            Err(error) => return Err(before_signing(error)),
        };
        if let Err(error) = session.expect_network(network) {
            self.release(session);
            return Err(before_signing(error));
        }
        let session = self.ask_pin(session)?;
        self.have_it_signed(session, order)
    }

    fn ask_pin(
        &mut self,
        mut session: Session<S::Card, Issued>,
    ) -> Result<Session<S::Card, Holder>, Stop> {
        loop {
            let tries_left = session.tries_left();
            if tries_left == 0 {
                self.release(session);
                return Err(before_signing(CardError::PinBlocked));
            }
            self.tell(Event::WaitingForPin { tries_left });
            let pin = match self.pins.ask(&pin_prompt(tries_left)) {
                Ok(pin) => pin,
                Err(PinError::NotAPin) => continue,
                Err(PinError::None) => {
                    self.release(session);
                    return Err(Stop::Declined(Decline::NoPin));
                }
                Err(error @ PinError::Terminal(_)) => {
                    self.release(session);
                    return Err(Stop::Failed(TillError::Pin(error)));
                }
            };
            match session.verify(&pin) {
                Ok(holder) => return Ok(holder),
                Err(failed) => {
                    session = failed.session;
                    match failed.error {
                        CardError::WrongPin { tries_left } => {
                            self.tell(Event::WrongPin { tries_left });
                        }
                        error => {
                            self.release(session);
                            return Err(before_signing(error));
                        }
                    }
                }
            }
        }
    }

    /// Preview, look at the chain, pay, check.
    fn have_it_signed(
        &mut self,
        session: Session<S::Card, Holder>,
        order: &PaymentOrder,
    ) -> Result<Signed, Stop> {
        let session = match session.preview(order.clone()) {
            Ok(session) => session,
            Err(failed) => {
                self.release(failed.session);
                return Err(before_signing(failed.error));
            }
        };
        let preview = session.preview().clone();
        self.tell(Event::CheckingCoins {
            outpoints: preview.outpoints.clone(),
            fee: preview.fee,
            change: preview.change,
        });
        let coins = self.look_up(&preview.outpoints);
        let (since_height, coins) = match coins {
            Ok(found) => found,
            Err(stop) => {
                self.release(session);
                return Err(stop);
            }
        };
        self.tell(Event::Signing);
        match session.pay() {
            Ok((bytes, session)) => {
                self.release(session);
                let transaction = check_payment(&bytes, order, &preview, &coins)
                    .map_err(|error| Stop::Declined(error.into()))?;
                Ok(Signed {
                    transaction,
                    fee: preview.fee,
                    since_height,
                })
            }
            Err(failed) => {
                self.release(failed.session);
                Err(match failed.error {
                    CardError::Transport(
                        TransportError::CardRemoved | TransportError::CardReset,
                    ) => TillError::RemovedWhileSigning.into(),
                    error => Stop::Declined(Decline::Card(error)),
                })
            }
        }
    }

    /// The coins as the chain knows them, and its height; declined if one isn't there to be spent.
    fn look_up(&self, outpoints: &[OutPoint]) -> Result<(u32, Vec<TxOut>), Stop> {
        let height = self.office.chain.tip()?.height;
        let mut coins = Vec::with_capacity(outpoints.len());
        for outpoint in outpoints {
            match self.office.chain.output(outpoint)? {
                OutputState::Unspent { output, .. } => coins.push(output),
                OutputState::SpentOrUnknown => {
                    return Err(Stop::Declined(Decline::CoinSpent(*outpoint)));
                }
            }
        }
        Ok((height, coins))
    }

    /// Lets the card go and says so.
    fn release<St>(&mut self, session: Session<S::Card, St>) {
        let apdus = session.apdus();
        // A card that is gone needs no reset.
        let _ = session.close();
        self.tell(Event::CardReleased { apdus });
    }
}

/// A payment that the card signed and the till checked.
struct Signed {
    transaction: Transaction,
    fee: Amount,
    since_height: u32,
}

/// What an error means as long as the card hasn't signed.
fn before_signing(error: CardError) -> Stop {
    match error {
        CardError::Transport(TransportError::CardRemoved | TransportError::CardReset) => {
            Stop::Removed
        }
        CardError::Transport(error) => Stop::Failed(error.into()),
        error => Stop::Declined(Decline::Card(error)),
    }
}

fn pin_prompt(tries_left: u8) -> String {
    match tries_left {
        1 => "PIN (last try)".into(),
        n => format!("PIN ({n} tries left)"),
    }
}

/// 8 random bytes in hex.
fn payment_id() -> Result<String, TillError> {
    let mut id = [0; 8];
    getrandom::fill(&mut id).map_err(|_| TillError::NoRandomness)?;
    Ok(hex::encode(id))
}
