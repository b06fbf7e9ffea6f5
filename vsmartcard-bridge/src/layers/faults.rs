//! What can go wrong with a card, and when.

use std::str::FromStr;
use std::time::Duration;

use rand_core::Rng;
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
    /// The answer comes later by a time that is drawn by lot.
    Delay(Distribution),
}

/// How times are drawn by lot, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Distribution {
    /// Each time between two is as likely as any other.
    #[serde(rename_all = "kebab-case")]
    Uniform {
        /// The shortest.
        from_ms: u32,
        /// The longest.
        to_ms: u32,
    },
    /// About the mean; two in three differ from it by the deviation at most, and none is below 0.
    #[serde(rename_all = "kebab-case")]
    Normal {
        /// The mean.
        mean_ms: u32,
        /// The standard deviation.
        deviation_ms: u32,
    },
}

impl Distribution {
    /// A time; the same generator draws the same ones, on every machine.
    pub fn draw(&self, rng: &mut impl Rng) -> Duration {
        match *self {
            Self::Uniform { from_ms, to_ms } => {
                let (low, high) = (micros(from_ms), micros(to_ms.max(from_ms)));
                Duration::from_micros(low + rng.next_u64() % (high - low + 1))
            }
            Self::Normal {
                mean_ms,
                deviation_ms,
            } => {
                // Twelve even draws from 0 to 1 add up to 6, with a deviation of 1 (Irwin and Hall).
                let sum: i128 = (0..12).map(|_| i128::from(rng.next_u32())).sum();
                let off = sum - 6 * (1 << 32);
                let time = i128::from(micros(mean_ms))
                    + i128::from(micros(deviation_ms)) * off / (1 << 32);
                Duration::from_micros(u64::try_from(time).unwrap_or(0))
            }
        }
    }
}

fn micros(ms: u32) -> u64 {
    1_000 * u64::from(ms)
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
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

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
    fn times_are_drawn_as_the_distribution_says_and_again_from_the_same_seed() {
        let drawn = |text: &str| -> Vec<u128> {
            let mut rng = ChaCha20Rng::seed_from_u64(7);
            let Effect::Delay(distribution) = read(text).unwrap().effect else {
                panic!("{text}");
            };
            (0..10_000)
                .map(|_| distribution.draw(&mut rng).as_micros())
                .collect()
        };
        let uniform = "effect = { delay = { uniform = { from-ms = 10, to-ms = 20 } } }";
        let times = drawn(uniform);
        assert!(times.iter().all(|time| (10_000..=20_000).contains(time)));
        let below = times.iter().filter(|time| **time < 12_500).count();
        assert!((2_300..2_700).contains(&below), "{below} of a quarter");
        assert_eq!(times, drawn(uniform));
        let normal = "effect = { delay = { normal = { mean-ms = 100, deviation-ms = 10 } } }";
        let times = drawn(normal);
        let near = times.iter().filter(|time| time.abs_diff(100_000) <= 10_000);
        assert!((6_600..7_050).contains(&near.count()));
        let below = times.iter().filter(|time| **time < 100_000).count();
        assert!((4_800..5_200).contains(&below), "{below} of a half");
        let narrow = "effect = { delay = { normal = { mean-ms = 0, deviation-ms = 5 } } }";
        assert!(drawn(narrow).contains(&0), "none is below 0");
        let reversed = "effect = { delay = { uniform = { from-ms = 9, to-ms = 3 } } }";
        assert!(drawn(reversed).iter().all(|time| *time == 9_000));
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
