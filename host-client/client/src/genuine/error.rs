//! Why a card isn't believed.

use std::path::PathBuf;

use crate::Untrusted;
use crate::advice::{Advice, Explain};

/// What is wrong with a card's certificates, with its proof, or with what they are checked by.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenuineError {
    /// The card gave what are no certificates.
    #[error("the card gives something else than certificates: {0}")]
    Garbage(String),
    /// The card's certificates end too early.
    #[error("the card's certificates are cut short")]
    Truncated,
    /// The card gave more than its certificates.
    #[error("the card gives {0} bytes more than its certificates")]
    TrailingBytes(usize),
    /// Nobody trusted vouches for the card.
    #[error("no root certificate that you trust vouches for this card; {0} claims to")]
    UnknownRoot(Untrusted),
    /// The card is a test card, or the root to be trusted is the test root.
    #[error(
        "this is the test root, or a batch of it, whose key everybody knows: it vouches for no \
         card on mainnet"
    )]
    TestRoot,
    /// A signature that isn't by the one that is named.
    #[error("the card's certificates are forged: {0} didn't sign them")]
    Forged(Untrusted),
    /// The certificate isn't valid yet.
    #[error("the certificate of {name} isn't valid before {since}")]
    NotYetValid {
        /// Whose certificate.
        name: Untrusted,
        /// From when on it is valid.
        since: String,
    },
    /// The certificate isn't valid any more.
    #[error("the certificate of {name} expired at {until}")]
    Expired {
        /// Whose certificate.
        name: Untrusted,
        /// Until when it was valid.
        until: String,
    },
    /// The card's certificate is revoked.
    #[error("the manufacturer revoked this card's certificate")]
    CardRevoked,
    /// The certificate of all of the batch is revoked.
    #[error("the manufacturer revoked the certificate of the batch {0}")]
    BatchRevoked(Untrusted),
    /// The caller wants to see a list, and has none of this authority.
    #[error("there is no certificate revocation list (CRL) of {0}")]
    NoList(Untrusted),
    /// A list whose successor should be there.
    #[error("a certificate revocation list (CRL) is out of date")]
    ListExpired,
    /// A list that somebody else signed.
    #[error("a certificate revocation list (CRL) isn't signed by the manufacturer")]
    ListForged,
    /// A certificate that is for something else.
    #[error("the card's certificate isn't one for {0}, or not for that alone")]
    WrongKeyUsage(&'static str),
    /// The batch's certificate in the place of the card's.
    #[error("the card gives its batch's certificate as its own")]
    BatchAsCard,
    /// What isn't a batch certifies the card.
    #[error("{0} certifies this card, and isn't a batch")]
    NotABatch(Untrusted),
    /// A root certifies the card by itself.
    #[error("the card's certificate isn't signed by its batch")]
    NotOfItsBatch,
    /// A certificate that has or lacks what the protocol says.
    #[error("the card's certificates aren't as the protocol has them: {0}")]
    Profile(String),
    /// What is to be trusted isn't a root.
    #[error("this isn't a root certificate: {0}")]
    NotARoot(String),
    /// What is to be taken for a list of revoked certificates is none.
    #[error("this isn't a certificate revocation list (CRL): {0}")]
    NotAList(String),
    /// Two lists of one authority.
    #[error("there are two certificate revocation lists (CRLs) of {0}")]
    TwoLists(Untrusted),
    /// The card's proof or statement can't be read.
    #[error("the card's answer can't be read")]
    Malformed,
    /// The card's proof or statement isn't signed by its identity key.
    #[error("the card's certified key didn't sign this answer")]
    NotSigned,
    /// A file that can't be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is wrong with a file.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        cause: Box<GenuineError>,
    },
}

impl Explain for GenuineError {
    fn advice(&self) -> Advice {
        const UNPAID: &str = "the card has seen no PIN, and nothing was paid";
        const REFUSE: &str = "don't use this card; if it is yours, ask its manufacturer";
        const UNASKED: &str = "no card was asked for anything";
        match self {
            Self::Garbage(_) => Advice::new("certificate-unreadable", UNPAID, REFUSE),
            Self::Truncated => Advice::new("certificate-truncated", UNPAID, REFUSE),
            Self::TrailingBytes(_) => Advice::new("certificate-trailing-bytes", UNPAID, REFUSE),
            Self::UnknownRoot(_) => Advice::new(
                "card-root-unknown",
                UNPAID,
                "if that is the card's manufacturer, get the root certificate from the manufacturer \
                 itself and name it with --root",
            ),
            Self::TestRoot => Advice::new(
                "test-root-on-mainnet",
                UNPAID,
                "use a card of a manufacturer that you trust, and its root certificate",
            ),
            Self::Forged(_) => Advice::new("certificate-forged", UNPAID, REFUSE),
            Self::NotYetValid { .. } => Advice::new(
                "certificate-not-yet-valid",
                UNPAID,
                "check this computer's date",
            ),
            Self::Expired { .. } => Advice::new(
                "certificate-expired",
                UNPAID,
                "check this computer's date; if it is right, use another card",
            ),
            Self::CardRevoked => Advice::new(
                "card-revoked",
                UNPAID,
                "don't use this card: somebody else may have its key",
            ),
            Self::BatchRevoked(_) => Advice::new(
                "batch-revoked",
                UNPAID,
                "don't use cards of this batch: somebody else may make such cards",
            ),
            Self::NoList(_) => Advice::new(
                "crl-missing",
                UNPAID,
                "get the list from the manufacturer and name it with --crl",
            ),
            Self::ListExpired => Advice::new(
                "crl-expired",
                UNPAID,
                "get the present list from the manufacturer and name it with --crl",
            ),
            Self::ListForged => Advice::new(
                "crl-forged",
                UNPAID,
                "get the list from the manufacturer itself and name it with --crl",
            ),
            Self::WrongKeyUsage(_) => Advice::new("certificate-wrong-usage", UNPAID, REFUSE),
            Self::BatchAsCard => Advice::new("certificate-of-batch", UNPAID, REFUSE),
            Self::NotABatch(_) => Advice::new("certificate-issuer-not-batch", UNPAID, REFUSE),
            Self::NotOfItsBatch => Advice::new("certificate-not-by-batch", UNPAID, REFUSE),
            Self::Profile(_) => Advice::new("certificate-profile", UNPAID, REFUSE),
            Self::NotARoot(_) => Advice::new(
                "root-not-a-root",
                UNASKED,
                "name the manufacturer's root certificate (PEM or DER) with --root",
            ),
            Self::NotAList(_) => Advice::new(
                "crl-not-a-crl",
                UNASKED,
                "name the manufacturer's certificate revocation list (PEM or DER) with --crl",
            ),
            Self::TwoLists(_) => Advice::new(
                "crl-twice",
                UNASKED,
                "name the newest list of each authority alone",
            ),
            Self::Malformed => Advice::new("proof-malformed", UNPAID, REFUSE),
            Self::NotSigned => Advice::new("card-not-genuine", UNPAID, REFUSE),
            Self::Io { .. } => Advice::new(
                "certificate-file-unreadable",
                UNASKED,
                "check the file's name and that you may read it",
            ),
            Self::File { cause, .. } => cause.advice(),
        }
    }
}
