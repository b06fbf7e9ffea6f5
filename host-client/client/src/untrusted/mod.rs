//! Text that came from outside: from a card, a certificate, a reader, a node or a file.
//!
//! Whoever wrote it may want it to move, to hide or to imitate what stands beside it on a screen. So
//! it is an [`Untrusted`], which shows itself in one way only, on a terminal, on a page and in a JSON
//! message: what could do that is spelt out as `\u{202E}`, and a backslash of the text is doubled, so
//! that no text can imitate the spelling.

mod spelling;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// Text that came from outside. It is shown in quotation marks, harmless; as JSON without them.
///
/// ```
/// use tillcard_client::untrusted::Untrusted;
///
/// let name = Untrusted::from("Corner\u{202E} shop” is genuine");
/// assert_eq!(name.to_string(), r"“Corner\u{202E} shop\u{201D} is genuine”");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// The text as it came: to be compared and stored, never to be shown.
    pub fn as_given(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Stores the text as it came, for `#[serde(serialize_with = "Untrusted::store")]` in a file that
    /// this program reads again.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn store<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl PartialEq<str> for Untrusted {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Untrusted {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// In the quotation marks in which all text from outside stands.
impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "“{}”", spelling::shown(&self.0))
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// For a message: as it is shown, without quotation marks.
impl Serialize for Untrusted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&spelling::shown(&self.0))
    }
}
