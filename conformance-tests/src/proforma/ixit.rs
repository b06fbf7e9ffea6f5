//! The implementation extra information for testing: how a card is tested in this laboratory.

use crate::report::Sample;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the card is tested here (the IXIT of ISO/IEC 9646). What the command line says goes before
/// it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ixit {
    /// As `--target`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// As `--seed`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seed: Option<u64>,
    /// As `--fresh-card-command`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fresh_card_command: Option<String>,
    /// As `--operator-timeout`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operator_timeout: Option<u64>,
    /// As `--card-timeout`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card_timeout: Option<u64>,
    /// As `--cards`: the most cards that may be used up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cards: Option<u32>,
    /// As `--reuse`.
    #[serde(default)]
    pub reuse: bool,
    /// Which sample it is, and who tests it.
    #[serde(default)]
    pub sample: Sample,
}
