//! A bearer token, as a hash.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What stands before a token in the `Authorization` header.
const SCHEME: &str = "Bearer ";

/// The hash of a random token: who reads it can't make the token of it, and comparing hashes tells a
/// guesser nothing by its time.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// As it was stored.
    #[must_use]
    pub fn from_bytes(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// To be stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is this token's, in a time that tells nothing of either.
    #[must_use]
    pub fn is_of(&self, token: &str) -> bool {
        self.0.ct_eq(&Self::of(token).0).into()
    }

    /// The token that a request brings.
    #[must_use]
    pub fn given(headers: &HeaderMap) -> Option<&str> {
        let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        given.strip_prefix(SCHEME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_given_as_a_bearer_s() {
        let mut headers = HeaderMap::new();
        assert_eq!(TokenHash::given(&headers), None);
        headers.insert(header::AUTHORIZATION, "Basic abc".parse().unwrap());
        assert_eq!(TokenHash::given(&headers), None);
        headers.insert(header::AUTHORIZATION, "Bearer abc".parse().unwrap());
        assert_eq!(TokenHash::given(&headers), Some("abc"));
    }

    #[test]
    fn a_hash_is_of_one_token() {
        let hash = TokenHash::from_bytes(*TokenHash::of("abc").as_bytes());
        assert!(hash.is_of("abc"));
        assert!(!hash.is_of("abd"));
        assert!(!hash.is_of(""));
    }
}
