//! What is said when the user ends the program while money is under way.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::{CliError, Failure};

/// What a shell takes for a program's end by a signal, above the signal's number.
const BY_SIGNAL: i32 = 128;

/// Says this, should the program be ended by Ctrl-C or SIGTERM from now on.
pub(super) fn say_on_interrupt(text: &'static str) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(CliError::Signals)?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            eprintln!("{text}");
            std::process::exit(BY_SIGNAL + signal);
        }
    });
    Ok(())
}
