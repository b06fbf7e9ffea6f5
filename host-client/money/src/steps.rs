//! What happened in a story, in words, for whoever reads a violation.

use std::cell::RefCell;
use std::fmt::Display;
use std::rc::Rc;

/// A list of steps that all who take part in a story write to.
#[derive(Clone, Default)]
pub struct Steps(Rc<RefCell<Vec<String>>>);

impl Steps {
    /// Adds a step.
    pub fn note(&self, step: impl Display) {
        self.0.borrow_mut().push(step.to_string());
    }

    /// All of them.
    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }
}
