//! Values on the command line.

use bitcoin::Amount;
use bitcoin::hex::FromHex;

use crate::card::Merchant;
use crate::chain::FeeRate;
use crate::text::parse_sat;

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
    let wrong = || {
        "a fee rate is a number of sat/vB with at most three decimals, such as 2 or 1.5".to_owned()
    };
    let number = text.trim();
    let number = number.strip_suffix("sat/vB").unwrap_or(number).trim_end();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || decimals.len() > 3 || !is_digits(whole) || !is_digits(decimals) {
        return Err(wrong());
    }
    let rate = format!("{whole}{decimals:0<3}")
        .parse()
        .map_err(|_| wrong())?;
    let rate = FeeRate::from_sat_per_kvb(rate);
    if rate < FeeRate::FLOOR {
        return Err(format!("no node relays below {}", FeeRate::FLOOR));
    }
    if rate > FeeRate::CAP {
        return Err(format!("this program pays no more than {}", FeeRate::CAP));
    }
    Ok(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fee_rates_are_read() {
        for (text, rate) in [
            ("2", 2_000),
            ("1.5", 1_500),
            ("0.1", 100),
            ("1.234 sat/vB", 1_234),
            ("500", 500_000),
        ] {
            assert_eq!(fee_rate(text), Ok(FeeRate::from_sat_per_kvb(rate)));
        }
        for text in [
            "",
            ".5",
            "-1",
            "1.2345",
            "0.099",
            "501",
            "99999999999",
            "1,5",
        ] {
            assert!(fee_rate(text).is_err(), "{text}");
        }
    }
}
