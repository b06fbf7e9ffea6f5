//! Where a slot of the virtual reader listens, and what PC/SC calls that slot.

use core::fmt;
use core::str::FromStr;

/// The TCP port on which vpcd's first slot listens unless its configuration says otherwise; each
/// further slot has the next port (vsmartcard 3.3, `/etc/reader.conf.d/vpcd`).
pub const DEFAULT_PORT: u16 = 35963;

/// Slots that vpcd has unless it was built otherwise.
const SLOTS: u16 = 2;

/// Host and port of one slot of the virtual reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// The slot that listens on `port` of `host`.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }

    /// The host, a name or an address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What PC/SC calls the slot, taken from its port's distance to [`DEFAULT_PORT`], as vpcd
    /// numbers them; none for a port that isn't one of vpcd's own.
    ///
    /// pcscd takes the name from vpcd's configuration and counts readers of the same name in the
    /// first of the two numbers, so this is the name on a machine where nobody changed either.
    #[must_use]
    pub fn reader_name(&self) -> Option<String> {
        let slot = self
            .port
            .checked_sub(DEFAULT_PORT)
            .filter(|&slot| slot < SLOTS)?;
        Some(format!("Virtual PCD 00 {slot:02X}"))
    }
}

/// The first slot on this machine. By number: not every machine can resolve its own name.
impl Default for Address {
    fn default() -> Self {
        Self::new("127.0.0.1", DEFAULT_PORT)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The text isn't `HOST:PORT`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected HOST:PORT, such as localhost:{DEFAULT_PORT}")]
pub struct NotAnAddress;

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let (host, port) = text.rsplit_once(':').ok_or(NotAnAddress)?;
        let inner = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let host = match inner {
            Some(inner) if inner.contains(':') => inner,
            None if !host.contains([':', '[', ']']) => host,
            _ => return Err(NotAnAddress),
        };
        let port = port.parse().map_err(|_| NotAnAddress)?;
        if host.is_empty() || port == 0 {
            return Err(NotAnAddress);
        }
        Ok(Self::new(host, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_read_back_as_written() {
        for text in [
            "localhost:35963",
            "127.0.0.1:1",
            "[::1]:35964",
            "reader.example:65535",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "localhost",
            ":35963",
            "localhost:",
            "localhost:0",
            "localhost:65536",
            "::1:35963",
            "[a]:1",
        ] {
            assert_eq!(text.parse::<Address>(), Err(NotAnAddress), "{text}");
        }
    }

    #[test]
    fn the_reader_is_named_after_its_slot() {
        let name = |port| Address::new("localhost", port).reader_name();
        assert_eq!(name(35963).as_deref(), Some("Virtual PCD 00 00"));
        assert_eq!(name(35964).as_deref(), Some("Virtual PCD 00 01"));
        assert_eq!(name(35965), None);
        assert_eq!(name(35962), None);
    }
}
