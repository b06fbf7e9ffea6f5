//! Cards in the virtual reader's two slots.

#![allow(dead_code, reason = "each test program uses its own part of this")]

#[path = "../../../../vsmartcard-bridge/tests/support/slots.rs"]
mod slots;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tillcard_client::transport::Readers;
use tillcard_emu::CardInSlot;
use tillcard_emu::card::EmulatedCard;
use tillcard_emu::layers::Counted;
use tillcard_emu::seed::Seed;
use tillcard_emu::slot::{Layer, SlotError, Snapshot};
use tillcard_emu::vpcd::{Link, Remover, Waited};
use tillcard_runtime::nvm::RamNvm;

pub(crate) use slots::slot;

pub(crate) const FIRST: &str = "Virtual PCD 00 00";
pub(crate) const SECOND: &str = "Virtual PCD 00 01";

/// Longer than anything takes, however busy the machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The readers are the machine's: one test at a time has them, empty.
pub(crate) fn empty_readers() -> MutexGuard<'static, ()> {
    static READERS: Mutex<()> = Mutex::new(());
    let guard = READERS.lock().unwrap_or_else(PoisonError::into_inner);
    let readers = readers(None);
    for reader in [FIRST, SECOND] {
        readers
            .wait_for_removal(reader, Some(DEADLINE))
            .expect("an empty reader");
    }
    guard
}

pub(crate) fn readers(name: Option<&str>) -> Readers {
    Readers::establish(name).unwrap_or_else(|error| {
        panic!(
            "{error}. These tests need pcscd with the virtual reader: run them as \
             scripts/with-pcscd.sh cargo test --all-features --test pcsc"
        )
    })
}

/// A card of this process in a slot; its thread gives it back.
pub(crate) struct Inserted<C> {
    remover: Remover,
    thread: Option<JoinHandle<C>>,
}

/// A test that fails leaves the slot to the next one.
impl<C> Drop for Inserted<C> {
    fn drop(&mut self) {
        self.remover.remove();
    }
}

impl<C: TestCard> Inserted<C> {
    /// Puts `card` into the slot of the reader named `reader`. It may take the service a moment to
    /// notice.
    pub(crate) fn put(mut card: C, reader: &str) -> Self {
        let address = slot(u16::from(reader == SECOND));
        let link = Link::connect(&address).expect("somebody listens");
        let remover = link.remover();
        let waited = link.wait(Some(DEADLINE)).expect("the slot");
        assert!(matches!(waited, Waited::Inserted), "the slot is taken");
        let thread = std::thread::spawn(move || {
            let served = link.serve(&mut card);
            assert_eq!(served.is_err(), C::DIES, "{served:?}");
            card
        });
        Self {
            remover,
            thread: Some(thread),
        }
    }

    /// Takes it out.
    pub(crate) fn take_out(mut self) -> C {
        self.remover.remove();
        self.end()
    }

    fn end(&mut self) -> C {
        let thread = self.thread.take().expect("it is ended once");
        thread.join().expect("the card's thread")
    }
}

/// A card that a test puts in.
pub(crate) trait TestCard: CardInSlot + 'static {
    /// Whether it ends by dying in the reader, not by being taken out.
    const DIES: bool = false;
}

impl TestCard for Tillcard {}

impl TestCard for Stranger {}

impl TestCard for Mortal {
    const DIES: bool = true;
}

impl Inserted<Mortal> {
    /// Waits for the end of a card that has died in the reader, and gives it back, alive.
    pub(crate) fn buried(mut self) -> Tillcard {
        self.end().0
    }
}

/// The reference card, with a count of what it answered.
pub(crate) struct Tillcard(pub(crate) Counted<EmulatedCard<RamNvm>>);

impl Tillcard {
    pub(crate) fn fresh(seed: u64) -> Self {
        let card = EmulatedCard::ephemeral(Seed::Number(seed)).expect("a seeded card");
        Self(Counted::new(card))
    }
}

impl Layer for Tillcard {
    type Inner = Counted<EmulatedCard<RamNvm>>;

    fn inner(&self) -> &Self::Inner {
        &self.0
    }

    fn inner_mut(&mut self) -> &mut Self::Inner {
        &mut self.0
    }
}

/// A card of somebody else's: it knows no application, and tells whether it was reset since it was
/// asked for one.
#[derive(Clone, Default)]
pub(crate) struct Stranger {
    reset_since: Arc<AtomicBool>,
}

impl Stranger {
    pub(crate) fn was_reset(&self) -> bool {
        self.reset_since.load(Ordering::SeqCst)
    }
}

impl CardInSlot for Stranger {
    fn atr(&self) -> &[u8] {
        &[0x3B, 0x80, 0x01, 0x81]
    }

    fn power_on(&mut self) -> Result<(), SlotError> {
        self.reset_since.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn power_off(&mut self) {
        self.reset_since.store(true, Ordering::SeqCst);
    }

    fn warm_reset(&mut self) -> Result<(), SlotError> {
        self.power_on()
    }

    fn transmit(&mut self, _: &[u8]) -> Result<&[u8], SlotError> {
        self.reset_since.store(false, Ordering::SeqCst);
        Ok(&[0x6A, 0x82])
    }

    fn snapshot(&mut self) -> Result<Snapshot, SlotError> {
        Err(SlotError::Fault("it has no memory".into()))
    }

    fn restore(&mut self, _: &Snapshot) -> Result<(), SlotError> {
        Err(SlotError::Fault("it has no memory".into()))
    }
}

/// A card that dies when VERIFY comes.
pub(crate) struct Mortal(pub(crate) Tillcard);

impl Layer for Mortal {
    type Inner = Tillcard;

    fn inner(&self) -> &Tillcard {
        &self.0
    }

    fn inner_mut(&mut self) -> &mut Tillcard {
        &mut self.0
    }

    fn on_transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        if command.get(1) == Some(&0x20) {
            return Err(SlotError::Fault("it died".into()));
        }
        self.0.transmit(command)
    }
}
