//! What can go wrong with a card, and when.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tillcard_protocol::command::{Header, is_name, name};

/// One thing that goes wrong.
///
/// As TOML: `command = "PAY"`, `number = 1`, `effect = { answer = "6985" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The command at which it goes wrong, by the protocol's name; at any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandName>,
    /// At the how-manieth such command since the fault was set, from 1; at each when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// What happens then.
    pub effect: Effect,
}

/// What happens in the place of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// The card leaves its reader, and never sees the command.
    LeaveBefore,
    /// The card does the command, and leaves its reader before the answer.
    LeaveAfter,
    /// The power fails before the command.
    CutPowerBefore,
    /// The power fails when the command is done, before the answer.
    CutPowerAfter,
    /// The power fails when the card has written or erased so many bytes of its memory more.
    CutPowerAtByte(u64),
    /// The card is reset before the command: its session is over.
    Reset,
    /// The card never sees the command and gives no answer.
    Mute,
    /// The card does the command and gives no answer.
    MuteAfter,
    /// The card does the command; the answer is replaced by these bytes.
    Answer(Bytes),
    /// The card never sees the command; this is the answer.
    Refuse(Bytes),
    /// So many bytes are missing at the end of the answer.
    Truncate(usize),
    /// Bytes of the answer, from a place that counts from 0, are replaced.
    Overwrite {
        /// The first byte that is replaced.
        at: usize,
        /// By what.
        with: Bytes,
    },
    /// One bit of the answer, drawn by lot, is another.
    FlipBit,
    /// The card never sees the command; the answer are 2 to 40 random bytes.
    Garbage,
    /// The card gets the command twice; the second answer is given.
    Repeat,
    /// The answer comes this much later, in milliseconds.
    DelayMs(u64),
}

/// The name of a command, as the protocol has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommandName(String);

/// No command has this name.
#[derive(Debug, thiserror::Error)]
#[error("no command is called {0}; names are as in the protocol: PAY, VERIFY, GET DATA")]
pub struct NoCommand(String);

impl CommandName {
    /// Whether the command with this header, plain or protected, has the name.
    #[must_use]
    pub fn is(&self, header: Header) -> bool {
        name(header) == Some(&self.0)
    }

    /// All names.
    pub fn all() -> impl Iterator<Item = &'static str> {
        let headers = [0x00, 0x80]
            .into_iter()
            .flat_map(|class| (0..=0xFF).map(move |ins| [class, ins, 0, 0]));
        headers.filter_map(name)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(feature = "control")]
impl utoipa::PartialSchema for CommandName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .enum_values(Some(Self::all()))
            .into()
    }
}

#[cfg(feature = "control")]
impl utoipa::ToSchema for CommandName {}

impl FromStr for CommandName {
    type Err = NoCommand;

    fn from_str(text: &str) -> Result<Self, NoCommand> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for CommandName {
    type Error = NoCommand;

    fn try_from(text: String) -> Result<Self, NoCommand> {
        match is_name(&text) {
            true => Ok(Self(text)),
            false => Err(NoCommand(text)),
        }
    }
}

impl From<CommandName> for String {
    fn from(name: CommandName) -> Self {
        name.0
    }
}

/// Bytes, written as hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^([0-9A-Fa-f]{2})*$"))]
#[serde(transparent)]
pub struct Bytes(#[serde(with = "hex::serde")] pub Vec<u8>);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Fault, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_fault_is_read_and_written() {
        let fault = Fault {
            command: Some("PAY".parse().unwrap()),
            number: Some(2),
            effect: Effect::Answer(Bytes(vec![0x69, 0x85])),
        };
        let text = "command = \"PAY\"\nnumber = 2\neffect = { answer = \"6985\" }";
        assert_eq!(read(text), Ok(fault.clone()));
        let written = toml::to_string(&fault).unwrap();
        assert_eq!(read(&written), Ok(fault));
        let mute = read("effect = \"mute\"").unwrap();
        assert_eq!((mute.command, mute.effect), (None, Effect::Mute));
    }

    #[test]
    fn what_is_no_fault_is_refused_with_the_reason() {
        for (text, reason) in [
            (
                "command = \"STEAL\"\neffect = \"mute\"",
                "no command is called STEAL",
            ),
            ("effect = \"melt\"", "unknown variant `melt`"),
            ("effect = { answer = \"6\" }", "number of digits"),
            ("when = 1\neffect = \"mute\"", "unknown field `when`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(
                error.to_lowercase().contains(&reason.to_lowercase()),
                "{error}"
            );
        }
    }
}
