//! All payments that a card has signed, in one thread: sent, sent again if need be, waited for, and looked
//! at again when they had ended, until no reorganisation reaches them. No reader is needed for that.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use bitcoin::BlockHash;
use tillcard::chain::{Chain, CoreRpc};
use tillcard::till::machine::{ClerkSaid, Input, Machine, Wishes};
use tillcard::till::{self, Claim, NoReader, Progress, TillError};

use super::error::ServiceError;
use super::shop::Shop;

/// A payment that the network doesn't take is sent again after so many rounds.
const ROUNDS_UNTIL_AGAIN: u32 = 20;

/// What the thread is told.
pub(super) enum Message {
    /// Wait for this payment too.
    Settle(Box<Settling>),
    /// The shop waits for this payment no longer.
    Close(String),
}

/// A signed payment.
pub(super) struct Settling {
    id: String,
    /// None while its outcome is open: it is taken up anew then.
    machine: Option<Machine>,
    claim: Claim,
    /// When it is asked for next.
    next: Instant,
    /// The last block at which it was seen in a block, after its end: it stands so until there is another.
    seen_at: Option<BlockHash>,
}

impl Settling {
    /// One that waits for the network.
    pub(super) fn new(id: String, machine: Machine, claim: Claim) -> Self {
        Self {
            id,
            machine: Some(machine),
            claim,
            next: Instant::now(),
            seen_at: None,
        }
    }

    /// One that is taken up anew.
    pub(super) fn later(id: String, claim: Claim) -> Self {
        Self {
            id,
            machine: None,
            claim,
            next: Instant::now(),
            seen_at: None,
        }
    }

    /// Asks for it once. Itself, if there is more to be done.
    fn round(mut self, shop: &Shop, chain: &CoreRpc, said: Option<ClerkSaid>) -> Option<Self> {
        let interval = shop.setup.poll_interval;
        let tip = chain.tip().ok().map(|tip| tip.hash);
        if self.seen_at.is_some() && self.seen_at == tip {
            self.next = Instant::now() + interval;
            return Some(self);
        }
        match self.advance(shop, chain, said) {
            Ok(Progress::Waits) => self.next = Instant::now() + interval,
            Ok(Progress::Ended(till::Outcome::Open(_))) => {
                self.machine = None;
                self.next = Instant::now() + interval * ROUNDS_UNTIL_AGAIN;
            }
            Ok(Progress::Ended(outcome)) if self.is_over(shop) => {
                self.claim.end(&outcome);
                return None;
            }
            Ok(Progress::Ended(outcome)) => {
                self.machine = None;
                self.next = Instant::now() + interval;
                self.seen_at = tip
                    .filter(|_| matches!(outcome, till::Outcome::AsBefore { confirmations: 1.. }));
            }
            Err(error) => {
                tracing::error!(%error, payment = self.id, "settling");
                self.machine = None;
                self.next = Instant::now() + interval * ROUNDS_UNTIL_AGAIN;
            }
        }
        Some(self)
    }

    /// Whether it has ended for good. One whose record can't be read just now is taken up again.
    fn is_over(&self, shop: &Shop) -> bool {
        let record = shop.store().ok().map(|store| store.read_one(&self.id));
        matches!(record, Some(Ok(record)) if record.is_over())
    }

    fn advance(
        &mut self,
        shop: &Shop,
        chain: &CoreRpc,
        said: Option<ClerkSaid>,
    ) -> Result<Progress, ServiceError> {
        let mut settlement = shop.settlement(chain, &self.id, &|| None)?;
        let (mut machine, input) = match (self.machine.take(), said) {
            (Some(machine), None) => (machine, Input::TimePassed),
            (_, said) => {
                let record = settlement.store.read_one(&self.id);
                let record = record.map_err(TillError::from)?;
                // One that the network has by now needs no closing.
                let said = said.filter(|_| record.state.may_be_closed());
                let mut machine = Machine::default();
                machine.add(record, Wishes::default());
                (machine, Input::Clerk(said.unwrap_or(ClerkSaid::Resume)))
            }
        };
        let hand = &mut NoReader;
        let progress = till::advance(&mut machine, &self.id, input, hand, &mut settlement)?;
        self.machine = Some(machine);
        Ok(progress)
    }
}

/// Settles what comes, until nobody can tell it anything any more.
pub(super) fn run(shop: &Arc<Shop>, messages: &Receiver<Message>) {
    let chain = shop.chain();
    let mut all: Vec<Settling> = Vec::new();
    loop {
        let now = Instant::now();
        let next = all.iter().map(|settling| settling.next).min();
        let patience = next.map_or(Duration::from_secs(3600), |next| {
            next.saturating_duration_since(now)
        });
        match messages.recv_timeout(patience) {
            Ok(Message::Settle(settling)) => all.push(*settling),
            Ok(Message::Close(id)) => {
                let at = all.iter().position(|settling| settling.id == id);
                if let Some(at) = at {
                    let settling = all.swap_remove(at);
                    all.extend(settling.round(shop, &chain, Some(ClerkSaid::Close)));
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = Instant::now();
        let (due, waiting): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|settling| settling.next <= now);
        all = waiting;
        let left = due.into_iter();
        all.extend(left.filter_map(|settling| settling.round(shop, &chain, None)));
    }
}
