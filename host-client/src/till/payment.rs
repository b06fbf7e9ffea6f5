//! One payment, from the asking to the settling.

use std::time::{Duration, Instant};

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Address, Amount, Network, OutPoint, Transaction, TxOut};

use super::pin::{PinError, PinSource};
use super::{Decline, Event, Journal, JournalError, Record, RecordState, check_payment};
use crate::card::{self, CardError, Holder, Issued, PaymentOrder, Session};
use crate::chain::{Chain, ChainError, FeeRate, OutputState, TransactionStatus};
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

/// A till: cards, a way to ask for the PIN, the chain, a journal, and somebody to tell.
pub struct Till<'a, S, P> {
    /// Where cards come from.
    pub cards: S,
    /// Who asks for the PIN.
    pub pins: P,
    /// The chain.
    pub chain: &'a dyn Chain,
    /// Where payments are written down.
    pub journal: Journal,
    /// How often the chain is asked whether the payment is confirmed.
    pub poll_interval: Duration,
    /// Is told each step.
    pub on_event: Box<dyn FnMut(&Event) + 'a>,
}

impl<S: CardSource, P: PinSource> Till<'_, S, P> {
    /// Has a card pay `terms`, and waits until the payment is settled.
    ///
    /// # Errors
    /// [`TillError`] when reader, chain or disk fail. A payment that doesn't take place is no
    /// error, but [`Outcome::Declined`].
    pub fn pay(&mut self, terms: &PaymentTerms) -> Result<Outcome, TillError> {
        let network = self.chain.network()?;
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
        let outcome = loop {
            match self.with_card(network, &order) {
                Ok(signed) => break self.settle(id, terms, signed),
                Err(Stop::Removed) => self.tell(Event::CardRemoved),
                Err(Stop::Declined(decline)) => break Ok(Outcome::Declined(decline)),
                Err(Stop::Failed(error)) => return Err(error),
            }
        }?;
        if let Outcome::Declined(decline) = &outcome {
            self.tell(decline.event());
        }
        Ok(outcome)
    }

    fn tell(&mut self, event: Event) {
        (self.on_event)(&event);
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
        let height = self.chain.tip()?.height;
        let mut coins = Vec::with_capacity(outpoints.len());
        for outpoint in outpoints {
            match self.chain.output(outpoint)? {
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

    /// Writes down, sends, waits.
    fn settle(
        &mut self,
        id: String,
        terms: &PaymentTerms,
        signed: Signed,
    ) -> Result<Outcome, TillError> {
        let Signed {
            transaction,
            fee,
            since_height,
        } = signed;
        let txid = transaction.compute_txid();
        let mut record = Record {
            id,
            state: RecordState::Signed,
            amount_sat: terms.amount.to_sat(),
            to: terms.to.to_string(),
            fee_sat: fee.to_sat(),
            txid,
            since_height,
            transaction: serialize_hex(&transaction),
        };
        self.journal.write(&record)?;
        let outcome = self.send_and_wait(&mut record, terms.confirmations, &transaction)?;
        record.state = match outcome {
            None => RecordState::Settled,
            Some(_) => RecordState::Declined,
        };
        self.journal.write(&record)?;
        Ok(match outcome {
            None => Outcome::Settled(transaction),
            Some(decline) => Outcome::Declined(decline),
        })
    }

    /// Sends the payment, again if the network forgot it, until it is confirmed as often as
    /// wanted. Returns why it never will be, if so.
    fn send_and_wait(
        &mut self,
        record: &mut Record,
        wanted: u32,
        transaction: &Transaction,
    ) -> Result<Option<Decline>, TillError> {
        let mut shown = 0;
        let mut chain_was_there = true;
        let mut status = TransactionStatus::Unknown;
        loop {
            let step = match status {
                TransactionStatus::Unknown => self.chain.broadcast(transaction).map(|txid| {
                    if record.state == RecordState::Signed {
                        self.tell(Event::Broadcast { txid });
                    }
                }),
                _ => Ok(()),
            };
            let step = match step {
                Err(ChainError::Rejected { reason }) => {
                    return Ok(Some(Decline::Rejected { reason }));
                }
                Ok(()) if record.state == RecordState::Signed => {
                    record.state = RecordState::Broadcast;
                    self.journal.write(record)?;
                    Ok(())
                }
                other => other,
            };
            let asked = Instant::now();
            match step.and_then(|()| {
                self.chain
                    .transaction_status(&record.txid, record.since_height)
            }) {
                Ok(found) => {
                    chain_was_there = true;
                    status = found;
                }
                Err(error @ (ChainError::Unavailable { .. } | ChainError::WarmingUp { .. })) => {
                    if std::mem::take(&mut chain_was_there) {
                        self.tell(Event::ChainUnavailable {
                            reason: error.to_string(),
                        });
                    }
                }
                Err(error) => return Err(error.into()),
            }
            let confirmations = match status {
                TransactionStatus::Confirmed { confirmations, .. } => confirmations,
                _ => 0,
            };
            if confirmations != shown {
                shown = confirmations;
                self.tell(Event::Confirmed { confirmations });
            }
            if confirmations >= wanted && record.state != RecordState::Signed {
                self.tell(Event::Settled {
                    txid: record.txid,
                    confirmations,
                });
                return Ok(None);
            }
            std::thread::sleep(self.poll_interval.saturating_sub(asked.elapsed()));
        }
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
