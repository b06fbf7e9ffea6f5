//! What an error means: a stable code, what it means for the money, and what to do.
//!
//! Every error of this crate and of `tillcard` says by its `Display` what happened. The rest of what
//! a person needs is its [`Advice`]; `docs/errors/host.md` lists all of them by their codes.

/// What an error means, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The error's name for programs and search engines, in kebab case. It never changes.
    pub code: &'static str,
    /// What it means for the money: a clause without a full stop.
    pub money: &'static str,
    /// What to do: a clause without a full stop.
    pub action: &'static str,
}

impl Advice {
    /// An entry of the list. Each code stands in the sources once.
    pub const fn new(code: &'static str, money: &'static str, action: &'static str) -> Self {
        Self {
            code,
            money,
            action,
        }
    }
}

/// An error that says what to do.
pub trait Explain: std::error::Error {
    /// The error's entry in the list.
    fn advice(&self) -> Advice;

    /// The whole message for a person:
    /// `error[CODE]: what happened; what it means for the money; what to do`.
    fn message(&self) -> String {
        let Advice {
            code,
            money,
            action,
        } = self.advice();
        format!("error[{code}]: {self}; {money}; {action}")
    }
}

/// The operating system gave no random bytes.
pub const NO_RANDOMNESS: Advice = Advice::new(
    "no-randomness",
    "nothing was done",
    "repair the operating system's random source (/dev/urandom), then try again",
);
