//! Which mutant the cards of this thread are.

use std::cell::Cell;

thread_local! {
    static CHOSEN: Cell<u16> = const { Cell::new(0) };
}

/// Chooses the mutant with this number; 0 is the card without a defect.
pub(crate) fn choose(id: u16) {
    CHOSEN.set(id);
}

/// Asked by the mutated code: whether the cards of this thread have this defect.
#[must_use]
pub fn is_on(id: u16) -> bool {
    CHOSEN.get() == id
}
