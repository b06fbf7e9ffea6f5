//! What a webhook's messages are signed with, as Standard Webhooks has it.

use bitcoin::base64::Engine;
use bitcoin::base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What every secret of Standard Webhooks begins with.
const PREFIX: &str = "whsec_";

/// A webhook's secret, which its receiver has too.
pub(crate) struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// Draws one.
    pub(crate) fn draw() -> Result<Self, getrandom::Error> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret)?;
        Ok(Self(secret))
    }

    /// From what was kept.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// What is kept.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// As its receiver is given it.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        let encoded = Zeroizing::new(BASE64.encode(*self.0));
        Zeroizing::new(format!("{PREFIX}{}", *encoded))
    }

    /// The signature of a message that is sent at this second.
    pub(super) fn sign(&self, id: &str, second: i64, body: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(&*self.0);
        // No length is refused.
        let mut mac = mac.unwrap_or_else(|error| unreachable!("{error}"));
        for part in [id, ".", &second.to_string(), ".", body] {
            mac.update(part.as_bytes());
        }
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }
}
