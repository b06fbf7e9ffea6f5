//! What runs brought to their ends.

use super::super::breaking::Break;
use std::ops::AddAssign;

/// What a card does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A payment that the card wrote, after PIN and preview.
    Payment,
    /// A payment given again.
    Recovery,
    Ancestor,
    Statement,
    /// A coin entered by the owner.
    Entry,
    Credit,
    /// Another owner command.
    OwnerCommand,
    /// A signature for the owner.
    Signature,
    /// A signature that a statement forbade.
    RefusedSigning,
    /// A statement that a signature forbade.
    RefusedStatement,
    /// A proof of genuineness.
    Proof,
    /// An answer of which the last part was asked for by a step of its own.
    AnswerInParts,
    FactoryReset,
    /// The end of a personalisation.
    Personalisation,
    Issue,
    Termination,
}

impl Deed {
    pub const ALL: [Self; 16] = [
        Self::Payment,
        Self::Recovery,
        Self::Ancestor,
        Self::Statement,
        Self::Entry,
        Self::Credit,
        Self::OwnerCommand,
        Self::Signature,
        Self::RefusedSigning,
        Self::RefusedStatement,
        Self::Proof,
        Self::AnswerInParts,
        Self::FactoryReset,
        Self::Personalisation,
        Self::Issue,
        Self::Termination,
    ];
}

/// What ended a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    Broken(Break),
    Select,
    Reset,
    Opening,
    RefusedOpening,
}

impl Closing {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = [
            Self::Select,
            Self::Reset,
            Self::Opening,
            Self::RefusedOpening,
        ];
        Break::ALL.into_iter().map(Self::Broken).chain(others)
    }
}

/// What was done, each as often as it was.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// In plain sessions.
    pub plain: Vec<Deed>,
    pub in_channels: Vec<Deed>,
    /// How channels ended.
    pub closings: Vec<Closing>,
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.plain.extend(other.plain);
        self.in_channels.extend(other.in_channels);
        self.closings.extend(other.closings);
    }
}
