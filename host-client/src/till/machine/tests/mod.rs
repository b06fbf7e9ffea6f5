//! The machine against cards, a wire and a chain that do what they like: whoever is told that a payment
//! is declined or cancelled has not paid, and can't be made to.

mod choices;
mod papers;
mod steps;
mod world;

use super::*;
use crate::chain::Reach;
use crate::till::{Event, PaymentState};
use choices::{Choices, all_stories};
use papers::Papers;
use world::{World, keys_of};

const ID: &str = "milk";
/// Blocks that the shop waits for.
const DEPTH: u32 = 2;
/// After so many steps a story is told as far as it goes.
const STEPS: usize = 60;

/// The till's disk, and what it has said.
struct Story<'a> {
    machine: Machine,
    disk: PaymentRecord,
    world: World<'a>,
    wishes: Wishes,
}

impl<'a> Story<'a> {
    fn new(papers: &'a Papers, choices: &mut Choices) -> Self {
        let wishes = Wishes {
            without_pin: choices.happens(),
            statement: choices.happens(),
        };
        let is_certified = !choices.happens();
        let disk = PaymentRecord::new(ID.into(), "bcrt1q".into(), DEPTH, papers.order.clone());
        let mut machine = Machine::default();
        machine.add(disk.clone(), wishes);
        Self {
            machine,
            disk,
            world: World::new(papers, is_certified),
            wishes,
        }
    }

    /// Plays until the payment needs nothing more, or the till is turned off.
    fn play(&mut self, mut input: Input, choices: &mut Choices) -> Option<Outcome> {
        for _ in 0..STEPS {
            let step = self.machine.step(ID, input);
            if let Some(record) = step.write {
                assert!(!self.disk.state.is_final(), "an end is an end");
                self.disk = record;
            }
            // The power may fail between the disk and everything else.
            if !self.world.is_honest && choices.strikes() {
                return None;
            }
            input = Input::Stopped;
            for effect in step.effects {
                match effect {
                    Effect::Tell(event) => self.heard(&event),
                    Effect::Card(task) => {
                        self.look_at(&task);
                        if let Some(said) = self.world.card(&task, choices) {
                            input = Input::Card(said);
                        }
                    }
                    Effect::Chain(task) => {
                        if let ChainTask::Send(payment) = &task {
                            assert_eq!(self.disk.transaction.as_ref(), Some(payment));
                        }
                        input = Input::Chain(self.world.chain(&task, choices));
                    }
                    Effect::Wait => input = Input::TimePassed,
                    Effect::End(outcome) => {
                        self.ended(&outcome);
                        return Some(outcome);
                    }
                    Effect::GiveUp(_) => {
                        assert_eq!(self.disk.state, PaymentState::Cancelled);
                        self.assert_never_paid();
                        return None;
                    }
                }
            }
            // The clerk may change his mind at any time.
            if !self.world.is_honest && choices.strikes() {
                input = Input::Clerk(ClerkSaid::Cancel);
            }
        }
        None
    }

    /// What is about to be asked of a card is on the disk.
    fn look_at(&self, task: &CardTask) {
        match task {
            CardTask::Pay | CardTask::PayWithoutPin(_) => {
                assert_eq!(self.disk.state, PaymentState::Asked);
                assert_eq!(self.disk.card, self.world.keys_at_hand());
            }
            CardTask::AskState(_) | CardTask::PayAgain(_) => {
                assert_eq!(self.disk.state, PaymentState::Asked);
                let keys = self.world.keys_at_hand();
                assert!(self.disk.card.is_none() || self.disk.card == keys);
            }
            CardTask::Report(absent) => {
                assert!(self.world.reports + absent.len() <= MOST_REPORTS);
                assert_eq!(self.world.reach, Reach::Complete, "it knows no better");
            }
            _ => {}
        }
    }

    fn heard(&self, event: &Event) {
        match event {
            Event::Declined { .. } | Event::Cancelled { .. } => self.assert_never_paid(),
            Event::Settled { .. } => assert!(self.world.depth >= Some(DEPTH)),
            Event::Conflicted { .. } => assert!(self.world.conflict_depth >= Some(DEPTH)),
            Event::Broadcast { .. } => assert!(self.disk.transaction.is_some()),
            _ => {}
        }
    }

    /// No card committed to the payment, and none can, whatever the wire kept back.
    fn assert_never_paid(&self) {
        assert_eq!(self.world.committed, [false; 2]);
        assert!(!self.world.plain_pay, "a wire may deliver it yet");
    }

    fn ended(&self, outcome: &Outcome) {
        let expected = match outcome {
            Outcome::Settled(_) => Some(PaymentState::Settled),
            Outcome::Declined(_) => Some(PaymentState::Declined),
            Outcome::Cancelled => Some(PaymentState::Cancelled),
            Outcome::Closed => Some(PaymentState::Closed),
            Outcome::Conflicted { .. } => Some(PaymentState::Conflicted),
            Outcome::Open(_) => None,
        };
        match expected {
            Some(state) => assert_eq!(self.disk.state, state, "stored before it is told"),
            None => assert!(!self.disk.state.is_final()),
        }
    }

    /// The till is turned on again.
    fn resume(&mut self, choices: &mut Choices) -> Option<Outcome> {
        self.machine = Machine::default();
        self.machine.add(self.disk.clone(), Wishes::default());
        self.play(Input::Clerk(ClerkSaid::Resume), choices)
    }
}

/// One story: a payment, up to two resumptions on a wire that cheats, one on an honest wire.
fn tell(papers: &Papers, choices: &mut Choices) {
    let mut story = Story::new(papers, choices);
    story.play(Input::Clerk(ClerkSaid::Begin), choices);
    for _ in 0..2 {
        if !story.disk.state.is_final() && choices.happens() {
            story.resume(choices);
        }
    }
    assert!(
        story.world.committed != [true; 2],
        "two cards for one payment"
    );
    if story.disk.state.is_final() {
        return;
    }
    // The one that was asked is there again, and nobody sits between: the truth comes out.
    story.world.is_honest = true;
    let is_asked = story.disk.state == PaymentState::Asked;
    let asked_card = story.disk.card;
    let committed = story
        .world
        .committed
        .iter()
        .position(|committed| *committed);
    let mut honest = Choices::Script {
        deviations: Vec::new(),
        points: Vec::new(),
    };
    let outcome = story.resume(&mut honest);
    match (committed, outcome) {
        (_, None) => {}
        (Some(_), Some(Outcome::Settled(_) | Outcome::Conflicted { .. } | Outcome::Open(_))) => {}
        (None, Some(Outcome::Declined(_) | Outcome::Cancelled)) => {}
        // A card without certificates proves nothing; another card than the one that was asked is
        // asked for nothing.
        (None, Some(Outcome::Open(_))) => {
            assert!(is_asked);
            assert!(asked_card.is_none() || asked_card != Some(keys_of(0)));
        }
        (committed, outcome) => panic!("{committed:?}: {outcome:?}, {:?}", story.wishes),
    }
}

#[test]
fn every_story_with_few_deviations() {
    let papers = Papers::new();
    let stories = all_stories(3, &mut |choices| tell(&papers, choices));
    println!("{stories} stories");
    assert!(stories > 10_000, "{stories}");
}

#[test]
fn stories_by_dice() {
    let papers = Papers::new();
    for seed in 0..20_000 {
        let told = std::panic::catch_unwind(|| tell(&papers, &mut Choices::dice(seed)));
        assert!(told.is_ok(), "story {seed}");
    }
}
