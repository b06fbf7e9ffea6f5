//! Asking for a new PIN.

use tillcard::till::PinSource;
use tillcard_client::card::PinBlock;

use crate::cli::pin_input::StandardInput;
use crate::cli::{CliError, Failure};

/// Asks for a new PIN, twice.
pub(super) fn ask_new_pin() -> Result<PinBlock, Failure> {
    let mut source = StandardInput::default();
    let pin = source.ask("New PIN, 4 to 12 digits")?;
    let again = source.ask("The same again")?;
    if pin.as_bytes() != again.as_bytes() {
        return Err(CliError::PinsDiffer.into());
    }
    Ok(pin)
}
