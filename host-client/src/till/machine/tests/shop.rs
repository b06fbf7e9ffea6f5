//! A till with one counter or two as a model that `stateright` searches: the machine itself is the
//! transition function.
//!
//! A transition is one [`Machine::step`]: what the machine waits for happens, in each way in which the
//! world lets it happen, the record is stored and the effects are done.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use stateright::{Model, Property};

use super::choices::{Choices, Ways, every_way};
use super::counter::{Awaited, Counter, Told};
use super::world::{Lie, World};
use super::*;

/// The payments of the two counters.
const IDS: [&str; 2] = [ID, "bread"];

/// How much is searched.
#[derive(Default)]
pub(super) struct Shop {
    pub(super) counters: usize,
    /// At most so many deviations from the honest way.
    pub(super) most: usize,
    /// A promise that the world breaks.
    pub(super) lie: Option<Lie>,
    /// Whether the truth comes out at counters in these states.
    truths: Mutex<HashMap<u64, bool>>,
}

/// The machine, its counters, and how much may still happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    machine: Machine,
    pub(super) counters: Vec<Counter>,
    /// Digests of the counters, each with its payment in the machine.
    digests: Vec<u64>,
    /// Deviations that are left.
    left: usize,
}

/// Counters have no order: what happens at one of two that are alike happens at the other.
impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut digests = self.digests.clone();
        digests.sort_unstable();
        (digests, self.left).hash(state);
    }
}

/// What happened at which counter, and what it led to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Happened {
    counter: usize,
    ways: Ways,
    next: State,
}

impl Shop {
    pub(super) fn new(counters: usize, most: usize) -> Self {
        Self {
            counters,
            most,
            ..Self::default()
        }
    }

    /// How a shop's day begins.
    pub(super) fn opens(&self, choices: &mut Choices) -> State {
        let is_certified = !choices.happens();
        let counters = IDS.into_iter().take(self.counters).map(|id| {
            let wishes = Wishes {
                without_pin: choices.happens(),
                statement: self.counters == 1 && choices.happens(),
            };
            Counter::new(id, wishes, World::new(is_certified, self.lie))
        });
        State {
            machine: Machine::default(),
            counters: counters.collect(),
            digests: Vec::new(),
            left: self.most,
        }
    }

    /// Whether the truth comes out at every counter.
    fn truth_comes_out(&self, state: &State) -> bool {
        assert_eq!(state.digests.len(), self.counters);
        let mut counters = state.counters.iter().zip(&state.digests);
        counters.all(|(counter, digest)| {
            let known = || self.truths.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(truth) = known().get(digest) {
                return *truth;
            }
            let truth = counter.clone().finds_the_truth();
            known().insert(*digest, truth);
            truth
        })
    }
}

impl State {
    /// Whether something can happen at this counter.
    pub(super) fn goes_on_at(&mut self, counter: usize) -> bool {
        let counter = &mut self.counters[counter];
        counter.resumes() || counter.awaited != Awaited::Nothing
    }

    /// What this counter waits for happens.
    pub(super) fn step(&mut self, counter: usize, choices: &mut Choices) {
        let here = &mut self.counters[counter];
        let is_met = here.awaited == Awaited::Card(CardTask::Meet);
        let is_on = here.goes_on(&mut self.machine, choices);
        let card = here.world.card_at_hand();
        if !is_on {
            self.machine = Machine::default();
            self.counters.iter_mut().for_each(Counter::is_off);
        } else {
            here.waits_for_source(&mut self.machine);
            if is_met && card.is_some() {
                // It is in this reader now, and in no other. The first card of one counter is the
                // second of the other.
                let others = self.counters.iter_mut().enumerate();
                for (_, other) in others.filter(|(other, _)| *other != counter) {
                    if other.world.card_at_hand() == card.map(|card| 1 - card) {
                        other.world.loses_card();
                    }
                }
            }
        }
    }

    pub(super) fn digest_all(&mut self) {
        let counters = self.counters.iter();
        self.digests = counters.map(|it| it.digest(&self.machine)).collect();
    }

    /// Digests what isn't as it was before, whichever counter it is at.
    fn digest(&mut self, before: &Self) {
        for (index, counter) in self.counters.iter().enumerate() {
            let is_as_before = before.counters[index] == *counter
                && before.machine.payments.get(counter.id) == self.machine.payments.get(counter.id);
            if !is_as_before {
                self.digests[index] = counter.digest(&self.machine);
            }
        }
    }

    /// What stands here, and what then happens.
    pub(super) fn tell(&self, happened: Option<&Happened>) -> String {
        let Some(Happened { counter, ways, .. }) = happened else {
            let counters = &self.counters;
            return format!("{counters:#?}");
        };
        let Counter {
            awaited,
            told,
            disk,
            ..
        } = &self.counters[*counter];
        let state = disk.state;
        format!("counter {counter}: {state:?}, told {told:?}, {awaited:?}, {ways:?}")
    }

    fn any(&self, told: Told) -> bool {
        self.counters.iter().any(|counter| counter.told == told)
    }

    fn all(&self, holds: impl Fn(&Counter) -> bool) -> bool {
        self.counters.iter().all(holds)
    }
}

impl Model for Shop {
    type State = State;
    type Action = Happened;

    fn init_states(&self) -> Vec<State> {
        let states = every_way(usize::MAX, |choices| {
            let mut state = self.opens(choices);
            state.digest_all();
            state
        });
        states.into_iter().map(|(_, state)| state).collect()
    }

    fn actions(&self, state: &State, happened: &mut Vec<Happened>) {
        for counter in 0..self.counters {
            let mut begun = state.clone();
            if !begun.goes_on_at(counter) {
                continue;
            }
            let steps = every_way(state.left, |choices| {
                let mut next = begun.clone();
                next.step(counter, choices);
                next.digest(state);
                next
            });
            happened.extend(steps.into_iter().map(|(ways, mut next)| {
                next.left -= ways.deviations();
                Happened {
                    counter,
                    ways,
                    next,
                }
            }));
        }
    }

    fn next_state(&self, _: &State, happened: Happened) -> Option<State> {
        Some(happened.next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(UNPAID, |_, state: &State| {
                state.all(|it| !it.is_told_unpaid() || !it.world.may_be_paid())
            }),
            Property::always(GOODS, |_, state: &State| {
                state.all(|it| {
                    it.told != Told::Settled || it.world.depth >= Some(DEPTH) || it.is_noticed()
                })
            }),
            Property::always(CONFLICT, |_, state: &State| {
                state.all(|it| {
                    it.told != Told::Conflicted
                        || it.world.conflict_depth >= Some(DEPTH)
                        || it.is_noticed()
                })
            }),
            Property::always(ONE_CARD, |_, state: &State| {
                state.all(|it| it.world.committed != [true; 2])
            }),
            Property::always(RULES, |_, state: &State| {
                state.all(|it| it.broken.is_none())
            }),
            Property::always(TRUTH, |shop: &Self, state| shop.truth_comes_out(state)),
            Property::sometimes("settled", |_, state: &State| state.any(Told::Settled)),
            Property::sometimes("declined", |_, state: &State| state.any(Told::Declined)),
            Property::sometimes("cancelled", |_, state: &State| state.any(Told::Cancelled)),
            Property::sometimes("conflicted", |_, state: &State| state.any(Told::Conflicted)),
            Property::sometimes("closed", |_, state: &State| state.any(Told::Closed)),
            Property::sometimes("reorganised", |_, state: &State| {
                !state.all(|it| !it.world.is_reorganised || it.disk.state.is_final())
            }),
            Property::sometimes("open", |_, state: &State| state.any(Told::Open)),
        ]
    }
}

pub(super) const UNPAID: &str = "who is told declined or cancelled doesn't pay";
pub(super) const GOODS: &str = "goods are for confirmed money";
pub(super) const CONFLICT: &str = "a conflict is confirmed";
pub(super) const ONE_CARD: &str = "one card pays";
pub(super) const RULES: &str = "the machine keeps its rules";
pub(super) const TRUTH: &str = "the truth comes out";
