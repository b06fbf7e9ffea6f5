//! One attempt with one card: PIN, preview, a look at the chain, the payment.

use bitcoin::consensus::encode::deserialize;
use bitcoin::{Network, Transaction, TxOut};

use super::coins::LookUpError;
use super::meeting::KnownCard;
use super::payment::{CardSource, Till, TillError};
use super::pin::{PinError, PinSource};
use super::statement::{self, StatementAnswer};
use super::{Decline, Event, PaymentRecord};
use tillcard_client::card::{
    CardError, CheckError, Failed, Holder, Issued, PaymentAsked, Preview, Session, check_payment,
    unpreviewed,
};
use tillcard_client::transport::TransportError;

/// Ends an attempt with one card.
pub(super) enum End {
    /// The card left before it signed: wait for another.
    Removed,
    /// The card, or the reader, left while it signed: it has to come back.
    Lost(TransportError),
    Declined(Decline),
    Failed(TillError),
}

impl<E: Into<TillError>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The payment that a till is about to have made.
pub(super) struct Asking {
    pub(super) network: Network,
    pub(super) record: PaymentRecord,
    pub(super) without_pin: bool,
    /// Whether the shop wants a statement.
    pub(super) statement: bool,
    /// Whether a card was asked to sign, and may have.
    pub(super) asked: bool,
    /// How often a card was gone while it signed.
    pub(super) lost: u8,
}

impl<S: CardSource, P: PinSource> Till<'_, S, P> {
    /// Everything for which a card is needed. Afterwards it has been let go.
    pub(super) fn with_card(&mut self, asking: &mut Asking) -> Result<Transaction, End> {
        let (mut session, known) = self.meet_card(asking.network)?;
        if asking.asked {
            match self.fetch_again(session, known, asking)? {
                Again::Given(transaction) => return Ok(transaction),
                Again::Unknown(same) => session = same,
            }
            self.tell(Event::NothingWritten);
        } else if asking.without_pin {
            self.note_asked(asking, None, Vec::new())?;
            self.tell(Event::Signing);
            match self.fetch_again(session, known, asking)? {
                Again::Given(transaction) => return Ok(transaction),
                Again::Unknown(same) => session = same,
            }
            asking.asked = false;
        }
        let session = self.ask_pin(session)?;
        self.have_it_signed(session, known, asking)
    }

    /// Asks for the payment without a PIN: a card that wrote it before gives it again, and one whose
    /// owner allows that writes it now.
    pub(super) fn fetch_again(
        &mut self,
        session: Session<S::Card, Issued>,
        known: KnownCard,
        asking: &mut Asking,
    ) -> Result<Again<S::Card>, End> {
        let again = asking.record.preview.is_some();
        match session.pay_without_pin(&asking.record.order) {
            Ok((bytes, session)) => {
                let said = self.let_go(session, asking, &bytes);
                let transaction = match &asking.record.preview {
                    Some(preview) => {
                        let PaymentRecord { order, coins, .. } = &asking.record;
                        check_payment(&bytes, order, preview, coins)
                            .map_err(|error| End::Declined(error.into()))?
                    }
                    None => self.check_unpreviewed(&bytes, &mut asking.record)?,
                };
                self.weigh(asking, said.as_ref(), known, &transaction);
                if again {
                    self.tell(Event::GivenAgain {
                        txid: transaction.compute_txid(),
                    });
                }
                Ok(Again::Given(transaction))
            }
            Err(failed) if failed.error.status() == Some(SECURITY_STATUS) => {
                Ok(Again::Unknown(failed.session))
            }
            Err(failed) => Err(self.unsigned(failed)),
        }
    }

    /// Looks up the coins that a payment spends which wasn't previewed, and checks it.
    fn check_unpreviewed(
        &mut self,
        bytes: &[u8],
        record: &mut PaymentRecord,
    ) -> Result<Transaction, End> {
        let dishonest = |error: CheckError| End::Declined(error.into());
        let transaction: Transaction =
            deserialize(bytes).map_err(|_| dishonest(CheckError::NotATransaction))?;
        let mut coins = Vec::with_capacity(transaction.input.len());
        for input in &transaction.input {
            match self.settlement.unspent(&input.previous_output)? {
                Some(coin) => coins.push(coin),
                None => {
                    return Err(End::Declined(Decline::CoinSpent(input.previous_output)));
                }
            }
        }
        let preview = unpreviewed(&transaction, &record.order, &coins)
            .ok_or_else(|| dishonest(CheckError::WrongPayment))?;
        check_payment(bytes, &record.order, &preview, &coins).map_err(dishonest)
    }

    /// Writes down that the card is asked to sign.
    fn note_asked(
        &mut self,
        asking: &mut Asking,
        preview: Option<Preview>,
        coins: Vec<TxOut>,
    ) -> Result<(), End> {
        let record = &mut asking.record;
        record.since_height = self.settlement.chain.tip()?.height;
        record.preview = preview;
        record.coins = coins;
        asking.asked = true;
        Ok(self.settlement.store.write(record)?)
    }

    fn ask_pin(
        &mut self,
        mut session: Session<S::Card, Issued>,
    ) -> Result<Session<S::Card, Holder>, End> {
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
                    return Err(End::Declined(Decline::NoPin));
                }
                Err(error @ PinError::Terminal(_)) => {
                    self.release(session);
                    return Err(End::Failed(TillError::Pin(error)));
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
        known: KnownCard,
        asking: &mut Asking,
    ) -> Result<Transaction, End> {
        let session = match session.preview(asking.record.order.clone()) {
            Ok(session) => session,
            Err(failed) => {
                self.release(failed.session);
                return Err(before_signing(failed.error));
            }
        };
        if let Some(before) = &asking.record.preview
            && before.outpoints != session.preview().outpoints
        {
            self.release(session);
            return Err(End::Declined(Decline::OtherCard));
        }
        let (session, coins) = self.agree_on_coins(session)?;
        let preview = session.preview().clone();
        if let Err(end) = self.note_asked(asking, Some(preview.clone()), coins.clone()) {
            self.release(session);
            return Err(end);
        }
        self.tell(Event::Signing);
        match session.pay() {
            Ok((bytes, session)) => {
                let said = self.let_go(session, asking, &bytes);
                let transaction = check_payment(&bytes, &asking.record.order, &preview, &coins)
                    .map_err(|error| End::Declined(error.into()))?;
                self.weigh(asking, said.as_ref(), known, &transaction);
                Ok(transaction)
            }
            Err(failed) => Err(self.unsigned(failed)),
        }
    }

    /// Has the card offer coins until all of them are on the chain; declined when it has no more.
    fn agree_on_coins(
        &mut self,
        mut session: Session<S::Card, PaymentAsked>,
    ) -> Result<Agreed<S::Card>, End> {
        let mut first_absent = None;
        loop {
            let preview = session.preview();
            let event = Event::CheckingCoins {
                outpoints: preview.outpoints.clone(),
                fee: preview.fee,
                change: preview.change,
            };
            self.tell(event);
            let absent = match self.settlement.look_up(&mut session) {
                Ok(offered) if offered.absent.is_empty() => return Ok((session, offered.coins)),
                Ok(offered) => offered.absent,
                Err(error) => {
                    self.release(session);
                    return Err(match error {
                        LookUpError::Card(error) => before_signing(error),
                        LookUpError::Till(error) => End::Failed(error),
                    });
                }
            };
            let first = *first_absent.get_or_insert(absent[0]);
            let declined = Err(End::Declined(Decline::CoinSpent(first)));
            for outpoint in absent {
                match session.report_absent(&outpoint) {
                    Ok(()) => self.tell(Event::CoinAbsent { outpoint }),
                    Err(CardError::Refused { .. }) => {
                        self.release(session);
                        return declined;
                    }
                    Err(error) => {
                        self.release(session);
                        return Err(before_signing(error));
                    }
                }
            }
            session = match session.preview_again() {
                Ok(session) => session,
                Err(failed) => {
                    self.release(failed.session);
                    return match failed.error {
                        CardError::Refused { .. } => declined,
                        error => Err(before_signing(error)),
                    };
                }
            };
        }
    }

    /// What it means that a card which was asked to sign gave no payment: it may have written it,
    /// save when it refused.
    fn unsigned<St>(&mut self, failed: Failed<Session<S::Card, St>>) -> End {
        match failed.error {
            CardError::Transport(error) => {
                // Nobody is told that it can be removed: it is gone, and has to come back.
                let _ = failed.session.close();
                End::Lost(error)
            }
            error @ (CardError::NotProven { .. } | CardError::Malformed { .. }) => {
                self.release(failed.session);
                End::Declined(Decline::NoAnswer(error))
            }
            error => {
                self.release(failed.session);
                End::Declined(Decline::Card(error))
            }
        }
    }

    /// Lets a card go that gave this payment, after it was asked for a statement on it if the shop
    /// wants one.
    fn let_go(
        &mut self,
        mut session: Session<S::Card, Issued>,
        asking: &Asking,
        payment: &[u8],
    ) -> Option<StatementAnswer> {
        let payment: Option<Transaction> = deserialize(payment).ok().filter(|_| asking.statement);
        let said =
            payment.and_then(|payment| StatementAnswer::ask(&mut session, &payment.compute_txid()));
        self.release(session);
        said
    }

    /// Tells what the statement is worth, if the shop wants one. The payment stands either way.
    fn weigh(
        &mut self,
        asking: &Asking,
        said: Option<&StatementAnswer>,
        known: KnownCard,
        payment: &Transaction,
    ) {
        if asking.statement {
            self.tell(
                match statement::worth(said, known, payment, self.settlement.chain) {
                    Ok(block) => Event::SingleSigner { block },
                    Err(missing) => Event::NoPromise { missing },
                },
            );
        }
    }

    /// Lets the card go and says so.
    pub(super) fn release<St>(&mut self, session: Session<S::Card, St>) {
        let apdus = session.apdus();
        // A card that is gone needs no reset.
        let _ = session.close();
        self.tell(Event::CardReleased { apdus });
    }
}

/// A card that waits to be told to pay, and the coins that it spends then.
type Agreed<T> = (Session<T, PaymentAsked>, Vec<TxOut>);

/// What a card says when it is asked without a PIN.
pub(super) enum Again<T> {
    /// The payment.
    Given(Transaction),
    /// It wants a PIN: it hadn't written the payment, or it is another card.
    Unknown(Session<T, Issued>),
}

/// `6982`, by which a card says that it wants a PIN.
const SECURITY_STATUS: u16 = 0x6982;

/// What an error means as long as the card hasn't signed.
pub(super) fn before_signing(error: CardError) -> End {
    match error {
        CardError::Transport(TransportError::CardRemoved | TransportError::CardReset) => {
            End::Removed
        }
        CardError::Transport(error) => End::Failed(error.into()),
        error => End::Declined(Decline::Card(error)),
    }
}

fn pin_prompt(tries_left: u8) -> String {
    match tries_left {
        1 => "PIN (last try)".into(),
        n => format!("PIN ({n} tries left)"),
    }
}
