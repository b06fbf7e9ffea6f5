//! Where the cards are, by the tester's word.

use std::io::{self, IsTerminal};
use std::time::Duration;
use tillcard_conform::card_under_test::{
    Choice, CommandTarget, EmulatorTarget, FreshCards, Operator, PcscTarget, Target,
    beside_this_program,
};
use tillcard_conform::failure::{Code, Failure};
use tillcard_conform::holder::this_program;

/// How long a person has to change cards, if nobody says it.
pub const OPERATOR_TIMEOUT: Duration = Duration::from_secs(600);
/// How long a card has for an answer, if nobody says it.
pub const CARD_TIMEOUT: Duration = Duration::from_secs(60);

/// How cards are got at.
pub struct Means {
    /// As `--target`.
    pub target: String,
    /// As `--fresh-card-command`.
    pub fresh_card_command: Option<String>,
    /// How long a person has to change cards.
    pub operator_timeout: Duration,
    /// How long the card has for an answer.
    pub card_timeout: Duration,
}

/// Whether the cards of a target cost nothing: all but those in a reader that isn't the suite's.
pub fn costs_nothing(target: &str) -> bool {
    target != "pcsc" && !target.starts_with("pcsc:")
}

/// The target.
pub fn target(means: &Means) -> Result<Box<dyn Target>, Failure> {
    let said = means.target.as_str();
    let (kind, name) = match said.split_once(':') {
        Some((kind, name)) => (kind, Some(name)),
        None => (said, None),
    };
    let own = match (kind, name) {
        ("emulator", None) => None,
        ("command", Some(_)) => None,
        ("emulator-pcsc", _) => Some(true),
        ("pcsc", _) => Some(false),
        _ => {
            return Err(Code::BadTarget.because(format!(
                "--target {said}: say emulator, pcsc, pcsc:READER, emulator-pcsc, emulator-pcsc:READER \
                 or command:LINE"
            )));
        }
    };
    if own != Some(false) && means.fresh_card_command.is_some() {
        return Err(Code::BadTarget.because(
            "--fresh-card-command is for --target pcsc: the other targets make their cards",
        ));
    }
    let Some(own) = own else {
        let target: Box<dyn Target> = match (kind, name) {
            ("command", Some(line)) => Box::new(CommandTarget::new(line, means.card_timeout)?),
            _ => Box::new(EmulatorTarget),
        };
        return Ok(target);
    };
    let choice = if own { Choice::Virtual } else { Choice::Any };
    let (context, reader) = PcscTarget::find(name, choice)?;
    let fresh = match &means.fresh_card_command {
        _ if own => FreshCards::emulator(
            beside_this_program("tillcard-emu")?,
            &reader,
            this_program(),
        ),
        Some(command) => FreshCards::shell(command, this_program()),
        None => FreshCards::Operator(Operator {
            patience: means.operator_timeout,
            terminal: io::stderr().is_terminal(),
        }),
    };
    let target = PcscTarget::new(context, reader, fresh, means.card_timeout);
    Ok(Box::new(target))
}
