//! What a card must never give twice: nonces, salts, challenges, keys. Of any card.

use super::prelude::*;
use std::collections::HashSet;

/// What a card gave, of one kind.
pub(crate) struct Distinct {
    /// What it is called in reasons, with what follows from its coming twice.
    what: &'static str,
    seen: HashSet<Vec<u8>>,
}

impl Distinct {
    /// Nothing yet.
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            what,
            seen: HashSet::new(),
        }
    }

    /// One more, which must be another than all before.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Outcome {
        require!(self.seen.insert(bytes.to_vec()), "{}", self.what);
        Ok(())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.seen.len()
    }
}
