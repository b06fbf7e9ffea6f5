//! Asking for a new PIN.

use crate::card::PinBlock;
use crate::cli::Failure;
use crate::till::{PinSource, StandardInput};

/// Asks for a new PIN, twice.
pub(super) fn ask_new_pin() -> Result<PinBlock, Failure> {
    let mut source = StandardInput::default();
    let pin = source.ask("New PIN, 4 to 12 digits")?;
    let again = source.ask("The same again")?;
    if pin.as_bytes() != again.as_bytes() {
        return Err(Failure::new(
            "the two PINs differ: nothing was done, start over",
        ));
    }
    Ok(pin)
}
