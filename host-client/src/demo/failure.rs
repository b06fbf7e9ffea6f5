//! What goes wrong in a demonstration.

use tillcard_client::advice::Advice;

/// What any failure of a demonstration means.
pub(super) const FAILED: Advice = Advice::new(
    "demo-failed",
    "regtest coins are worth nothing",
    "correct what is wrong, then run the demo again",
);

/// One line for a person.
#[derive(Debug)]
pub(super) struct DemoError(String);

impl DemoError {
    pub(super) fn new(message: impl ToString) -> Self {
        Self(message.to_string())
    }
}

impl std::fmt::Display for DemoError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: std::error::Error> From<E> for DemoError {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

/// Fails with `message` unless `condition` holds.
pub(super) fn expect(condition: bool, message: impl ToString) -> Result<(), DemoError> {
    if condition {
        Ok(())
    } else {
        Err(DemoError::new(message))
    }
}
