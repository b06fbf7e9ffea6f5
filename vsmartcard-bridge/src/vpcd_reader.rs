//! The card in vpcd's reader, until a signal takes it out.

use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tillcard_emu::slot::CardInSlot;
use tillcard_emu::vpcd::{Address, Link, LinkError, Remover, Waited};

use crate::failure::Failure;
use crate::tell;

/// How long a reader may take to notice a card before the user is told that the slot may be taken:
/// pcscd looks about twice a second.
const PATIENCE: Duration = Duration::from_secs(2);

/// Exit status after a second signal, as shells have it for SIGINT.
const INTERRUPTED: i32 = 128 + SIGINT;

/// Shows the card until it leaves the reader; in it, what the program ends with.
pub fn show(
    card: &mut dyn CardInSlot,
    address: &Address,
) -> Result<Result<ExitCode, Failure>, Failure> {
    let link = Link::connect(address)?;
    remove_on_signal(link.remover()).map_err(Failure::Signals)?;
    let served = insert(link, card, address);
    Ok(served.map(|()| ExitCode::SUCCESS).map_err(Failure::from))
}

/// Waits for the reader, then shows the card until it is removed.
fn insert(link: Link, card: &mut dyn CardInSlot, address: &Address) -> Result<(), LinkError> {
    let reader = address
        .reader_name()
        .unwrap_or_else(|| format!("the virtual reader at {address}"));
    let mut waited = link.wait(Some(PATIENCE))?;
    if waited == Waited::NotYet {
        tell(
            io::stderr(),
            &format!("waiting: {reader} asks for no card; most likely another one is in it"),
        );
        waited = link.wait(None)?;
    }
    if waited == Waited::Inserted {
        tell(io::stdout(), &format!("card inserted in {reader}"));
        link.serve(card)?;
    }
    Ok(())
}

/// The first signal takes the card out; a second one ends a program that doesn't get to it.
fn remove_on_signal(remover: Remover) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        let mut arriving = signals.forever();
        if arriving.next().is_some() {
            remover.remove();
        }
        if arriving.next().is_some() {
            std::process::exit(INTERRUPTED);
        }
    });
    Ok(())
}
