//! The keys that are a card's own (`docs/protocol.md`, section 3.5).

use std::fmt;

use bitcoin::hex::{DisplayHex, FromHex};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! card_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub [u8; 33]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.as_hex(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                <[u8; 33]>::from_hex(&text)
                    .map(Self)
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

card_key! {
    /// A card's P-256 key by which it signs what it says of itself: a compressed point.
    IdentityKey
}

card_key! {
    /// A card's P-256 key with which it opens channels: a compressed point.
    AgreementKey
}

/// Both keys of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardKeys {
    /// By which it signs.
    pub identity: IdentityKey,
    /// With which it opens channels.
    pub agreement: AgreementKey,
}
