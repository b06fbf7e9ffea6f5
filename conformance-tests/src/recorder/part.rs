//! A part of a run's record, made apart from it and taken over by it.

use super::Recorder;
use crate::card::Owner;
use crate::leak::Searched;
use crate::trace::Line;
use std::collections::BTreeSet;

/// What a record that was made apart holds since it was looked at last. Its cards are numbered
/// from 1.
pub(crate) struct Part {
    lines: Vec<Line<'static>>,
    owners: Vec<Owner>,
    cards: u32,
    apdus: u64,
    atrs: BTreeSet<String>,
    fcis: BTreeSet<String>,
    searched: Searched,
}

impl Recorder {
    /// What this record, made apart, holds since it was asked last. The number of cards is that
    /// of all of them.
    pub(crate) fn take_part(&mut self) -> Part {
        Part {
            lines: self.trace.take(),
            owners: self.owners.take(),
            cards: self.card,
            apdus: std::mem::take(&mut self.apdus),
            atrs: std::mem::take(&mut self.atrs),
            fcis: std::mem::take(&mut self.fcis),
            searched: self.leaks.take_searched(),
        }
    }

    /// Takes over what was recorded apart, of cards that came after so many of this record's.
    pub(crate) fn take_over(&mut self, part: Part, after: u32) {
        for mut line in part.lines {
            line.card += after;
            self.trace.put(&line);
        }
        for owner in &part.owners {
            self.owners.put(owner);
        }
        self.card = after + part.cards;
        self.apdus += part.apdus;
        self.atrs.extend(part.atrs);
        self.fcis.extend(part.fcis);
        self.leaks.add_searched(part.searched);
    }
}
