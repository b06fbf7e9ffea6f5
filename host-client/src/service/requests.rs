//! What can be asked of the service, and what it does then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Amount};
use serde::Deserialize;
use tillcard::chain::{Chain, FeeRate};
use tillcard::till::machine::{ClerkSaid, Wishes};
use tillcard::till::{PaymentState, PaymentTerms, TillError};
use tillcard_client::card::{Merchant, PinBlock};
use tillcard_client::transport::TransportError;
use utoipa::ToSchema;

use super::bell::{Bell, Stop};
use super::book::Answer;
use super::by_address::uri;
use super::counter::{self, Task};
use super::error::ServiceError;
use super::moment::Moment;
use super::payment::{Payment, State};
use super::rate::Price;
use super::settling::Message;
use super::shop::{Counter, Shop, lock};

/// Blocks within which a payment should confirm, for the fee estimate.
const CONFIRMATION_TARGET: u16 = 6;

/// The longest time that a payment may wait for its card: a day.
const PATIENCE_MAX: u32 = 24 * 60 * 60;

/// How long a payment takes to leave its reader, at most, once it was told that it needs it no more.
const LEAVING: Duration = Duration::from_secs(2);

/// The longest reference, in bytes.
pub(super) const REFERENCE_MAX: usize = 200;

/// What the shop wants.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPayment {
    /// What the shop gets, in sat; this or `price`.
    #[schema(minimum = 1, maximum = 2_100_000_000_000_000_u64)]
    amount_sat: Option<u64>,
    /// What the shop gets, in its currency (`--currency`): a decimal number such as 12.50.
    #[schema(pattern = r"^[0-9]{1,12}(\.[0-9]{1,2})?$")]
    price: Option<String>,
    /// The shop's address, a fresh one for each payment; may be left out when the till has the shop's
    /// descriptor.
    to: Option<String>,
    /// The reader that the customer uses; may be left out when there is only one.
    reader: Option<String>,
    /// The shop's own words for the payment, such as a number of an order.
    #[schema(max_length = 200)]
    reference: Option<String>,
    /// Blocks that must bury it before it is settled; 0 only up to the shop's ceiling.
    #[schema(maximum = 1_000)]
    confirmations: Option<u32>,
    /// Fee rate in sat for 1,000 vbytes.
    #[schema(minimum = 100, maximum = 500_000)]
    fee_rate_sat_per_kvb: Option<u32>,
    /// The shop's name, for the log of the holder's card: at most 32 bytes.
    merchant: Option<String>,
    /// A hash of what is paid for, for the log of the holder's card.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    invoice: Option<String>,
    /// Whether the card is asked first whether its owner allows this payment without a PIN.
    #[serde(default)]
    without_pin: bool,
    /// Whether the card is asked for a statement on the payment.
    #[serde(default)]
    statement: bool,
    /// How long it waits for a card, in seconds.
    #[schema(minimum = 1, maximum = 86_400)]
    expires_in_s: Option<u32>,
}

/// A request that may come again.
pub(crate) struct Repeatable {
    /// Who asks.
    pub(crate) key: String,
    /// The name that he gave the request.
    pub(crate) name: String,
    /// The request's hash.
    pub(crate) hash: [u8; 32],
}

impl Repeatable {
    /// With this body, which is the answer whenever it comes again.
    pub(super) fn answered_by(self, body: &str) -> Answer {
        Answer {
            key: self.key,
            name: self.name,
            request: self.hash,
            body: body.to_owned(),
        }
    }
}

pub(super) fn invalid(what: impl Into<String>) -> ServiceError {
    ServiceError::Invalid(what.into())
}

impl Shop {
    /// Makes a payment, and has it wait for its card. The answer's body; the same one when the request
    /// came before.
    pub(crate) fn create(
        self: &Arc<Self>,
        wanted: &NewPayment,
        repeatable: Option<Repeatable>,
    ) -> Result<String, ServiceError> {
        let _one_at_a_time = lock(&self.creating);
        if let Some(body) = self.answered(repeatable.as_ref())? {
            return Ok(body);
        }
        let patience = self.patience(wanted)?;
        let reader = self.free_reader(wanted.reader.as_deref())?;
        let (amount, price) = self.amount(wanted)?;
        let terms = self.terms(wanted, amount)?;
        let record = terms.record()?;
        let counter = Counter {
            payment: record.id.clone(),
            bell: Arc::new(Bell::new(patience)),
        };
        self.take_reader(&reader, counter.clone())?;
        let made = (|| {
            let store = self.store()?;
            // Nobody else knows the name, so the claim is there to be had.
            let claim = store.claim(&record.id).map_err(TillError::from)?;
            let claim = claim.ok_or(ServiceError::WrongState(State::Created))?;
            store.write(&record).map_err(TillError::from)?;
            let now = Moment::now();
            let reference = wanted.reference.clone();
            let mut payment = Payment::new(&record, reference, reader.clone(), patience, now);
            payment.price = price;
            let is_its_own = lock(&self.addresses).add(&terms.to, &record.id);
            payment.uri = is_its_own.then(|| uri(&record.to, terms.amount));
            let body = serde_json::to_string(&payment).map_err(ServiceError::book)?;
            let answer = repeatable.map(|request| request.answered_by(&body));
            self.book.add_payment(&payment, answer.as_ref())?;
            Ok::<_, ServiceError>((body, claim))
        })();
        let (body, claim) = made.inspect_err(|_| self.leave_reader(&reader))?;
        let task = Task {
            id: record.id,
            reader,
            said: ClerkSaid::Begin,
            wishes: terms.wishes(),
            claim,
        };
        counter::start(self, &counter, task);
        Ok(body)
    }

    /// The answer that was given to this request before.
    pub(super) fn answered(
        &self,
        request: Option<&Repeatable>,
    ) -> Result<Option<String>, ServiceError> {
        match request {
            Some(Repeatable { key, name, hash }) => self.book.answer(key, name, hash),
            None => Ok(None),
        }
    }

    /// The amount, and its price if it was asked for so.
    fn amount(&self, wanted: &NewPayment) -> Result<(Amount, Option<Price>), ServiceError> {
        match (wanted.amount_sat, &wanted.price, &self.setup.rates) {
            (Some(sat), None, _) => Ok((Amount::from_sat(sat), None)),
            (None, Some(price), Some(rates)) => {
                let (amount, price) = rates.price(price, Moment::now())?;
                Ok((amount, Some(price)))
            }
            (None, Some(_), None) => Err(invalid("the till has no currency (--currency)")),
            _ => Err(invalid("say amount_sat or price, one of them")),
        }
    }

    fn terms(&self, wanted: &NewPayment, amount: Amount) -> Result<PaymentTerms, ServiceError> {
        let defaults = &self.setup.defaults;
        if amount == Amount::ZERO || amount > Amount::MAX_MONEY {
            return Err(invalid("it isn't an amount that can be paid"));
        }
        let confirmations = defaults.confirmations.of(amount, wanted.confirmations)?;
        let reference = wanted.reference.as_deref().unwrap_or_default();
        if reference.len() > REFERENCE_MAX {
            return Err(invalid(format!("reference is over {REFERENCE_MAX} bytes")));
        }
        let merchant = match &wanted.merchant {
            Some(name) => Merchant::try_from(name.clone()).map_err(invalid)?,
            None => defaults.merchant.clone(),
        };
        let hash = |text: &String| {
            bitcoin::hex::FromHex::from_hex(text)
                .map_err(|_| invalid("invoice isn't 64 hexadecimal digits"))
        };
        let invoice = wanted.invoice.as_ref().map(hash).transpose()?;
        Ok(PaymentTerms {
            amount,
            fee_rate: self.fee_rate(wanted.fee_rate_sat_per_kvb)?,
            // Last, so that no request that is refused uses an address up.
            to: self.address(wanted.to.as_deref())?,
            confirmations,
            merchant,
            invoice,
            without_pin: wanted.without_pin,
            statement: wanted.statement,
        })
    }

    /// The address that was named, or the next one of the shop's descriptor.
    fn address(&self, wanted: Option<&str>) -> Result<Address, ServiceError> {
        let Some(wanted) = wanted else {
            let missing = "to is missing, and the till hasn't the shop's descriptor";
            let addresses = self.setup.addresses.as_ref();
            let addresses = addresses.ok_or_else(|| invalid(missing))?;
            let index = self.book.next_number(&addresses.name())?;
            return addresses.at(index).map_err(ServiceError::Book);
        };
        self.address_of_network(wanted)
            .map_err(|why| invalid(format!("to can't be paid to: {why}")))
    }

    /// The address, if it is one of the till's network.
    pub(super) fn address_of_network(&self, text: &str) -> Result<Address, String> {
        let network = self.setup.network;
        let address: Address<NetworkUnchecked> =
            (text.parse()).map_err(|error| format!("it isn't a Bitcoin address: {error}"))?;
        address
            .require_network(network)
            .map_err(|_| format!("it isn't an address of {network}, the till's network"))
    }

    pub(super) fn fee_rate(&self, wanted: Option<u32>) -> Result<FeeRate, ServiceError> {
        if let Some(wanted) = wanted {
            let rate = FeeRate::from_sat_per_kvb(wanted);
            let is_sane = (FeeRate::FLOOR..=FeeRate::CAP).contains(&rate);
            return is_sane.then_some(rate).ok_or_else(|| {
                let (floor, cap) = (FeeRate::FLOOR, FeeRate::CAP);
                invalid(format!("the fee rate isn't between {floor} and {cap}"))
            });
        }
        match self.setup.defaults.fee_rate {
            Some(rate) => Ok(rate),
            None => Ok(self.chain().fee_rate(CONFIRMATION_TARGET)?),
        }
    }

    fn patience(&self, wanted: &NewPayment) -> Result<Duration, ServiceError> {
        match wanted.expires_in_s {
            None => Ok(self.setup.defaults.patience),
            Some(seconds @ 1..=PATIENCE_MAX) => Ok(Duration::from_secs(seconds.into())),
            Some(_) => Err(invalid(format!(
                "expires_in_s isn't between 1 and {PATIENCE_MAX}"
            ))),
        }
    }

    /// The reader that was named; without a name, the only one. The till never guesses.
    fn chosen_reader(&self, wanted: Option<&str>) -> Result<String, ServiceError> {
        let readers = self.readers()?;
        let mut names: Vec<_> = readers.into_iter().map(|reader| reader.id).collect();
        match wanted {
            Some(wanted) if names.iter().any(|name| name == wanted) => Ok(wanted.to_owned()),
            Some(_) => Err(ServiceError::NoReader),
            None if names.len() > 1 => Err(ServiceError::ReaderNotChosen(names.join(", "))),
            None => names.pop().ok_or_else(|| {
                ServiceError::Reader(TransportError::NoReader {
                    wanted: None,
                    present: Vec::new(),
                })
            }),
        }
    }

    /// The same, if no payment needs it. One that was told not to need it any more is about to leave.
    fn free_reader(&self, wanted: Option<&str>) -> Result<String, ServiceError> {
        let reader = self.chosen_reader(wanted)?;
        let end = Instant::now() + LEAVING;
        while let Some(Counter { payment, .. }) = self.counters().remove(&reader) {
            let is_needed = self.book.payment(&payment)?.state.needs_reader();
            if is_needed || Instant::now() > end {
                return Err(ServiceError::ReaderBusy(payment));
            }
            std::thread::sleep(LEAVING / 200);
        }
        Ok(reader)
    }

    /// Gives up a payment for which no card was asked to pay. One that a card was asked for is in doubt
    /// then, and its reader is free.
    pub(crate) fn cancel(&self, id: &str) -> Result<Payment, ServiceError> {
        let payment = self.book.payment(id)?;
        match self.counter_of(id) {
            Some(counter) => counter.bell.stop(Stop::Clerk),
            // No card is asked to pay it, now or later.
            None if payment.state.is_left() => {}
            None => return Err(ServiceError::WrongState(payment.state)),
        }
        Ok(payment)
    }

    /// Gives the PIN to the payment that asks for it.
    pub(crate) fn enter_pin(&self, id: &str, pin: PinBlock) -> Result<(), ServiceError> {
        self.book.payment(id)?;
        let counter = self.counter_of(id).ok_or(ServiceError::PinNotAsked)?;
        let given = counter.bell.give_pin(pin);
        given.map_err(|_| ServiceError::PinNotAsked)
    }

    /// Asks the card again that was asked to pay: it is put in at this reader.
    pub(crate) fn ask_again(
        self: &Arc<Self>,
        id: &str,
        reader: Option<&str>,
    ) -> Result<Payment, ServiceError> {
        let payment = self.book.payment(id)?;
        let wrong_state = ServiceError::WrongState(payment.state);
        let store = self.store()?;
        let record = store.read_one(id).map_err(TillError::from)?;
        if record.state != PaymentState::Asked {
            return Err(wrong_state);
        }
        if self.counter_of(id).is_some() {
            // It waits for its card already.
            return Ok(payment);
        }
        let reader = self.free_reader(reader)?;
        let claim = store.claim(id).map_err(TillError::from)?;
        let claim = claim.ok_or(wrong_state)?;
        let counter = Counter {
            payment: id.to_owned(),
            bell: Arc::new(Bell::new(self.setup.defaults.patience)),
        };
        self.take_reader(&reader, counter.clone())?;
        let moved = self.book.change_payment(id, |payment| {
            payment.reader.clone_from(&reader);
            payment.updated_at = Moment::now();
        });
        let moved = moved.inspect_err(|_| self.leave_reader(&reader))?;
        let task = Task {
            id: id.to_owned(),
            reader,
            said: ClerkSaid::Resume,
            wishes: Wishes::default(),
            claim,
        };
        counter::start(self, &counter, task);
        Ok(moved.unwrap_or(payment))
    }

    /// The shop waits no longer for a payment in doubt, at its own risk.
    pub(crate) fn close(&self, id: &str) -> Result<Payment, ServiceError> {
        let payment = self.book.payment(id)?;
        let store = self.store()?;
        let record = store.read_one(id).map_err(TillError::from)?;
        if record.state == PaymentState::Closed {
            return Ok(payment);
        }
        if !record.state.may_be_closed() || self.counter_of(id).is_some() {
            return Err(ServiceError::WrongState(payment.state));
        }
        if record.transaction.is_some() {
            self.tell_settling(Message::Close(id.to_owned()));
            return Ok(payment);
        }
        let chain = self.chain();
        self.settlement(&chain, id, &|| None)?.close(id)?;
        self.book.payment(id)
    }
}
