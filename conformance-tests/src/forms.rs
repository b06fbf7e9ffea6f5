//! What there is of a card's commands, and how it refuses all others (ISO/IEC 7816-4 §5.4 to 5.6).

use crate::apdu::Command;
use crate::status::Sw;

/// A well-formed command, with its name.
pub struct Sample {
    /// What it is called in reasons.
    pub name: &'static str,
    /// Without authority, so that it changes nothing which lasts.
    pub command: Command,
}

/// A command that is answered so when nothing before it had an effect.
pub struct FollowUp {
    /// What it is called in reasons.
    pub name: &'static str,
    /// The command.
    pub command: Command,
    /// How it is answered.
    pub sw: Sw,
}

/// What a card's maker says of its commands.
pub trait Forms {
    /// What commands of a class are refused with, while the application is selected and no channel
    /// open; none where the card takes the class.
    fn refusal_of_class(&self, class: u8) -> Option<Sw>;

    /// Whether the card knows the instruction in a class that it takes.
    fn knows(&self, class: u8, instruction: u8) -> bool;

    /// Whether it has the command of which this is the header.
    fn has(&self, header: [u8; 4]) -> bool;

    /// Whether a command with this header has the P1-P2 too.
    fn knows_parameters(&self, header: [u8; 4], p1: u8, p2: u8) -> bool;

    /// What P1-P2 that an instruction doesn't have are refused with.
    fn refusal_of_parameters(&self, instruction: u8) -> Sw;

    /// Whether a command with this header has data fields of this length, or looks at their length
    /// later.
    fn takes(&self, header: [u8; 4], length: usize) -> bool;

    /// Whether the card takes extended APDUs.
    fn takes_extended(&self) -> bool;

    /// Whether the card may answer so at all.
    fn is_listed(&self, sw: Sw) -> bool;

    /// Whether these bytes, whatever they came from, change nothing that lasts but the tries.
    fn is_harmless(&self, apdu: &[u8]) -> bool;
}
