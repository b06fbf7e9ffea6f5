//! Why a card isn't believed, in words for a person.

use std::path::PathBuf;

/// What is wrong with a card's certificates, with its proof, or with what they are checked by.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenuineError {
    /// The card gave what are no certificates.
    #[error("what the card gives as its certificates is none: {0}")]
    Garbage(String),
    /// The card's certificates end too early.
    #[error("the card's certificates are cut short")]
    Truncated,
    /// The card gave more than its certificates.
    #[error("the card gives {0} bytes more than its certificates")]
    TrailingBytes(usize),
    /// Nobody trusted vouches for the card.
    #[error(
        "nobody that you trust vouches for this card: “{0}” claims to. If that is its \
         manufacturer, get his root certificate from himself and name it"
    )]
    UnknownRoot(String),
    /// The card is a test card, or the root to be trusted is the test root.
    #[error(
        "this is the test root, or a batch of it, whose key everybody knows: it vouches for no \
         card where there is real money"
    )]
    TestRoot,
    /// A signature that isn't by the one that is named.
    #[error("the card's certificates are forged: “{0}” didn't sign them")]
    Forged(String),
    /// The certificate isn't valid yet.
    #[error("the certificate of “{name}” isn't valid before {since}: check this computer's date")]
    NotYetValid {
        /// Whose certificate.
        name: String,
        /// From when on it is valid.
        since: String,
    },
    /// The certificate isn't valid any more.
    #[error("the certificate of “{name}” expired at {until}")]
    Expired {
        /// Whose certificate.
        name: String,
        /// Until when it was valid.
        until: String,
    },
    /// The manufacturer took the card's certificate back.
    #[error("the manufacturer took this card's certificate back: don't trust this card")]
    CardRevoked,
    /// The manufacturer took the certificate of all of the batch back.
    #[error("the manufacturer took the certificate of “{0}” back: don't trust cards of this batch")]
    BatchRevoked(String),
    /// The caller wants to see a list, and has none of this authority.
    #[error("there is no list of what “{0}” took back: get it from the manufacturer")]
    NoList(String),
    /// A list whose successor should be there.
    #[error("a list of what the manufacturer took back is out of date: get the present one")]
    ListExpired,
    /// A list that somebody else signed.
    #[error("a list of what the manufacturer took back isn't signed by him")]
    ListForged,
    /// A certificate that is for something else.
    #[error("the card's certificate isn't one for {0}, or not for that alone")]
    WrongKeyUsage(&'static str),
    /// The batch's certificate in the place of the card's.
    #[error("the card gives its batch's certificate as its own")]
    BatchAsCard,
    /// What isn't a batch certifies the card.
    #[error("“{0}” certifies this card, and isn't a batch")]
    NotABatch(String),
    /// A root certifies the card by itself.
    #[error("the card's certificate isn't signed by its batch")]
    NotOfItsBatch,
    /// A certificate that has or lacks what the protocol says.
    #[error("the card's certificates aren't as the protocol has them: {0}")]
    Profile(String),
    /// What is to be trusted isn't a root.
    #[error("this is no root certificate: {0}")]
    NotARoot(String),
    /// What is to be taken for a list of revoked certificates is none.
    #[error("this is no list of revoked certificates: {0}")]
    NotAList(String),
    /// Two lists of one authority.
    #[error("there are two lists of what “{0}” took back: name the newest one alone")]
    TwoLists(String),
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
