//! Limits on the command line: what isn't named stays as it was.

use bitcoin::Amount;

use crate::cli::arguments;
use tillcard::chain::FeeRate;
use tillcard::owner::{Limits, OwnerError};

/// What the owner allows in shops.
#[derive(clap::Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitFlags {
    /// Most that a shop may ask at once [issued with: 200,000 sat]
    #[arg(long, value_name = "AMOUNT", value_parser = arguments::amount)]
    per_payment: Option<Amount>,
    /// Most that all shops together may get until the limits are set anew, fees included [issued
    /// with: 2,000,000 sat]
    #[arg(long, value_name = "AMOUNT", value_parser = arguments::amount)]
    cumulative: Option<Amount>,
    /// Most payments until the limits are set anew [issued with: 60]
    #[arg(long, value_name = "NUMBER")]
    payments: Option<u16>,
    /// Most that one payment's fee may be [issued with: 10,000 sat]
    #[arg(long, value_name = "AMOUNT", value_parser = arguments::amount)]
    fee_cap: Option<Amount>,
    /// Least fee rate in sat/vB that a shop may ask for: cheaper payments may never confirm [issued
    /// with: 1]
    #[arg(long, value_name = "RATE", value_parser = arguments::fee_rate)]
    least_fee_rate: Option<FeeRate>,
    /// Highest fee rate in sat/vB that a shop may ask for [issued with: 50]
    #[arg(long, value_name = "RATE", value_parser = arguments::fee_rate, alias = "max-fee-rate")]
    highest_fee_rate: Option<FeeRate>,
    /// Smallest coin that the card takes [issued with: 1,000 sat]
    #[arg(long, value_name = "AMOUNT", value_parser = arguments::amount)]
    least_coin: Option<Amount>,
    /// Most that a shop may ask at once without a PIN [issued with: 0 sat, that is, nothing]
    #[arg(long, value_name = "AMOUNT", value_parser = arguments::amount)]
    without_pin: Option<Amount>,
    /// Most payments without a PIN until the limits are set anew [issued with: 0; 10 when only
    /// --without-pin is given]
    #[arg(long, value_name = "NUMBER")]
    payments_without_pin: Option<u16>,
}

/// Payments without PIN when only their amount is named.
const FEW: u16 = 10;

impl LimitFlags {
    /// Whether none is named.
    pub(super) fn is_empty(&self) -> bool {
        self.per_payment.is_none()
            && self.cumulative.is_none()
            && self.payments.is_none()
            && self.fee_cap.is_none()
            && self.least_fee_rate.is_none()
            && self.highest_fee_rate.is_none()
            && self.least_coin.is_none()
            && self.without_pin.is_none()
            && self.payments_without_pin.is_none()
    }

    /// The limits that follow from those before.
    pub(super) fn over(&self, before: &Limits) -> Result<Limits, OwnerError> {
        let few = match (self.without_pin, before.payments_without_pin) {
            (Some(amount), 0) if amount > Amount::ZERO => FEW,
            (_, before) => before,
        };
        let limits = Limits {
            per_payment: self.per_payment.unwrap_or(before.per_payment),
            cumulative: self.cumulative.unwrap_or(before.cumulative),
            payments: self.payments.unwrap_or(before.payments),
            fee_cap: self.fee_cap.unwrap_or(before.fee_cap),
            least_fee_rate: self.least_fee_rate.unwrap_or(before.least_fee_rate),
            highest_fee_rate: self.highest_fee_rate.unwrap_or(before.highest_fee_rate),
            least_coin: self.least_coin.unwrap_or(before.least_coin),
            without_pin: self.without_pin.unwrap_or(before.without_pin),
            payments_without_pin: self.payments_without_pin.unwrap_or(few),
        };
        match limits.complaint() {
            None => Ok(limits),
            Some(complaint) => Err(OwnerError::LimitsImpossible(complaint)),
        }
    }
}
