//! Where events may be sent, and which.

use std::net::IpAddr;

/// The longest URL.
const URL_MAX: usize = 2_000;

/// What a URL of a webhook must be.
const RULE: &str = "a webhook's URL is https://…, or http://… on this computer, without a user";

/// A URL that events may be sent to: TLS, or this computer.
#[derive(Clone)]
pub(crate) struct Target(String);

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// Why events aren't sent there.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let url = bitreq::Url::parse(text).map_err(|error| format!("{RULE}: {error}"))?;
        let is_safe = match url.scheme() {
            "https" => true,
            "http" => is_loopback(url.base_url()),
            _ => false,
        };
        let has_user = text
            .split(['/', '?', '#'])
            .nth(2)
            .is_none_or(|host| host.contains('@'));
        if !is_safe || has_user || url.fragment().is_some() || text.len() > URL_MAX {
            return Err(RULE.to_owned());
        }
        Ok(Self(url.as_str().to_owned()))
    }

    /// The URL.
    pub(crate) fn url(&self) -> &str {
        &self.0
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let address = bare.unwrap_or(host).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// A kind of events, such as `payment.settled`, or a group of them, such as `payment.*`.
///
/// # Errors
/// Why it is neither.
pub(crate) fn check_kind(kind: &str) -> Result<(), String> {
    let name = kind.strip_suffix('*').unwrap_or(kind);
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte == b'.';
    match kind.len() <= 64 && !kind.is_empty() && name.bytes().all(is_name) {
        true => Ok(()),
        false => Err("a kind of events is such as payment.settled, payment.* or *".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_go_by_tls_or_stay_on_this_computer() {
        for url in [
            "https://shop.example/hooks?till=1",
            "HTTPS://shop.example",
            "http://127.0.0.1:8080/",
            "http://127.9.9.9/",
            "http://localhost:8080/hooks",
            "http://[::1]:8080/",
        ] {
            assert!(Target::parse(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "shop.example",
            "http://shop.example/",
            "http://10.0.0.1/",
            "http://127.0.0.1.shop.example/",
            "http://127.0.0.1@shop.example/",
            "http://localhost@shop.example/",
            "https://user:password@shop.example/",
            "https://@shop.example/",
            "https://shop.example/#part",
            "ftp://shop.example:21/",
            "file:///etc/passwd",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
        assert!(Target::parse(&format!("https://shop.example/{}", "a".repeat(2_000))).is_err());
    }

    #[test]
    fn kinds_are_names_or_groups_of_them() {
        for kind in ["payment.settled", "payment.*", "*", "reader.updated"] {
            assert!(check_kind(kind).is_ok(), "{kind}");
        }
        for kind in ["", "pay*ment", "**", "[a-z]", "payment?", &"a".repeat(65)] {
            assert!(check_kind(kind).is_err(), "{kind}");
        }
    }
}
