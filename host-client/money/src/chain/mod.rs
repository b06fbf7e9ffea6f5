//! A chain with a mempool in plain Rust, and the nodes through which tills and owners see it.

mod ledger;
mod node;
mod signatures;

pub use ledger::{Coin, Ledger, Pooled};
pub use node::{Node, Temper};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The ledger that all nodes of a story share.
#[derive(Clone, Default)]
pub struct Network(Arc<Mutex<Ledger>>);

impl Network {
    /// A network with this chain.
    pub fn new(ledger: Ledger) -> Self {
        Self(Arc::new(Mutex::new(ledger)))
    }

    /// The ledger; nobody else has it meanwhile.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
