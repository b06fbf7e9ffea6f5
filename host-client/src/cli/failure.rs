//! How the program ends when it doesn't end well.

use std::process::ExitCode;

/// Exit code of a declined payment: reader, chain and till are in order, and there is no payment.
pub const DECLINED: u8 = 3;

/// Why the program ends, and with which exit code.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: Option<String>,
}

impl Failure {
    /// A failure that is told on standard error.
    pub fn new(message: impl ToString) -> Self {
        Self {
            code: 1,
            message: Some(message.to_string()),
        }
    }

    /// A failure that was told already.
    pub fn told() -> Self {
        Self {
            code: 1,
            message: None,
        }
    }

    /// A declined payment, which was told already.
    pub fn declined() -> Self {
        Self {
            code: DECLINED,
            message: None,
        }
    }

    /// What is told.
    #[cfg(test)]
    pub(super) fn message(&self) -> &str {
        self.message.as_deref().unwrap_or_default()
    }

    /// Tells, if there is something to be told.
    pub(super) fn exit(self) -> ExitCode {
        if let Some(message) = self.message {
            eprintln!("tillcard: {message}");
        }
        ExitCode::from(self.code)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}
