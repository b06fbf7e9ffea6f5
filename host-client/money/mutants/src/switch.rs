//! Which fault the programs of this thread have.

use std::cell::Cell;

thread_local! {
    static CHOSEN: Cell<u16> = const { Cell::new(0) };
}

/// Chooses the fault of this number for this thread; 0 is none.
pub fn choose(id: u16) {
    CHOSEN.set(id);
}

/// Asked by the copied code.
#[must_use]
pub fn is_on(id: u16) -> bool {
    CHOSEN.get() == id
}
