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
    /// The card can't be reached.
    #[error(transparent)]
    NoContact(Box<dyn std::error::Error + Send + Sync>),
    /// A card of an older version of the protocol.
    #[error("this card can't be personalised: it has no keys of its own")]
    NoOwnKeys,
    /// A card that its manufacturer is done with.
    #[error("this card is personalised already, or somebody's: that can't be undone")]
    NotBlank,
    /// A certificate that is too long for a card.
    #[error("a certificate of {0} bytes is too long for a card: choose shorter names")]
    TooLong(usize),
    /// The card refuses a command.
    #[error("the card refused {command} ({status:04X})")]
    Refused {
        /// The command's name.
        command: &'static str,
        /// The status word.
        status: u16,
    },
    /// The card's answer makes no sense.
    #[error("the card's answer to {0} can't be read")]
    Malformed(&'static str),
    /// The card gives back something else than was stored.
    #[error("the card doesn't give back the certificates that it was given: don't use it")]
    NotStored,
}

impl PersonaliseError {
    /// The error's stable name (`docs/errors/emulator.md`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name => "certificate-name",
            Self::Encoding(_) => "certificate-content",
            Self::NotACertificate(_) => "not-a-certificate",
            Self::NotAList(_) => "not-a-revocation-list",
            Self::NotAKey => "not-a-key",
            Self::AnotherKey => "key-of-another-certificate",
            Self::NotARoot(_) => "not-a-root",
            Self::NotABatch(_) => "not-a-batch",
            Self::AnotherList(_) => "revocation-list-of-another",
            Self::NotMine(_) => "certificate-of-another",
            Self::NoContact(_) => "card-unreachable",
            Self::NoOwnKeys => "card-without-keys",
            Self::NotBlank => "card-not-blank",
            Self::TooLong(_) => "certificate-too-long",
            Self::Refused { .. } => "card-refused",
            Self::Malformed(_) => "card-answer-malformed",
            Self::NotStored => "certificates-not-stored",
        }
    }
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
