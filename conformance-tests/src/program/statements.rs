//! First statements about a card, drawn from what it shows.

use super::arguments::ProbeArguments;
use super::targets::{CARD_TIMEOUT, Means, OPERATOR_TIMEOUT, target};
use super::terminal::print;
use std::process::ExitCode;
use tillcard_conform::failure::{Code, Failure};
use tillcard_conform::proforma::{Ics, Ixit, probe, write_new};
use tillcard_conform::report::Folder;

/// Looks at the card of a target and writes down what it shows.
///
/// # Errors
/// When there is no card, or none that tells its capabilities, or a file is there already.
pub fn write_first(arguments: &ProbeArguments) -> Result<ExitCode, Failure> {
    let means = Means {
        target: arguments.target.clone(),
        fresh_card_command: None,
        operator_timeout: OPERATOR_TIMEOUT,
        card_timeout: CARD_TIMEOUT,
    };
    let card = probe(target(&means)?)?;
    let ics = Ics::of(&card).ok_or_else(|| {
        Code::NoApplication.because(format!(
            "the card doesn't tell its capabilities: GET DATA answered {}",
            card.capabilities
        ))
    })?;
    let ixit = Ixit {
        target: Some(arguments.target.clone()),
        ..Ixit::default()
    };
    Folder::create(&arguments.folder)?;
    let [ics_file, ixit_file] = ["ics.toml", "ixit.toml"].map(|name| arguments.folder.join(name));
    write_new(
        &ics_file,
        "What the card shows. Its maker corrects it to what he promises, and names it.",
        &ics,
    )?;
    write_new(
        &ixit_file,
        "How the card is tested here; `tillcard-conform schema ixit` tells all that can be said.",
        &ixit,
    )?;
    Ok(print(&format!(
        "{} and {} hold what the card shows.\n",
        ics_file.display(),
        ixit_file.display()
    )))
}
