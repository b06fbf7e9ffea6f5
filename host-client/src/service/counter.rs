//! One payment at a reader, in a thread of its own: until its card has signed, or there is no payment.

use std::sync::Arc;
use std::time::Duration;

use tillcard::till::machine::{CardTask, ClerkSaid, Input, Machine, Wishes};
use tillcard::till::{
    self, CardSource, Claim, Hand, Outcome, PaymentRecord, PinError, PinSource, Progress,
    Settlement, TillError,
};
use tillcard_client::Untrusted;
use tillcard_client::card::PinBlock;
use tillcard_client::transport::{Pcsc, Readers, TransportError};

use super::bell::{Bell, Stop};
use super::error::ServiceError;
use super::settling::{Message, Settling};
use super::shop::{Counter, Shop};

/// How often a counter that waits for a card asks whether it is to stop.
const GLANCE: Duration = Duration::from_millis(200);

/// What a counter is to do.
pub(super) struct Task {
    /// The payment's name.
    pub(super) id: String,
    /// The reader.
    pub(super) reader: String,
    /// Whether it begins, or goes on.
    pub(super) said: ClerkSaid,
    /// What the shop wants beside the money.
    pub(super) wishes: Wishes,
    /// Nobody else goes on with the payment meanwhile.
    pub(super) claim: Claim,
}

/// Starts a counter at a reader that was taken for it.
pub(super) fn start(shop: &Arc<Shop>, counter: &Counter, task: Task) {
    let (shop, bell) = (Arc::clone(shop), Arc::clone(&counter.bell));
    std::thread::spawn(move || {
        let reader = task.reader.clone();
        let id = task.id.clone();
        if let Err(error) = serve(&shop, &bell, task) {
            tracing::error!(%error, payment = id, "a counter stopped");
        }
        shop.leave_reader(&reader);
    });
}

fn serve(shop: &Arc<Shop>, bell: &Arc<Bell>, task: Task) -> Result<(), ServiceError> {
    let Task {
        id,
        reader,
        said,
        wishes,
        claim,
    } = task;
    let chain = shop.chain();
    let stopped = || bell.stopped();
    let mut settlement = shop.settlement(&chain, &id, &stopped)?;
    let record = settlement.store.read_one(&id).map_err(TillError::from)?;
    let mut machine = Machine::default();
    machine.add(record, wishes);
    let mut cards = CardsAt {
        reader: &reader,
        bell,
    };
    let mut pins = PinsBy(bell);
    let mut hand = Stoppable {
        counter: till::Counter::new(&mut cards, &mut pins, &shop.setup.rules, shop.setup.network),
        bell,
    };
    let mut input = Input::Clerk(said);
    loop {
        let progress = till::advance(&mut machine, &id, input, &mut hand, &mut settlement);
        match progress {
            Ok(Progress::Waits) if is_signed(&machine, &id) => {
                drop(settlement);
                let settling = Settling::new(id, machine, claim);
                shop.tell_settling(Message::Settle(Box::new(settling)));
                return Ok(());
            }
            Ok(Progress::Waits) => {
                bell.wait(shop.setup.poll_interval);
                input = match bell.stopped() {
                    Some(_) => Input::Clerk(ClerkSaid::Cancel),
                    None => Input::TimePassed,
                };
            }
            Ok(Progress::Ended(outcome)) => {
                let record = settlement.store.read_one(&id).map_err(TillError::from)?;
                drop(settlement);
                ended(shop, id, &record, &outcome, claim);
                return Ok(());
            }
            Err(error) => {
                let store = settlement.store.read_one(&id).map_err(TillError::from)?;
                shop.catch_up(&store)?;
                return Err(error.into());
            }
        }
    }
}

fn is_signed(machine: &Machine, id: &str) -> bool {
    let record = machine.record(id);
    record.is_some_and(|record| record.transaction.is_some())
}

/// A signed payment whose outcome is open is sent again later, without its card.
fn ended(shop: &Shop, id: String, record: &PaymentRecord, outcome: &Outcome, claim: Claim) {
    match record.transaction.is_some() && record.state.is_open() {
        true => {
            let settling = Settling::later(id, claim);
            shop.tell_settling(Message::Settle(Box::new(settling)));
        }
        false => claim.end(outcome),
    }
}

/// A hand that stops when the bell says so, wherever nothing is lost by it: what a card answers to PAY
/// is always heard.
struct Stoppable<'a> {
    counter: till::Counter<'a, CardsAt<'a>, PinsBy<'a>>,
    bell: &'a Bell,
}

impl Hand for Stoppable<'_> {
    fn perform(
        &mut self,
        task: CardTask,
        settlement: &mut Settlement<'_>,
    ) -> Result<Option<Input>, TillError> {
        let may_stop = matches!(
            task,
            CardTask::Meet
                | CardTask::AskState(_)
                | CardTask::AskPin
                | CardTask::Preview(_)
                | CardTask::LookUp
                | CardTask::Report(_)
        );
        let is_asking = matches!(task, CardTask::AskPin);
        self.bell.set_asking(is_asking);
        let done = self.counter.perform(task, settlement);
        self.bell.set_asking(false);
        match done {
            Err(TillError::Transport(TransportError::Cancelled)) | Ok(Some(_))
                if may_stop && self.bell.stopped().is_some() =>
            {
                Ok(Some(Input::Clerk(ClerkSaid::Cancel)))
            }
            done => done,
        }
    }
}

/// The cards that come into one reader.
struct CardsAt<'a> {
    reader: &'a str,
    bell: &'a Bell,
}

impl CardSource for CardsAt<'_> {
    type Card = Pcsc;

    fn wait(&mut self, unusable: &mut dyn FnMut(&TransportError)) -> Result<Pcsc, TransportError> {
        let readers = Readers::only(self.reader)?;
        let mut wait = readers.card_wait();
        while self.bell.stopped().is_none() {
            if let Some(card) = wait.next(Some(GLANCE), unusable)? {
                return Ok(card);
            }
        }
        Err(TransportError::Cancelled)
    }

    fn reader(card: &Pcsc) -> Untrusted {
        card.reader().clone()
    }
}

/// The PINs that come by the service.
struct PinsBy<'a>(&'a Bell);

impl PinSource for PinsBy<'_> {
    fn ask(&mut self, _: &str) -> Result<PinBlock, PinError> {
        self.0.wait_for_pin().ok_or(PinError::None)
    }
}

impl Shop {
    /// Has all counters stop; they do so within a moment, unless a card is at work.
    pub(crate) fn stop_counters(&self) {
        for counter in self.counters().values() {
            counter.bell.stop(Stop::Service);
        }
    }
}
