//! What a test card is, as a small TOML file says it.

use serde::{Deserialize, Serialize};
use tillcard_protocol::command::{Limits, Network, Policy};

use crate::layers::faults::Fault;

/// What a test card is and what was done to it before it is shown. Everything but the description
/// may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// What the card is, in one sentence.
    pub about: String,
    /// How far its life has come.
    #[serde(default)]
    pub state: LifeState,
    /// Who vouches for it.
    #[serde(default)]
    pub certificates: Certificates,
    /// The chain that it is issued for.
    #[serde(default)]
    pub network: TestNetwork,
    /// The holder's PIN, 4 to 12 digits.
    #[serde(default = "pin")]
    pub pin: String,
    /// What a shop may take.
    #[serde(default)]
    pub limits: TestLimits,
    /// What is allowed in sessions of others.
    #[serde(default)]
    pub policy: TestPolicy,
    /// Coins that its owner gave it.
    #[serde(default)]
    pub coins: Vec<Amounts>,
    /// Payments that it made since, each with the PIN, to a shop that sent none of them.
    #[serde(default)]
    pub payments: Vec<Amounts>,
    /// Whether its owner has moved its coins away since, as he does with a lost card. The card doesn't
    /// know; the chain does, where there is one.
    #[serde(default)]
    pub swept: bool,
    /// How many wrong PINs were typed last.
    #[serde(default)]
    pub wrong_pins: u8,
    /// Whether its memory is damaged.
    #[serde(default)]
    pub damaged: bool,
    /// What goes wrong with it once it is shown.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

fn pin() -> String {
    "271828".into()
}

/// Some coins, or payments, of one amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Amounts {
    /// In sat.
    pub amount: u64,
    /// How many of them.
    #[serde(default = "one")]
    pub count: u32,
}

fn one() -> u32 {
    1
}

impl Amounts {
    /// Each amount by itself.
    pub(super) fn each(of: &[Self]) -> impl Iterator<Item = u64> {
        of.iter()
            .flat_map(|amounts| (0..amounts.count).map(|_| amounts.amount))
    }
}

/// How far a card's life has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LifeState {
    /// Nobody's yet.
    NotIssued,
    /// Somebody's.
    #[default]
    Issued,
    /// Ended by its owner.
    Terminated,
}

/// Who vouches for a card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Certificates {
    /// The emulator's batch, under the test root.
    #[default]
    Genuine,
    /// Nobody: it has no certificates.
    None,
    /// The emulator's batch, which took the certificate back since.
    Revoked,
    /// A batch under the test root whose time is over.
    Expired,
    /// A root that nobody knows.
    OtherRoot,
    /// A root that calls itself as the test root does, with another key.
    Counterfeit,
    /// Another card's certificates: its own keys aren't those.
    Cloned,
}

/// A chain for tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TestNetwork {
    /// A private one.
    #[default]
    Regtest,
    /// Signet.
    Signet,
    /// Testnet.
    Testnet,
}

impl From<TestNetwork> for Network {
    fn from(network: TestNetwork) -> Self {
        match network {
            TestNetwork::Regtest => Self::Regtest,
            TestNetwork::Signet => Self::Signet,
            TestNetwork::Testnet => Self::Testnet,
        }
    }
}

/// Limits (`docs/protocol.md`, section 7.1); amounts in sat, fee rates in sat/kvB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TestLimits {
    /// Highest amount of one payment.
    pub per_payment: u64,
    /// Highest sum of amounts and fees.
    pub cumulative: u64,
    /// Highest number of payments.
    pub payments: u16,
    /// Highest fee of one payment.
    pub fee_cap: u64,
    /// Least fee rate.
    pub least_fee_rate: u32,
    /// Highest fee rate.
    pub highest_fee_rate: u32,
    /// Smallest coin that enters.
    pub least_coin: u32,
    /// Highest amount of a payment without PIN.
    pub without_pin_amount: u64,
    /// Highest number of payments without PIN.
    pub without_pin_payments: u16,
}

impl Default for TestLimits {
    fn default() -> Self {
        Self {
            per_payment: 1_000_000,
            cumulative: 10_000_000,
            payments: 1_000,
            fee_cap: 50_000,
            least_fee_rate: 1_000,
            highest_fee_rate: 100_000,
            least_coin: 1_000,
            without_pin_amount: 0,
            without_pin_payments: 0,
        }
    }
}

impl From<TestLimits> for Limits {
    fn from(limits: TestLimits) -> Self {
        Self {
            per_payment: limits.per_payment,
            cumulative: limits.cumulative,
            payments: limits.payments,
            fee_cap: limits.fee_cap,
            least_fee_rate: limits.least_fee_rate,
            highest_fee_rate: limits.highest_fee_rate,
            least_coin: limits.least_coin,
            without_pin_amount: limits.without_pin_amount,
            without_pin_payments: limits.without_pin_payments,
        }
    }
}

/// Policy (`docs/protocol.md`, section 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TestPolicy {
    /// PIN and payment in plain sessions.
    pub plain_sessions: bool,
    /// Statements.
    pub statements: bool,
}

impl Default for TestPolicy {
    fn default() -> Self {
        Self {
            plain_sessions: true,
            statements: true,
        }
    }
}

impl From<TestPolicy> for Policy {
    fn from(policy: TestPolicy) -> Self {
        Self {
            plain_sessions: policy.plain_sessions,
            statements: policy.statements,
        }
    }
}
