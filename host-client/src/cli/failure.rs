//! How the program ends when it doesn't end well.

use std::path::PathBuf;
use std::process::ExitCode;

use bitcoin::Network;
use tillcard_client::advice::{Advice, Explain};

/// Exit code of a failure: the program couldn't do what it was asked. Clap's is 2, for a command
/// line that can't be understood.
const FAILED: u8 = 1;

/// Exit code of a declined or conflicted payment: reader, chain and till are in order, and there is no
/// payment.
pub(crate) const DECLINED: u8 = 3;

/// Exit code of a payment that may still be paid: `tillcard till resume` goes on with it.
const OPEN: u8 = 4;

/// Why the program ends, and with which exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: Option<String>,
}

impl Failure {
    /// A failure that was told already.
    #[cfg(feature = "regtest")]
    pub(crate) fn told() -> Self {
        Self {
            code: FAILED,
            message: None,
        }
    }

    /// A declined payment, which was told already.
    pub(super) fn declined() -> Self {
        Self {
            code: DECLINED,
            message: None,
        }
    }

    /// A payment whose outcome is open, which was told already.
    pub(super) fn open() -> Self {
        Self {
            code: OPEN,
            message: None,
        }
    }

    /// Tells, if there is something to be told.
    pub(super) fn exit(self) -> ExitCode {
        if let Some(message) = self.message {
            eprintln!("{message}");
        }
        ExitCode::from(self.code)
    }
}

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            code: FAILED,
            message: Some(error.message()),
        }
    }
}

/// What only the command line can get wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The node is on mainnet, and the user didn't allow that.
    #[error("this node is on mainnet, with real money")]
    Mainnet,
    /// The node is on another computer, and nothing protects the way to it.
    #[error(
        "the Bitcoin node at {0} is on another computer, and plain HTTP protects nothing on the way"
    )]
    PlainHttp(String),
    /// No folder for the user's data.
    #[error("there is no folder for your data: neither XDG_DATA_HOME nor HOME names one")]
    NoDataFolder,
    /// An address of another network.
    #[error("the address isn't one of {0}, the node's network")]
    WrongNetwork(Network),
    /// On mainnet, nobody is to be believed.
    #[error("no root certificate is named, and on mainnet no card is genuine without one")]
    NoRoot,
    /// On mainnet, a card without certificates.
    #[error("this card has no certificates: nobody vouches for it, and no channel protects it")]
    Uncertified,
    /// A new PIN was typed in two ways.
    #[error("the two PINs differ")]
    PinsDiffer,
    /// The user didn't confirm.
    #[error("it wasn't confirmed")]
    NotConfirmed,
    /// A file can't be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The card has signed, and the file can't be written.
    #[error("{}: {source}. The card has signed all the same", path.display())]
    SignedUnwritten {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A payment that isn't one of this till's that may be closed.
    #[error("there is no payment {0} here whose outcome is open")]
    NotToBeClosed(String),
    /// A service has the till's folder.
    #[cfg(feature = "serve")]
    #[error("the till's service at {0} has this folder, and its readers")]
    Served(String),
    /// The till's service doesn't answer any more.
    #[cfg(feature = "serve")]
    #[error("the till's service at {0} doesn't answer: {1}")]
    ServiceLost(String, String),
    /// The till's service doesn't do what it was asked.
    #[cfg(feature = "serve")]
    #[error("the till's service refuses it, {code}: {detail}")]
    ServiceRefused {
        /// The code of its problem.
        code: String,
        /// What it says.
        detail: String,
    },
    /// The service would be open to others.
    #[cfg(feature = "serve")]
    #[error("{0} isn't an address of this machine alone")]
    NotLoopback(std::net::SocketAddr),
    /// The service's address can't be had.
    #[cfg(feature = "serve")]
    #[error("{0} can't be listened at: {1}")]
    Listen(std::net::SocketAddr, std::io::Error),
    /// The shop's descriptor isn't one that a till takes.
    #[cfg(feature = "serve")]
    #[error("the descriptor can't be used: {0}")]
    Descriptor(String),
    /// Test cards pay with nothing.
    #[cfg(feature = "test-cards")]
    #[error("test cards aren't for mainnet")]
    TestCardsOnMainnet,
    /// The test readers can't be opened.
    #[cfg(feature = "test-cards")]
    #[error("the test readers can't be opened: {0}")]
    TestCards(String),
    /// There is no API key of this name.
    #[cfg(feature = "serve")]
    #[error("there is no key {0}")]
    NoKey(String),
    /// The environment asks for a log that there isn't.
    #[error("TILLCARD_LOG is “{0}”, which names no levels")]
    LogFilter(String),
    /// Standard input can't be read.
    #[error("standard input can't be read: {0}")]
    Input(std::io::Error),
    /// The process can't wait for signals.
    #[error("signals can't be waited for: {0}")]
    Signals(std::io::Error),
    /// The private chain can't be opened or served.
    #[cfg(feature = "regtest")]
    #[error(transparent)]
    Regtest(#[from] tillcard_regtest::RegtestError),
}

impl Explain for CliError {
    fn advice(&self) -> Advice {
        const NOTHING: &str = "nothing was done";
        match self {
            Self::Mainnet => Advice::new(
                "mainnet-not-allowed",
                NOTHING,
                "this program is young: test it elsewhere, or pass --mainnet",
            ),
            Self::PlainHttp(_) => Advice::new(
                "node-plain-http",
                NOTHING,
                "reach the node over a tunnel that ends on this machine (ssh -L), or pass --plain-http \
                 if you trust all on the way",
            ),
            Self::NoDataFolder => {
                Advice::new("data-folder-unknown", NOTHING, "name one with --folder")
            }
            Self::WrongNetwork(_) => Advice::new(
                "address-wrong-network",
                NOTHING,
                "name an address of that network, or another node with --chain",
            ),
            Self::NoRoot => Advice::new(
                "root-missing-on-mainnet",
                NOTHING,
                "name the manufacturer's root certificate with --root, or pass --unverified-cards",
            ),
            Self::Uncertified => Advice::new(
                "card-uncertified-on-mainnet",
                NOTHING,
                "take another card, or pass --unverified-cards",
            ),
            Self::PinsDiffer => Advice::new("pins-differ", NOTHING, "run the command again"),
            Self::NotConfirmed => Advice::new(
                "not-confirmed",
                NOTHING,
                "run the command again and confirm, or pass --yes",
            ),
            Self::File { .. } => Advice::new(
                "file-failed",
                NOTHING,
                "check the file's name, that the disk has room, and that you may read or write it",
            ),
            Self::SignedUnwritten { .. } => Advice::new(
                "signed-unwritten",
                "nothing was sent, and the card takes the coins for spent from now on",
                "make room on the disk, or name another file with --output, and run the same command \
                 again: the card signs again for its owner",
            ),
            Self::NotToBeClosed(_) => Advice::new(
                "payment-not-closable",
                "nothing has changed",
                "look at its name and its --folder; one that the network has needs no closing: tillcard \
                 till resume",
            ),
            #[cfg(feature = "serve")]
            Self::Served(_) => Advice::new(
                "till-served",
                NOTHING,
                "take payments on its page, or end it first",
            ),
            #[cfg(feature = "serve")]
            Self::ServiceLost(..) => Advice::new(
                "till-service-lost",
                "if a card was asked to pay, it may have paid: don't take a second payment",
                "look at the payment on the till's page",
            ),
            #[cfg(feature = "serve")]
            Self::ServiceRefused { .. } => Advice::new(
                "till-service-refused",
                "what it refused wasn't done",
                "do what it says",
            ),
            #[cfg(feature = "serve")]
            Self::NotLoopback(_) => Advice::new(
                "listen-not-loopback",
                NOTHING,
                "listen at 127.0.0.1 and put a proxy with TLS before it, or pass --remote",
            ),
            #[cfg(feature = "serve")]
            Self::Listen(..) => Advice::new(
                "listen-failed",
                NOTHING,
                "end the program that listens there, or name another port with --listen",
            ),
            #[cfg(feature = "serve")]
            Self::Descriptor(_) => Advice::new(
                "descriptor-unusable",
                NOTHING,
                "export the receive descriptor from the shop's wallet: tr(…/0/*) or wpkh(…/0/*)",
            ),
            #[cfg(feature = "test-cards")]
            Self::TestCardsOnMainnet => Advice::new(
                "test-cards-on-mainnet",
                NOTHING,
                "leave --test-cards out, or name a node of another network with --chain",
            ),
            #[cfg(feature = "test-cards")]
            Self::TestCards(_) => Advice::new(
                "test-cards-failed",
                NOTHING,
                "check the node, and that a folder for temporary files can be written",
            ),
            #[cfg(feature = "serve")]
            Self::NoKey(_) => Advice::new(
                "api-key-unknown",
                NOTHING,
                "look its name up with tillcard till key list",
            ),
            Self::LogFilter(_) => Advice::new(
                "log-filter-invalid",
                NOTHING,
                "set it to error, warn, info, debug or trace, or to PART=LEVEL,…",
            ),
            Self::Input(_) => Advice::new(
                "input-failed",
                NOTHING,
                "run the program in a terminal, or give it what it asks for on standard input",
            ),
            Self::Signals(_) => Advice::new("signals-failed", NOTHING, "run the command again"),
            #[cfg(feature = "regtest")]
            Self::Regtest(_) => Advice::new(
                "regtest-failed",
                "regtest coins are worth nothing",
                "stop the other program that uses the chain's folder or port; if there is none, \
                 remove the folder",
            ),
        }
    }
}
