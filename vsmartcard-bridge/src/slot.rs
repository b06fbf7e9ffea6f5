//! A card in a slot: the one seam between what makes a card and what holds one.
//!
//! The link to vpcd, programs that bring their own reader, the conformance suite and the benches
//! hold a [`CardInSlot`] and know nothing else of the card. [`EmulatedCard`](crate::EmulatedCard)
//! is one. A [`Layer`] is another card around it that changes some of what it does: one that
//! counts ([`Counted`](crate::layers::Counted)), one that fails. Layers compose in any order.
//!
//! A card is put into the slot without power. Its **session** is everything that it doesn't keep
//! in its non-volatile memory (NVM): the selected application, the verified PIN, a channel, the
//! rest of an answer.
//!
//! | call | power before | power after | the session |
//! |---|---|---|---|
//! | [`power_on`](CardInSlot::power_on) | any | on | begins (cold reset) |
//! | [`power_off`](CardInSlot::power_off) | any | off | is over |
//! | [`warm_reset`](CardInSlot::warm_reset) | on | on | begins |
//! | [`transmit`](CardInSlot::transmit) | on | on | goes on |
//! | [`snapshot`](CardInSlot::snapshot) | any | as before | goes on |
//! | [`restore`](CardInSlot::restore) | any | off | is over |

use zeroize::Zeroizing;

/// A fault of a card or of its memory, as the part that noticed it has it.
pub type CardFault = Box<dyn core::error::Error + Send + Sync>;

/// A card and the contacts that it touches.
///
/// No call panics on what a reader or a program sends. After an error the card can be powered off
/// and on again; what it then is depends on its memory alone.
pub trait CardInSlot: Send {
    /// The answer to reset (ISO/IEC 7816-3 §8.2), 2 to 33 bytes, the same for both kinds of reset.
    /// It can be read without power, since readers ask for it before they give any.
    fn atr(&self) -> &[u8];

    /// Gives the card power: a cold reset. A card that has power loses it first.
    ///
    /// # Errors
    /// [`SlotError`] when the card can't start. It has no power then.
    fn power_on(&mut self) -> Result<(), SlotError>;

    /// Takes the power away, in order or in the middle of things: a card can't tell one from the
    /// other. The session is over; the memory stays as it is, and isn't written.
    fn power_off(&mut self);

    /// Pulls the reset line of a card that has power (ISO/IEC 7816-3 §6.2.3).
    ///
    /// # Errors
    /// [`SlotError::NoPower`]
    fn warm_reset(&mut self) -> Result<(), SlotError>;

    /// Gives the card a command APDU of 0 to 65,544 bytes, well-formed or not, and returns its
    /// response APDU, which ends with the status word: 2 to 65,538 bytes. Everything that the card
    /// wrote is durable by then.
    ///
    /// # Errors
    /// There is no answer, and nobody may assume one:
    /// - [`SlotError::NoPower`]: the card never saw the command.
    /// - [`SlotError::PowerCut`]: the power failed inside the command. It is off now.
    /// - [`SlotError::NoAnswer`]: the card says nothing, and the reader has given up. It has power.
    /// - [`SlotError::Left`]: somebody pulled the card out.
    /// - [`SlotError::NotDurable`] and [`SlotError::Fault`]: the card can't go on, and has to leave
    ///   its reader.
    fn transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError>;

    /// A copy of the card's whole memory.
    ///
    /// # Errors
    /// [`SlotError::Fault`] when the memory can't be read, or the card has none that can be.
    fn snapshot(&mut self) -> Result<Snapshot, SlotError>;

    /// Makes the card's memory what the snapshot has, durably, and takes the power away. The
    /// random source isn't set back.
    ///
    /// # Errors
    /// [`SlotError::SnapshotLength`], with the card as it was; [`SlotError::NotDurable`] or
    /// [`SlotError::Fault`], with the memory in an unknown state.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SlotError>;
}

/// Why a card in a slot doesn't do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SlotError {
    /// Nobody gave the card power, or it failed since.
    #[error("the card has no power; power it on first")]
    NoPower,
    /// The power failed while the card worked.
    #[error(
        "the power failed during the command; power the card on again to see whether it was done"
    )]
    PowerCut,
    /// The card stayed mute until the reader gave up.
    #[error(
        "the card gives no answer; take it out and put it in again to see whether it did the command"
    )]
    NoAnswer,
    /// The card isn't in the reader any more.
    #[error("the card was pulled out; put it in again to see whether it did the command")]
    Left,
    /// What the card wrote can't be kept, so nobody may see the answer that depends on it.
    #[error("the card had to be taken out, since what it wrote can't be kept: {0}")]
    NotDurable(CardFault),
    /// A snapshot of another kind of card.
    #[error("the snapshot has {given} bytes; this card's memory has {needed}")]
    SnapshotLength {
        /// Bytes of the snapshot.
        given: usize,
        /// Bytes of the card's memory.
        needed: usize,
    },
    /// The card, its memory or a layer failed otherwise.
    #[error("{0}")]
    Fault(CardFault),
}

impl SlotError {
    /// The error's stable name (`docs/errors/emulator.md`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPower => "card-without-power",
            Self::PowerCut => "power-cut",
            Self::NoAnswer => "card-mute",
            Self::Left => "card-pulled",
            Self::NotDurable(_) => "card-not-durable",
            Self::SnapshotLength { .. } => "snapshot-length",
            Self::Fault(_) => "card-failed",
        }
    }
}

/// A card's whole NVM.
///
/// Form: byte `i` is byte `i` of the memory, an erased byte is `FF`; no header, no padding, nothing
/// of the session. The reference card's has 65,536 bytes
/// ([`NVM_SIZE`](tillcard_runtime::nvm::NVM_SIZE)). It holds the card's secrets: it is wiped when
/// dropped, and isn't shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot(Zeroizing<Vec<u8>>);

impl Snapshot {
    /// The snapshot in the documented form.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, in the documented form.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A card around another card: it does what the inner one does, but for the calls that it has of
/// its own.
pub trait Layer: Send {
    /// The card inside.
    type Inner: CardInSlot + ?Sized;

    /// The card inside.
    fn inner(&self) -> &Self::Inner;

    /// The card inside.
    fn inner_mut(&mut self) -> &mut Self::Inner;

    /// Does what [`CardInSlot::power_on`] says.
    ///
    /// # Errors
    /// As there.
    fn on_power_on(&mut self) -> Result<(), SlotError> {
        self.inner_mut().power_on()
    }

    /// Does what [`CardInSlot::power_off`] says.
    fn on_power_off(&mut self) {
        self.inner_mut().power_off();
    }

    /// Does what [`CardInSlot::warm_reset`] says.
    ///
    /// # Errors
    /// As there.
    fn on_warm_reset(&mut self) -> Result<(), SlotError> {
        self.inner_mut().warm_reset()
    }

    /// Does what [`CardInSlot::transmit`] says.
    ///
    /// # Errors
    /// As there.
    fn on_transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        self.inner_mut().transmit(command)
    }

    /// Does what [`CardInSlot::snapshot`] says.
    ///
    /// # Errors
    /// As there.
    fn on_snapshot(&mut self) -> Result<Snapshot, SlotError> {
        self.inner_mut().snapshot()
    }

    /// Does what [`CardInSlot::restore`] says.
    ///
    /// # Errors
    /// As there.
    fn on_restore(&mut self, snapshot: &Snapshot) -> Result<(), SlotError> {
        self.inner_mut().restore(snapshot)
    }
}

impl<L: Layer + ?Sized> CardInSlot for L {
    fn atr(&self) -> &[u8] {
        self.inner().atr()
    }

    fn power_on(&mut self) -> Result<(), SlotError> {
        self.on_power_on()
    }

    fn power_off(&mut self) {
        self.on_power_off();
    }

    fn warm_reset(&mut self) -> Result<(), SlotError> {
        self.on_warm_reset()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        self.on_transmit(command)
    }

    fn snapshot(&mut self) -> Result<Snapshot, SlotError> {
        self.on_snapshot()
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SlotError> {
        self.on_restore(snapshot)
    }
}

impl<C: CardInSlot + ?Sized> Layer for Box<C> {
    type Inner = C;

    fn inner(&self) -> &C {
        self
    }

    fn inner_mut(&mut self) -> &mut C {
        self
    }
}

impl<C: CardInSlot + ?Sized> Layer for &mut C {
    type Inner = C;

    fn inner(&self) -> &C {
        self
    }

    fn inner_mut(&mut self) -> &mut C {
        self
    }
}
