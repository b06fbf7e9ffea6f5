//! A reader in a test's hands.

use std::path::Path;
use std::time::Duration;

use super::{Awaited, Tray, TrayError};
use crate::layers::Entry;
use crate::layers::faults::{Effect, Fault};
use crate::pcsc_socket::Key;
use crate::test_cards::Description;

/// What the reader is called.
const NAME: &str = "Tillcard Emulator 00 00";

/// One reader with a PIN pad at a socket of its own, for one test: PC/SC programs that are started with
/// [`SOCKET_VARIABLE`](crate::pcsc_socket::SOCKET_VARIABLE) set to [`socket_path`](Self::socket_path)
/// see it. It goes with this.
///
/// ```
/// use tillcard_emu::Reader;
///
/// let reader = Reader::with_card("ok")?;
/// // Start the till here, with PCSCLITE_CSOCK_NAME set to this:
/// println!("{}", reader.socket_path().display());
/// reader.remove()?;
/// let card = reader.insert("insufficient")?;
/// assert_eq!(card.pin.as_deref(), Some("271828"));
/// // The seventh command from here is done, but not answered.
/// reader.cut_power(7)?;
/// for entry in reader.trace()? {
///     println!("{entry:?}");
/// }
/// # Ok::<(), tillcard_emu::tray::TrayError>(())
/// ```
pub struct Reader {
    tray: Tray,
}

impl Reader {
    /// An empty reader.
    ///
    /// # Errors
    /// [`TrayError::Folder`], [`TrayError::Socket`]
    pub fn empty() -> Result<Self, TrayError> {
        let tray = Tray::open(None, 0)?;
        tray.add_reader_with_pin_pad(NAME)?;
        Ok(Self { tray })
    }

    /// A reader with a test card in it.
    ///
    /// # Errors
    /// [`TrayError`]
    pub fn with_card(card: &str) -> Result<Self, TrayError> {
        let reader = Self::empty()?;
        reader.insert(card)?;
        Ok(reader)
    }

    /// The reader's name.
    #[must_use]
    pub fn name(&self) -> &str {
        NAME
    }

    /// Where programs find the reader.
    #[must_use]
    pub fn socket_path(&self) -> &Path {
        self.tray.socket_path()
    }

    /// The tray beside the reader, with every card that was ever in it.
    #[must_use]
    pub fn tray(&self) -> &Tray {
        &self.tray
    }

    /// Puts a test card in, by its name. When this returns, a client can connect to it.
    ///
    /// # Errors
    /// [`TrayError`]
    pub fn insert(&self, card: &str) -> Result<Description, TrayError> {
        self.tray.insert(NAME, card)
    }

    /// Takes the card out; its name, if there was one.
    ///
    /// # Errors
    /// None: the reader is there.
    pub fn remove(&self) -> Result<Option<String>, TrayError> {
        self.tray.remove(NAME)
    }

    /// Puts a test card in, by its name; one that is in leaves first.
    ///
    /// # Errors
    /// [`TrayError`]
    pub fn choose(&self, card: &str) -> Result<Description, TrayError> {
        self.tray.choose(NAME, card)
    }

    /// Waits until the reader, and the card in it, are as it is awaited; whether they are, within the
    /// time.
    ///
    /// # Errors
    /// None: the reader is there.
    pub fn wait_for(&self, awaited: &Awaited, patience: Duration) -> Result<bool, TrayError> {
        self.tray.wait_for(NAME, awaited, patience)
    }

    /// Types a PIN on the reader's PIN pad, and Enter.
    ///
    /// # Errors
    /// None: the reader has one.
    pub fn type_pin(&self, digits: &str) -> Result<(), TrayError> {
        self.tray.type_pin(NAME, digits)
    }

    /// Presses keys of the reader's PIN pad.
    ///
    /// # Errors
    /// None: the reader has one.
    pub fn press(&self, keys: &[Key]) -> Result<(), TrayError> {
        self.tray.press(NAME, keys)
    }

    /// Sets a fault of the card that is in.
    ///
    /// # Errors
    /// [`TrayError::NoCard`] when none is.
    pub fn set_fault(&self, fault: Fault) -> Result<(), TrayError> {
        self.tray.set_fault(&self.card()?, fault)
    }

    /// Has the power fail when the card has done this command, counted from 1 and from now on, and
    /// hasn't answered it yet.
    ///
    /// # Errors
    /// [`TrayError::NoCard`] when there is no card.
    pub fn cut_power(&self, at_apdu: u64) -> Result<(), TrayError> {
        self.set_fault(Fault {
            command: None,
            number: Some(at_apdu),
            effect: Effect::CutPowerAfter,
        })
    }

    /// What was said to the card that is in, and what it answered.
    ///
    /// # Errors
    /// [`TrayError::NoCard`] when there is no card.
    pub fn trace(&self) -> Result<Vec<Entry>, TrayError> {
        Ok(self.tray.trace(&self.card()?)?.entries())
    }

    fn card(&self) -> Result<String, TrayError> {
        let mut readers = self.tray.readers().into_iter();
        let card = readers.find_map(|reader| reader.card);
        card.ok_or_else(|| TrayError::NoCard("in the reader".into()))
    }
}
