//! Values on the command line.

use bitcoin::Amount;
use bitcoin::hex::FromHex;

use tillcard::chain::FeeRate;
use tillcard::text::{parse_fee_rate, parse_sat};
use tillcard_client::card::Merchant;

/// An amount: `21000`, `21,000 sat`.
pub(super) fn amount(text: &str) -> Result<Amount, String> {
    parse_sat(text)
}

/// A shop's name.
pub(super) fn merchant(text: &str) -> Result<Merchant, String> {
    Merchant::try_from(text.to_owned())
}

/// 32 bytes in hexadecimal digits.
pub(super) fn hash(text: &str) -> Result<[u8; 32], String> {
    FromHex::from_hex(text).map_err(|_| "a hash is 64 hexadecimal digits".to_owned())
}

/// A fee rate in sat/vB with at most three decimals: `2`, `1.5`.
pub(super) fn fee_rate(text: &str) -> Result<FeeRate, String> {
    parse_fee_rate(text)
}
