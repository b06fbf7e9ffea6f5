//! The list of test cards.

use serde::Serialize;
use tillcard_emu::test_cards::{NAMED_CARDS, Scenario, TestCardError};

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    scenario: Scenario,
}

/// All test cards: a line for each, or one JSON value.
pub fn list(json: bool) -> Result<String, TestCardError> {
    let listed = NAMED_CARDS.iter().map(|card| {
        Ok(Listed {
            name: card.name,
            scenario: card.scenario()?,
        })
    });
    let listed = listed.collect::<Result<Vec<_>, TestCardError>>()?;
    if json {
        return Ok(serde_json::to_string_pretty(&listed).unwrap_or_default());
    }
    let width = listed.iter().map(|card| card.name.len()).max().unwrap_or(0);
    let lines = listed
        .iter()
        .map(|card| format!("{:width$}  {}", card.name, card.scenario.about));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}
