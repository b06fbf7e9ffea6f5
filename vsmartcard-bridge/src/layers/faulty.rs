//! A card that things happen to.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use tillcard_protocol::command::Header;

use super::faults::{Effect, Fault};
use crate::nvm::PowerSwitch;
use crate::slot::{CardInSlot, Layer, SlotError};

/// How long a reader waits for a card that gives no answer.
const READER_PATIENCE: Duration = Duration::from_secs(1);

/// A card to which the faults happen that its [`FaultSwitch`] has.
pub struct Faulty<C> {
    card: C,
    faults: FaultSwitch,
    power: PowerSwitch,
    rng: ChaCha20Rng,
    /// An answer that the card didn't give.
    answer: Vec<u8>,
}

/// The faults of a [`Faulty`] card, which can be set while it is elsewhere; clones are the same.
#[derive(Clone, Default)]
pub struct FaultSwitch(Arc<Switch>);

#[derive(Default)]
struct Switch {
    armed: Mutex<Vec<Armed>>,
    follower: OnceLock<Follower>,
}

/// Who is told of each fault that happens.
type Follower = Box<dyn Fn(&Fault) + Send + Sync>;

/// A fault, and how many commands it has seen that it was about.
struct Armed {
    fault: Fault,
    seen: u64,
}

impl FaultSwitch {
    /// Sets a fault, besides those that are set; it counts from the next command on.
    pub fn set(&self, fault: Fault) {
        self.armed().push(Armed { fault, seen: 0 });
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        self.armed().clear();
    }

    /// The faults that can still happen.
    #[must_use]
    pub fn list(&self) -> Vec<Fault> {
        self.armed()
            .iter()
            .map(|armed| armed.fault.clone())
            .collect()
    }

    /// Has somebody told of each fault, at the moment at which it happens. There is one who is told:
    /// the first who asked.
    pub fn follow(&self, follower: impl Fn(&Fault) + Send + Sync + 'static) {
        let _ = self.0.follower.set(Box::new(follower));
    }

    /// What happens to this command: the faults that are due, in the order in which they were set. One
    /// with a number happens once.
    fn due(&self, command: &[u8]) -> Vec<Fault> {
        let header: Option<&Header> = command.first_chunk();
        let mut due = Vec::new();
        self.armed().retain_mut(|armed| {
            let concerned = match (&armed.fault.command, header) {
                (None, _) => true,
                (Some(name), Some(header)) => name.is(*header),
                (Some(_), None) => false,
            };
            if !concerned {
                return true;
            }
            armed.seen += 1;
            let happens = armed.fault.number.is_none_or(|number| number == armed.seen);
            if happens {
                due.push(armed.fault.clone());
            }
            !(happens && armed.fault.number.is_some())
        });
        due
    }

    fn armed(&self) -> std::sync::MutexGuard<'_, Vec<Armed>> {
        (self.0.armed.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: CardInSlot> Faulty<C> {
    /// A card without faults. `power` is the switch of its memory, `rng` draws what is drawn by lot.
    pub fn new(card: C, power: PowerSwitch, rng: ChaCha20Rng) -> Self {
        Self {
            card,
            faults: FaultSwitch::default(),
            power,
            rng,
            answer: Vec::new(),
        }
    }

    /// The switch, which stays usable when the card is elsewhere.
    pub fn switch(&self) -> FaultSwitch {
        self.faults.clone()
    }

    /// Has the card do the command, and keeps the answer.
    fn pass_on(&mut self, command: &[u8]) -> Result<(), SlotError> {
        let answer = self.card.transmit(command)?;
        self.answer.clear();
        self.answer.extend_from_slice(answer);
        Ok(())
    }

    /// Has everything happen that comes before the answer. Without an answer of its own, the card is
    /// asked.
    fn happen(&mut self, faults: &[Fault], command: &[u8]) -> Result<(), SlotError> {
        self.answer.clear();
        for fault in faults {
            self.before(&fault.effect)?;
        }
        if self.answer.is_empty() {
            self.pass_on(command)?;
        }
        for fault in faults {
            self.after(&fault.effect, command)?;
        }
        Ok(())
    }

    fn before(&mut self, effect: &Effect) -> Result<(), SlotError> {
        match effect {
            Effect::LeaveBefore => return Err(self.leave()),
            Effect::CutPowerBefore => return Err(self.cut_power()),
            Effect::CutPowerAtByte(bytes) => self.power.cut_after(*bytes),
            Effect::Reset => self.card.warm_reset()?,
            Effect::Mute => return Err(mute()),
            Effect::Refuse(bytes) => self.answer.clone_from(&bytes.0),
            Effect::Garbage => {
                let length = 2 + (self.rng.next_u32() % 39) as usize;
                self.answer.resize(length, 0);
                self.rng.fill_bytes(&mut self.answer);
            }
            _ => {}
        }
        Ok(())
    }

    fn after(&mut self, effect: &Effect, command: &[u8]) -> Result<(), SlotError> {
        match effect {
            Effect::LeaveAfter => return Err(self.leave()),
            Effect::CutPowerAfter => return Err(self.cut_power()),
            Effect::MuteAfter => return Err(mute()),
            Effect::Answer(bytes) => self.answer.clone_from(&bytes.0),
            Effect::Truncate(bytes) => {
                self.answer
                    .truncate(self.answer.len().saturating_sub(*bytes));
            }
            Effect::Overwrite { at, with } => {
                let replaced = self.answer.iter_mut().skip(*at);
                replaced.zip(&with.0).for_each(|(old, new)| *old = *new);
            }
            Effect::FlipBit if !self.answer.is_empty() => {
                let bit = self.rng.next_u32() as usize % (8 * self.answer.len());
                self.answer[bit / 8] ^= 1 << (bit % 8);
            }
            Effect::Repeat => self.pass_on(command)?,
            Effect::DelayMs(ms) => sleep(Duration::from_millis(*ms)),
            Effect::Delay(distribution) => sleep(distribution.draw(&mut self.rng)),
            _ => {}
        }
        Ok(())
    }

    fn leave(&mut self) -> SlotError {
        self.card.power_off();
        SlotError::Left
    }

    fn cut_power(&mut self) -> SlotError {
        self.card.power_off();
        SlotError::PowerCut
    }
}

fn mute() -> SlotError {
    sleep(READER_PATIENCE);
    SlotError::NoAnswer
}

impl<C: CardInSlot> Layer for Faulty<C> {
    type Inner = C;

    fn inner(&self) -> &C {
        &self.card
    }

    fn inner_mut(&mut self) -> &mut C {
        &mut self.card
    }

    /// The supply works again after a power cut.
    fn on_power_on(&mut self) -> Result<(), SlotError> {
        self.power.mend();
        self.card.power_on()
    }

    fn on_transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        let due = self.faults.due(command);
        if due.is_empty() {
            return self.card.transmit(command);
        }
        if let Some(follower) = self.faults.0.follower.get() {
            due.iter().for_each(follower);
        }
        self.happen(&due, command)?;
        Ok(&self.answer)
    }
}
