//! A clerk's counter: one payment in the till's machine, its record on the disk, and its world.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use super::choices::Choices;
use super::papers::PAPERS;
use super::world::{World, keys_of};
use super::*;

/// More than an honest story has.
const HONEST_STEPS: usize = 40;

/// A record of which nothing is told.
static BLANK: LazyLock<PaymentRecord> =
    LazyLock::new(|| PaymentRecord::new(String::new(), String::new(), 0, PAPERS.order.clone()));

/// What the machine waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// The clerk takes it up, for the first time or again.
    Clerk(ClerkSaid),
    Card(CardTask),
    Chain(ChainTask),
    Time,
    /// Nothing: it has ended, or the till is off.
    Nothing,
}

/// What the clerk was told last of the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Nothing,
    Declined,
    Cancelled,
    Settled,
    Conflicted,
    /// That the shop waits no longer.
    Closed,
    /// "It may still be paid."
    Open,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counter {
    pub(super) id: &'static str,
    pub(super) disk: PaymentRecord,
    wishes: Wishes,
    pub(super) world: World,
    pub(super) awaited: Awaited,
    pub(super) told: Told,
    /// What the machine did against its own rules.
    pub(super) broken: Option<&'static str>,
}

impl Counter {
    pub(super) fn new(id: &'static str, wishes: Wishes, world: World) -> Self {
        let order = PAPERS.order.clone();
        Self {
            id,
            disk: PaymentRecord::new(id.into(), "bcrt1q".into(), DEPTH, order),
            wishes,
            world,
            awaited: Awaited::Clerk(ClerkSaid::Begin),
            told: Told::Nothing,
            broken: None,
        }
    }

    /// All that there is at this counter, but the payment's name: its `Debug` text, hashed. That text is
    /// derived throughout, and so holds each field of machine, disk and world.
    pub(super) fn digest(&self, machine: &Machine) -> u64 {
        let mut counter = self.clone();
        counter.id = "";
        counter.disk.id.clear();
        let mut payment = machine.payments.get(self.id).cloned();
        if let Some(payment) = &mut payment {
            payment.record.id.clear();
        }
        // What is on the disk is mostly what the machine has, and is written once then.
        let record = payment.as_ref().map(|payment| &payment.record);
        let text = match record == Some(&counter.disk) {
            true => {
                counter.disk = BLANK.clone();
                format!("as stored {counter:?} {payment:?}")
            }
            false => format!("{counter:?} {payment:?}"),
        };
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        hasher.finish()
    }

    /// What the machine waits for happens, or a clerk says something else, or the till loses power
    /// between its disk and everything else; the last is told by `false`.
    pub(super) fn goes_on(&mut self, machine: &mut Machine, choices: &mut Choices) -> bool {
        let awaited = std::mem::replace(&mut self.awaited, Awaited::Nothing);
        if let Awaited::Clerk(_) = awaited {
            machine.add(self.disk.clone(), self.wishes);
        }
        let words = self.words(&awaited);
        let said = match choices.strikes(1 + words.len()) {
            0 => None,
            word => Some(Input::Clerk(words[word - 1])),
        };
        let happened = match &awaited {
            Awaited::Clerk(said) => Some(Input::Clerk(*said)),
            Awaited::Card(task) => self.world.card(task, choices).map(Input::Card),
            Awaited::Chain(task) => Some(Input::Chain(self.world.chain(task, choices))),
            Awaited::Time => Some(Input::TimePassed),
            Awaited::Nothing => None,
        };
        let input = said.or(happened).unwrap_or(Input::Stopped);
        let step = machine.step(self.id, input);
        if let Some(record) = step.write {
            self.stores(record);
        }
        if choices.strikes(2) == 1 {
            return false;
        }
        for effect in step.effects {
            self.does(effect, choices);
        }
        true
    }

    /// What a clerk, this one or another, may say at any time instead of what the payment waits for.
    fn words(&self, awaited: &Awaited) -> &'static [ClerkSaid] {
        use ClerkSaid::{Cancel, Close, Resume};
        match (awaited, self.disk.state) {
            (Awaited::Clerk(ClerkSaid::Resume), state) if state.may_be_closed() => &[Close],
            (Awaited::Clerk(_), _) => &[],
            (_, state) if state.is_before_pay() => &[Cancel],
            (_, state) if state.may_be_closed() => &[Cancel, Resume, Close],
            _ => &[Cancel, Resume],
        }
    }

    /// A source that stays behind is asked for as long as the machine has patience: in one step, so that
    /// the states between aren't counted.
    pub(super) fn waits_for_source(&mut self, machine: &mut Machine) {
        let mut asked = 0;
        while self.world.stays_behind && self.awaited != Awaited::Nothing {
            self.goes_on(machine, &mut Choices::honest());
            asked += 1;
            if asked > 3 * u32::from(MOST_BEHIND) {
                self.expect(false, "patience has an end");
                break;
            }
        }
        self.world.stays_behind = false;
    }

    /// The clerk takes the payment up again, if it can be.
    pub(super) fn resumes(&mut self) -> bool {
        let is_open = self.awaited == Awaited::Nothing && !self.disk.is_over();
        if is_open {
            self.wishes = Wishes::default();
            self.told = Told::Nothing;
            self.awaited = Awaited::Clerk(ClerkSaid::Resume);
        }
        is_open
    }

    /// The till loses power; what wasn't begun can be begun later.
    pub(super) fn is_off(&mut self) {
        if !matches!(self.awaited, Awaited::Clerk(_)) {
            self.awaited = Awaited::Nothing;
        }
        self.world.loses_card();
    }

    fn stores(&mut self, record: PaymentRecord) {
        self.expect(!self.disk.is_over(), "an end is an end");
        self.expect(record.id == self.id, "a record is that of its payment");
        let payment = record.transaction.as_ref();
        let is_due = payment.is_none_or(|it| PAPERS.of.iter().any(|of| of.payment == *it));
        self.expect(is_due, "a payment is what was ordered");
        self.disk = record;
    }

    fn does(&mut self, effect: Effect, choices: &mut Choices) {
        match effect {
            Effect::Tell(event) => self.hears(&event),
            Effect::Card(task) => {
                self.looks_at(&task);
                match task {
                    CardTask::Release
                    | CardTask::Forget
                    | CardTask::AskStatement(_)
                    | CardTask::WeighStatement(_) => {
                        self.world.card(&task, choices);
                    }
                    task => self.awaited = Awaited::Card(task),
                }
            }
            Effect::Chain(task) => {
                if let ChainTask::Send(payment) = &task {
                    let is_stored = self.disk.transaction.as_ref() == Some(payment);
                    self.expect(is_stored, "a payment is stored before it is sent");
                }
                self.awaited = Awaited::Chain(task);
            }
            Effect::Wait => self.awaited = Awaited::Time,
            Effect::End(outcome) => self.ends(&outcome),
            Effect::GiveUp(_) => {
                let is_cancelled = self.disk.state == PaymentState::Cancelled;
                self.expect(is_cancelled, "what is given up is cancelled");
                self.told = Told::Cancelled;
            }
        }
    }

    /// What is about to be asked of a card is on the disk.
    fn looks_at(&mut self, task: &CardTask) {
        let is_asked = self.disk.state == PaymentState::Asked;
        let keys = self.world.keys_at_hand();
        match task {
            CardTask::Pay | CardTask::PayWithoutPin(_) => {
                self.expect(is_asked, "PAY is stored before it is sent");
                let is_stored = self.world.card_at_hand().is_none() || self.disk.card == keys;
                self.expect(is_stored, "whom PAY goes to is stored");
                let has_pin = !matches!(task, CardTask::Pay) || self.world.has_pin();
                self.expect(has_pin, "PAY comes after its PIN");
            }
            CardTask::AskState(_) | CardTask::PayAgain(_) => {
                self.expect(is_asked, "only who was asked is asked again");
                let is_same = self.disk.card.is_none() || keys.is_none() || self.disk.card == keys;
                self.expect(is_same, "another card isn't asked");
            }
            CardTask::Report(absent) => {
                let is_few = self.world.reports + absent.len() <= MOST_REPORTS;
                self.expect(is_few, "a card takes four reports");
                let knows = self.world.reach == Reach::Complete;
                self.expect(knows, "who is behind knows of no absent coin");
            }
            _ => {}
        }
    }

    fn hears(&mut self, event: &Event) {
        self.told = match event {
            Event::Declined { .. } => Told::Declined,
            Event::Cancelled { .. } => Told::Cancelled,
            Event::Settled { .. } => Told::Settled,
            Event::Conflicted { .. } => Told::Conflicted,
            Event::Closed { .. } => Told::Closed,
            Event::Reorganised { .. } | Event::ConflictUndone => Told::Open,
            Event::Broadcast { .. } => {
                let is_stored = self.disk.transaction.is_some();
                return self.expect(is_stored, "what the network has is stored");
            }
            _ => return,
        };
    }

    fn ends(&mut self, outcome: &Outcome) {
        let (state, told) = match outcome {
            Outcome::Settled(_) => (Some(PaymentState::Settled), Told::Settled),
            Outcome::Declined(_) => (Some(PaymentState::Declined), Told::Declined),
            Outcome::Cancelled => (Some(PaymentState::Cancelled), Told::Cancelled),
            Outcome::Closed => (Some(PaymentState::Closed), Told::Closed),
            Outcome::Conflicted { .. } => (Some(PaymentState::Conflicted), Told::Conflicted),
            Outcome::AsBefore { .. } => return self.stands_as_before(),
            Outcome::Open(_) => (None, Told::Open),
        };
        match state {
            Some(state) => self.expect(self.disk.state == state, "stored before it is told"),
            None => self.expect(!self.disk.state.is_final(), "what is open hasn't ended"),
        }
        self.told = told;
    }

    /// What had ended still stands so.
    fn stands_as_before(&mut self) {
        self.told = match self.disk.state {
            PaymentState::Settled => Told::Settled,
            PaymentState::Conflicted => Told::Conflicted,
            _ => return self.expect(false, "only an end stands as before"),
        };
    }

    /// Whether the clerk was told, or reads in the record, that nobody pays.
    pub(super) fn is_told_unpaid(&self) -> bool {
        let is_told = matches!(self.told, Told::Declined | Told::Cancelled);
        let state = self.disk.state;
        is_told || matches!(state, PaymentState::Declined | PaymentState::Cancelled)
    }

    /// Whether blocks were replaced, and the payment is looked at again.
    pub(super) fn is_noticed(&self) -> bool {
        self.world.is_reorganised && !self.disk.is_over()
    }

    fn expect(&mut self, holds: bool, rule: &'static str) {
        if !holds {
            self.broken = Some(rule);
        }
    }

    /// Whether the truth comes out when the card that was asked is there again, and nobody sits
    /// between.
    pub(super) fn finds_the_truth(mut self) -> bool {
        if !self.resumes() {
            return true;
        }
        self.world.is_honest = true;
        let mut machine = Machine::default();
        for _ in 0..HONEST_STEPS {
            self.goes_on(&mut machine, &mut Choices::honest());
            if self.awaited == Awaited::Nothing {
                break;
            }
        }
        let has_paid = self.world.committed != [false; 2];
        match self.told {
            Told::Settled => has_paid && self.world.depth >= Some(DEPTH),
            Told::Conflicted => has_paid && self.world.conflict_depth >= Some(DEPTH),
            Told::Declined | Told::Cancelled => !has_paid,
            // A card without certificates proves nothing; another card than the one that was asked
            // is asked for nothing.
            Told::Closed | Told::Nothing => false,
            Told::Open => has_paid || self.disk.card != Some(keys_of(0)),
        }
    }
}
