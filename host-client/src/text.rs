//! Amounts as people read and write them.

use bitcoin::Amount;

use crate::chain::FeeRate;

/// An amount in satoshi, digits in groups of three: `21,000 sat`.
pub fn sat(amount: Amount) -> String {
    format!("{} sat", grouped(amount.to_sat()))
}

/// Digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of things: `1 coin`, `2,000 coins`.
pub fn counted(number: impl TryInto<u64>, thing: &str) -> String {
    match number.try_into() {
        Ok(1) => format!("1 {thing}"),
        Ok(number) => format!("{} {thing}s", grouped(number)),
        Err(_) => format!("many {thing}s"),
    }
}

/// What may stand between groups of digits.
const SEPARATORS: [char; 5] = [',', '_', '\'', '\u{2009}', '\u{202F}'];

/// Reads an amount in satoshi: `21000`, `21,000`, `21_000 sat`. Groups of digits have three each, so
/// that nothing which is meant as bitcoins with decimals is taken for satoshi.
///
/// # Errors
/// What is wrong with it.
pub fn parse_sat(text: &str) -> Result<Amount, String> {
    let number = text.trim();
    let number = number.strip_suffix("sats").unwrap_or(number);
    let number = number.strip_suffix("sat").unwrap_or(number).trim_end();
    let groups: Vec<&str> = number.split(SEPARATORS).collect();
    let digits = groups.concat();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("an amount is a whole number of satoshi, such as 21,000 sat".into());
    }
    if let [first, others @ ..] = &groups[..]
        && !others.is_empty()
        && (first.is_empty()
            || first.len() > 3
            || first.starts_with('0')
            || others.iter().any(|group| group.len() != 3))
    {
        return Err(
            "an amount is a whole number of satoshi, without decimals; a comma stands between groups \
             of three digits only, such as 21,000 sat"
                .into(),
        );
    }
    let sat: u64 = digits
        .parse()
        .map_err(|_| "there aren't that many satoshi")?;
    let amount = Amount::from_sat(sat);
    if amount > Amount::MAX_MONEY {
        return Err("there aren't that many satoshi".into());
    }
    Ok(amount)
}

/// Reads a fee rate in sat/vB with at most three decimals: `2`, `1.5`.
///
/// # Errors
/// What is wrong with it.
pub fn parse_fee_rate(text: &str) -> Result<FeeRate, String> {
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
    fn one_is_no_plural() {
        assert_eq!(counted(1_usize, "coin"), "1 coin");
        assert_eq!(counted(0_u32, "coin"), "0 coins");
        assert_eq!(counted(2_000_u16, "coin"), "2,000 coins");
    }

    #[test]
    fn thousands_are_grouped() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (21_000, "21,000"),
            (2_100_000_000_000_000, "2,100,000,000,000,000"),
        ] {
            assert_eq!(grouped(number), shown);
        }
        assert_eq!(sat(Amount::from_sat(21_000)), "21,000 sat");
    }

    #[test]
    fn amounts_are_read() {
        for text in [
            "21000",
            "21,000",
            "21_000 sat",
            " 21,000sat ",
            "21,000 sats",
        ] {
            assert_eq!(parse_sat(text), Ok(Amount::from_sat(21_000)), "{text}");
        }
        for text in [
            "",
            "sat",
            "-1",
            "0.5",
            "1 btc",
            "2100000000000001",
            "99999999999999999999",
            "0,012345",
            "0,012",
            "1,23",
            "1,2345",
            "1234,567",
            ",123",
            "1,,234",
            "123,",
        ] {
            assert!(parse_sat(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fee_rates_are_read() {
        for (text, rate) in [
            ("2", 2_000),
            ("1.5", 1_500),
            ("0.1", 100),
            ("1.234 sat/vB", 1_234),
            ("500", 500_000),
        ] {
            assert_eq!(parse_fee_rate(text), Ok(FeeRate::from_sat_per_kvb(rate)));
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
            assert!(parse_fee_rate(text).is_err(), "{text}");
        }
    }
}
