//! What a run did to a card.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What was done to one card, as it went over the link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wear {
    /// PINs that were presented.
    pub pins: u32,
    /// How many of them were wrong.
    pub wrong_pins: u32,
    /// The fewest tries that the card told of in answer to VERIFY.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fewest_tries: Option<u8>,
    /// How often each command was done that may change something which lasts. Each RECEIVE SCRIPT
    /// and each PAY may use up an index.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub done: BTreeMap<String, u32>,
}
