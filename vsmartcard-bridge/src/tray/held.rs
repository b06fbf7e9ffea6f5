//! A card of a tray.

use std::collections::BTreeMap;

use serde::Serialize;

use super::TrayError;
use crate::layers::faults::Fault;
use crate::layers::{FaultSwitch, Trace};
use crate::slot::{CardInSlot, Snapshot};
use crate::test_cards::{Description, TestCard};

/// A card, where it is, and what belongs to it.
pub(super) struct Held {
    pub(super) about: Description,
    pub(super) faults: FaultSwitch,
    pub(super) trace: Trace,
    pub(super) place: Place,
    pub(super) snapshots: BTreeMap<String, Snapshot>,
}

/// Where a card is.
pub(super) enum Place {
    /// On the tray.
    Out(Box<dyn CardInSlot>),
    /// In the reader of this name.
    In(String),
}

/// What is to be known of a card.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
pub struct CardStatus {
    /// What it is.
    #[serde(flatten)]
    pub about: Description,
    /// The reader that it is in.
    pub reader: Option<String>,
    /// What can still go wrong with it.
    pub faults: Vec<Fault>,
    /// Labels under which its memory was saved.
    pub snapshots: Vec<String>,
    /// Commands that it got, answered or not.
    pub commands: u64,
}

impl Held {
    pub(super) fn new(card: TestCard) -> Self {
        Self {
            about: card.about,
            faults: card.faults,
            trace: card.trace,
            place: Place::Out(card.card),
            snapshots: BTreeMap::new(),
        }
    }

    /// The card is in no reader.
    pub(super) fn check_out(&self) -> Result<(), TrayError> {
        match &self.place {
            Place::Out(_) => Ok(()),
            Place::In(other) => {
                let name = self.about.name.clone();
                Err(TrayError::InUse(name, other.clone()))
            }
        }
    }

    /// The card itself, for this reader.
    pub(super) fn take_out_of_tray(
        &mut self,
        reader: &str,
    ) -> Result<Box<dyn CardInSlot>, TrayError> {
        self.check_out()?;
        match std::mem::replace(&mut self.place, Place::In(reader.to_owned())) {
            Place::Out(card) => Ok(card),
            Place::In(_) => unreachable!("looked at above"),
        }
    }

    /// What was saved under a label.
    pub(super) fn snapshot(&self, label: &str) -> Result<Snapshot, TrayError> {
        let saved = self.snapshots.get(label).cloned();
        saved.ok_or_else(|| TrayError::NoSnapshot(self.about.name.clone(), label.to_owned()))
    }

    pub(super) fn is_in(&self, reader: &str) -> bool {
        matches!(&self.place, Place::In(place) if place == reader)
    }

    pub(super) fn status(&self) -> CardStatus {
        CardStatus {
            about: self.about.clone(),
            reader: match &self.place {
                Place::In(reader) => Some(reader.clone()),
                Place::Out(_) => None,
            },
            faults: self.faults.list(),
            snapshots: self.snapshots.keys().cloned().collect(),
            commands: self.trace.commands(),
        }
    }
}
