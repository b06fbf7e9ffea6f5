//! Amounts in the shop's currency, by a rate that the shop gives: what a bitcoin costs.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bitcoin::Amount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ServiceError;
use super::moment::Moment;

/// So long the source of a rate may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

const SAT_PER_BITCOIN: u128 = 100_000_000;

/// The shop's currency, and what a bitcoin costs in it.
pub(crate) struct Rates {
    /// Its code, such as EUR.
    pub(crate) currency: Currency,
    /// Where the rate comes from.
    pub(crate) source: RateSource,
    /// A rate that is older is used for no payment.
    pub(crate) max_age: Duration,
}

/// Three letters (ISO 4217), of a currency with hundredths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Currency(String);

impl FromStr for Currency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            true => Ok(Self(text.to_owned())),
            false => Err("a currency is three capital letters, such as EUR".to_owned()),
        }
    }
}

/// Where a rate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RateSource {
    /// The shop says it once.
    Static(Hundredths),
    /// A file with the rate in it; how old it is says when it was written.
    File(PathBuf),
    /// A program on this computer, which is asked for each payment.
    Url(String),
}

impl FromStr for RateSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("static", rate)) => Ok(Self::Static(rate.parse()?)),
            Some(("file", path)) => Ok(Self::File(path.into())),
            Some(("http", rest)) if is_here(rest) => Ok(Self::Url(text.to_owned())),
            _ => {
                Err("a rate comes from static:NUMBER, file:PATH or http://127.0.0.1:PORT/…".into())
            }
        }
    }
}

/// Whether what follows `http:` is on this computer.
fn is_here(rest: &str) -> bool {
    let host = rest.trim_start_matches('/').split('/').next();
    let host = host.unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// An amount of money in hundredths; written as a decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hundredths(pub(crate) u64);

impl FromStr for Hundredths {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || "it is no decimal number with two digits after the point".to_owned();
        let (whole, rest) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || rest.len() > 2 || !is_digits(whole) || !is_digits(rest) {
            return Err(invalid());
        }
        format!("{whole}{rest:0<2}")
            .parse()
            .map(Self)
            .map_err(|_| invalid())
    }
}

impl std::fmt::Display for Hundredths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// What a payment costs in the shop's currency, and by which rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Price {
    /// The currency's code.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub(crate) currency: String,
    /// How much, as a decimal number.
    #[schema(pattern = r"^[0-9]+\.[0-9]{2}$")]
    pub(crate) amount: String,
    /// What a bitcoin cost then, in the same currency.
    #[schema(pattern = r"^[0-9]+\.[0-9]{2}$")]
    pub(crate) rate: String,
    /// When that rate was made.
    pub(crate) rate_at: Moment,
}

impl Rates {
    /// So much money in sat, by the rate of now; rounded up, so that the shop doesn't lose by it.
    ///
    /// # Errors
    /// [`ServiceError::NoRate`] and [`ServiceError::StaleRate`].
    pub(crate) fn price(&self, text: &str, now: Moment) -> Result<(Amount, Price), ServiceError> {
        let invalid = |what: String| ServiceError::Invalid(format!("price: {what}"));
        let amount: Hundredths = text.parse().map_err(invalid)?;
        let (rate, rate_at) = self.rate(now)?;
        if rate_at < now.minus(self.max_age) {
            return Err(ServiceError::StaleRate(rate_at.text()));
        }
        let sat = (u128::from(amount.0) * SAT_PER_BITCOIN).div_ceil(u128::from(rate.0));
        let sat = u64::try_from(sat).map_err(|_| invalid("it is too much".to_owned()))?;
        let price = Price {
            currency: self.currency.0.clone(),
            amount: amount.to_string(),
            rate: rate.to_string(),
            rate_at,
        };
        Ok((Amount::from_sat(sat), price))
    }

    /// The currency's code.
    pub(crate) fn code(&self) -> String {
        self.currency.0.clone()
    }

    fn rate(&self, now: Moment) -> Result<(Hundredths, Moment), ServiceError> {
        let failed = |why: String| ServiceError::NoRate(why);
        let (rate, at) = match &self.source {
            RateSource::Static(rate) => (*rate, now),
            RateSource::File(path) => {
                let read = || {
                    let written = std::fs::metadata(path)?.modified()?;
                    Ok::<_, std::io::Error>((std::fs::read_to_string(path)?, written))
                };
                let (text, written) = read().map_err(|error| failed(error.to_string()))?;
                (text.parse().map_err(failed)?, Moment::of(written))
            }
            RateSource::Url(url) => {
                let answer = bitreq::get(url).with_timeout(PATIENCE).send();
                let answer = answer.map_err(|error| failed(error.to_string()))?;
                if answer.status_code != 200 {
                    return Err(failed(format!("HTTP status {}", answer.status_code)));
                }
                let text = answer.as_str().map_err(|error| failed(error.to_string()))?;
                (text.parse().map_err(failed)?, now)
            }
        };
        match rate.0 {
            0 => Err(failed("it is nothing".to_owned())),
            _ => Ok((rate, at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_796_000_000_000);

    fn rates(source: &str, max_age: u64) -> Rates {
        Rates {
            currency: "EUR".parse().unwrap(),
            source: source.parse().unwrap(),
            max_age: Duration::from_secs(max_age),
        }
    }

    #[test]
    fn money_becomes_sat_and_the_shop_loses_nothing() {
        for (price, rate, sat) in [
            ("12.50", "50000", 25_000),
            ("0.01", "100000.00", 10),
            ("1", "3", 33_333_334),
            ("10.5", "90123.45", 11_651),
        ] {
            let rates = rates(&format!("static:{rate}"), 60);
            let (amount, told) = rates.price(price, NOW).unwrap();
            assert_eq!(amount.to_sat(), sat);
            assert_eq!((told.currency.as_str(), told.rate_at), ("EUR", NOW));
        }
        for price in ["", ".", "1.234", "-1", "1,5", "1e3", "99999999999999999999"] {
            assert!(
                rates("static:50000", 60).price(price, NOW).is_err(),
                "{price}"
            );
        }
    }

    #[test]
    fn an_old_file_is_no_rate() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "50000.00\n").unwrap();
        let rates = rates(&format!("file:{}", file.path().display()), 60);
        let now = Moment::now();
        assert_eq!(rates.price("12.50", now).unwrap().0.to_sat(), 25_000);
        let later = now.plus(Duration::from_secs(62));
        assert!(matches!(
            rates.price("12.50", later),
            Err(ServiceError::StaleRate(_))
        ));
        std::fs::write(file.path(), "0").unwrap();
        assert!(matches!(
            rates.price("12.50", now),
            Err(ServiceError::NoRate(_))
        ));
    }

    #[test]
    fn a_rate_comes_from_here() {
        for source in [
            "http://127.0.0.1:8000/eur",
            "http://[::1]:8000/",
            "file:/rate",
            "static:1",
        ] {
            assert!(source.parse::<RateSource>().is_ok(), "{source}");
        }
        for source in [
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "https://127.0.0.1/",
            "static:x",
            "x",
        ] {
            assert!(source.parse::<RateSource>().is_err(), "{source}");
        }
    }
}
