//! Why a certificate can't be made, or a card not personalised.

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PersonaliseError {
    /// Certificates have room for short names only (RFC 5280, upper bound of a common name).
    #[error("a name in a certificate has 1 to 64 characters, and none that controls a terminal")]
    Name,
    /// What a certificate or list was to be made of doesn't fit into one.
    #[error("no certificate can be made of this: {0}")]
    Encoding(String),
    /// A certificate that can't be read.
    #[error("this is no certificate: {0}")]
    NotACertificate(String),
    /// A list that can't be read.
    #[error("this is no list of revoked certificates: {0}")]
    NotAList(String),
    /// A key that can't be read.
    #[error("this is no P-256 key in PKCS#8 form")]
    NotAKey,
    /// Certificate and key of two authorities.
    #[error("this key isn't the one of this certificate")]
    AnotherKey,
    /// A certificate that doesn't certify batches.
    #[error("“{0}” isn't a root: a root signed itself, and may sign batches")]
    NotARoot(String),
    /// A certificate that doesn't certify cards.
    #[error("“{0}” isn't a batch: a batch is signed by a root, and may sign cards alone")]
    NotABatch(String),
    /// A list of another authority.
    #[error("this list isn't of “{0}”")]
    AnotherList(String),
    /// A certificate of another authority.
    #[error("“{0}” didn't sign this certificate, and can't take it back")]
    NotMine(String),
}

impl From<x509_cert::builder::Error> for PersonaliseError {
    fn from(error: x509_cert::builder::Error) -> Self {
        Self::Encoding(error.to_string())
    }
}

impl From<x509_cert::der::Error> for PersonaliseError {
    fn from(error: x509_cert::der::Error) -> Self {
        Self::Encoding(error.to_string())
    }
}
