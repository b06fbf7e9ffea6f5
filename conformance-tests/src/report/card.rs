//! Which card was tested.

use crate::card::Capabilities;
use crate::status::Sw;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the first card of the run said of itself. Answers are hexadecimal, with their status word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardReport {
    /// Its answer to reset.
    pub atr: String,
    /// To SELECT by the application's full AID.
    pub select: String,
    /// To GET DATA, status.
    pub status: String,
    /// To GET DATA, capabilities.
    pub capabilities: String,
    /// The version of the protocol that it declares, major.minor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub protocol: Option<String>,
    /// Its certificates; none when nobody personalised it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub certificates: Vec<CertificateReport>,
}

impl CardReport {
    /// What it declares, if it says that in the text's form.
    pub(crate) fn declared(&self) -> Option<Capabilities> {
        let answer = hex::decode(&self.capabilities).ok()?;
        let data = answer.strip_suffix(&Sw::OK.0.to_be_bytes())?;
        Capabilities::read(data).ok()
    }

    /// Whether this is a card of the same kind, whatever state it is in.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let kind = |card: &Self| {
            let (atr, select) = (card.atr.clone(), card.select.clone());
            (atr, select, card.capabilities.clone())
        };
        kind(self) == kind(other)
    }
}

/// Which sample was tested, and by whom, in the tester's words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// What the sample is called.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub serial: Option<String>,
    /// The batch that it is of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub batch: Option<String>,
    /// Who tested it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operator: Option<String>,
}

/// A certificate that a card showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateReport {
    /// `batch`, `identity` or `agreement`.
    pub of: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Its serial number, if it is a certificate by RFC 5280.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub serial: Option<String>,
    /// Its subject.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
}
