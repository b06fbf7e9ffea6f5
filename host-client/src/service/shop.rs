//! The service's state, which all its threads share: the book, who is at which reader, and what is
//! known of readers and chain.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bitcoin::Network;
use tillcard::chain::{CoreRpc, CoreRpcConfig, FeeRate};
use tillcard::till::{
    CardRules, Event, Open, PaymentRecord, PaymentState, PaymentStore, Settlement,
};
use tillcard_client::card::Merchant;

use super::addresses::Addresses;
use super::bell::{Bell, Stop};
use super::book::Book;
use super::by_address::watching::WatchedAddresses;
use super::chain_watch::ChainView;
use super::confirmations::Confirmations;
use super::error::ServiceError;
use super::moment::Moment;
use super::payment::Payment;
use super::rate::Rates;
use super::readers::ReaderTable;
use super::refund::watching::WatchedRefunds;
use super::settling::Message;
#[cfg(feature = "test-cards")]
use super::test_cards::TestReaders;

/// How the service was set up.
pub(crate) struct Setup {
    /// The till's folder.
    pub(crate) folder: PathBuf,
    /// The node.
    pub(crate) chain: CoreRpcConfig,
    /// Its network.
    pub(crate) network: Network,
    /// Which cards are taken.
    pub(crate) rules: CardRules,
    /// How often the chain is asked about payments.
    pub(crate) poll_interval: Duration,
    /// Where the shop's addresses come from, unless each request names one.
    pub(crate) addresses: Option<Addresses>,
    /// The readers of test mode.
    #[cfg(feature = "test-cards")]
    pub(crate) test_readers: Option<TestReaders>,
    /// The shop's currency, if it has one.
    pub(crate) rates: Option<Rates>,
    /// What a payment is unless its request says otherwise.
    pub(crate) defaults: Defaults,
}

/// What a payment is unless its request says otherwise.
pub(crate) struct Defaults {
    /// Blocks that must bury it.
    pub(crate) confirmations: Confirmations,
    /// Fee rate; without it, the node's estimate.
    pub(crate) fee_rate: Option<FeeRate>,
    /// The shop's name, for the log of the holder's card.
    pub(crate) merchant: Merchant,
    /// How long it waits for a card.
    pub(crate) patience: Duration,
}

/// A payment at a reader.
#[derive(Clone)]
pub(crate) struct Counter {
    /// Its name.
    pub(crate) payment: String,
    /// By which it is told something.
    pub(crate) bell: Arc<Bell>,
}

/// The service's state.
pub(crate) struct Shop {
    pub(crate) setup: Setup,
    pub(crate) book: Book,
    /// One payment is made at a time.
    pub(super) creating: Mutex<()>,
    /// Who is at which reader.
    counters: Mutex<BTreeMap<String, Counter>>,
    /// The addresses of its payments.
    pub(super) addresses: Mutex<WatchedAddresses>,
    /// One refund is drafted or changed at a time.
    pub(super) refunding: Mutex<()>,
    /// The coins of its refunds.
    pub(super) refunds: Mutex<WatchedRefunds>,
    pub(super) readers: Mutex<ReaderTable>,
    pub(super) chain_view: Mutex<ChainView>,
    settling: mpsc::Sender<Message>,
}

impl Shop {
    pub(super) fn new(setup: Setup, book: Book, settling: mpsc::Sender<Message>) -> Self {
        Self {
            setup,
            book,
            creating: Mutex::default(),
            counters: Mutex::default(),
            addresses: Mutex::default(),
            refunding: Mutex::default(),
            refunds: Mutex::default(),
            readers: Mutex::default(),
            chain_view: Mutex::default(),
            settling,
        }
    }

    /// The node, for one thread: a question that hangs holds up nobody else's.
    pub(crate) fn chain(&self) -> CoreRpc {
        CoreRpc::new(self.setup.chain.clone())
    }

    /// The source of the chain, as it was seen last.
    pub(crate) fn chain_view(&self) -> ChainView {
        lock(&self.chain_view).clone()
    }

    /// Where the payments' records are.
    pub(crate) fn store(&self) -> Result<PaymentStore, ServiceError> {
        let folder = self.setup.folder.join("payments");
        PaymentStore::open(&folder).map_err(|error| ServiceError::Till(error.into()))
    }

    /// The back office of one payment: what the till tells of it is stored, then announced.
    pub(super) fn settlement<'a>(
        &'a self,
        chain: &'a CoreRpc,
        id: &'a str,
        stopped: &'a dyn Fn() -> Option<Stop>,
    ) -> Result<Settlement<'a>, ServiceError> {
        Ok(Settlement {
            chain,
            store: self.store()?,
            poll_interval: self.setup.poll_interval,
            on_event: Box::new(move |event| self.told(id, event, stopped())),
        })
    }

    /// Stores what the till told of a payment, whose record was stored before.
    fn told(&self, id: &str, event: &Event, stop: Option<Stop>) {
        let told = || {
            let store = self.store()?;
            let record = store
                .read_one(id)
                .map_err(tillcard::till::TillError::from)?;
            let now = Moment::now();
            let follow = |payment: &mut Payment| payment.follow(&record, Some(event), stop, now);
            let payment = self.book.change_payment(id, follow)?;
            match (payment, event) {
                (Some(payment), Event::CardUnusable { code, reason }) => {
                    self.reader_trouble(&payment.reader, code, reason);
                }
                (Some(payment), Event::Card { .. }) => self.reader_in_order(&payment.reader),
                _ => {}
            }
            Ok::<_, ServiceError>(())
        };
        // The record is the truth; the book catches up with it at the next step, or the next start.
        if let Err(error) = told() {
            tracing::error!(%error, payment = id, "a step can't be announced");
        }
    }

    /// Has the book tell what the record says, when that was left behind.
    pub(super) fn catch_up(&self, record: &PaymentRecord) -> Result<(), ServiceError> {
        let mut payment = match self.book.payment(&record.id) {
            Ok(payment) => payment,
            // One that `till pay` made.
            Err(ServiceError::NoPayment(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let before = payment.state;
        let now = Moment::now();
        let open = (record.state == PaymentState::Asked).then(|| Open::Stopped.event());
        payment.follow(record, open.as_ref(), None, now);
        if payment.state != before {
            self.book
                .change_payment(&record.id, |stored| *stored = payment)?;
        }
        Ok(())
    }

    /// Gives a payment the reader, if nobody has it.
    pub(super) fn take_reader(&self, reader: &str, counter: Counter) -> Result<(), ServiceError> {
        let mut counters = lock(&self.counters);
        if let Some(other) = counters.get(reader) {
            return Err(ServiceError::ReaderBusy(other.payment.clone()));
        }
        counters.insert(reader.to_owned(), counter);
        drop(counters);
        self.readers_changed();
        Ok(())
    }

    /// The reader is free again.
    pub(super) fn leave_reader(&self, reader: &str) {
        lock(&self.counters).remove(reader);
        self.readers_changed();
    }

    /// The payment at each reader.
    pub(super) fn counters(&self) -> BTreeMap<String, Counter> {
        lock(&self.counters).clone()
    }

    /// The counter that a payment is at.
    pub(super) fn counter_of(&self, payment: &str) -> Option<Counter> {
        let counters = lock(&self.counters);
        let mut counters = counters.values();
        counters.find(|counter| counter.payment == payment).cloned()
    }

    /// Tells the thread that settles something.
    pub(super) fn tell_settling(&self, message: Message) {
        // It ends with the process.
        let _ = self.settling.send(message);
    }
}

/// A lock that a panic elsewhere doesn't close.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
