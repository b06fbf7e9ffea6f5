//! What the card needs of an application beside [`App`], and sets of applications.

use crate::class::ClassPolicy;
use apdu_app::App;

/// An application on a [`Card`](crate::Card).
pub trait Application: App {
    /// The class bytes that the application takes once it is selected.
    fn classes(&self) -> ClassPolicy;

    /// The power came back: forgets everything volatile and opens the NVM anew.
    fn reset(&mut self);
}

/// The applications of one card: a tuple of one or two. The first whose AID matches a SELECT is
/// selected.
pub trait Applications {
    /// Calls `visit` with all of them, always in the same order.
    fn visit<T>(&mut self, visit: impl FnOnce(&mut [&mut dyn Application]) -> T) -> T;
}

impl<A: Application> Applications for (A,) {
    fn visit<T>(&mut self, visit: impl FnOnce(&mut [&mut dyn Application]) -> T) -> T {
        visit(&mut [&mut self.0])
    }
}

impl<A: Application, B: Application> Applications for (A, B) {
    fn visit<T>(&mut self, visit: impl FnOnce(&mut [&mut dyn Application]) -> T) -> T {
        visit(&mut [&mut self.0, &mut self.1])
    }
}
