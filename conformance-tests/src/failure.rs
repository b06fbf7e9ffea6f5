//! What can go wrong beside the card's own behaviour, by stable codes.
//!
//! `docs/errors/conformance.md` lists each code with its meaning and what to do.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal,)*) => {
        /// A code that never changes its meaning. It stands in brackets after its message.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            /// All of them, in the order of their page in the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// As it is written.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

codes! {
    /// A filter means no case.
    UnknownFilter = "unknown-filter",
    /// The ATR given isn't hexadecimal.
    BadAtr = "bad-atr",
    /// The target given isn't one.
    BadTarget = "bad-target",
    /// There is no PC/SC service, or it doesn't answer.
    NoPcscService = "no-pcsc-service",
    /// No reader is connected, or none has the name given.
    NoReader = "no-reader",
    /// Several readers fit.
    WhichReader = "which-reader",
    /// The suite's own emulator was asked for in a reader that isn't vpcd's.
    NotVirtual = "not-virtual",
    /// The emulator's program isn't beside the suite's.
    NoEmulator = "no-emulator",
    /// The report or the trace can't be written.
    ReportNotWritten = "report-not-written",
    /// A file of a result, or a key, can't be read.
    Unreadable = "unreadable",
    /// A key isn't one.
    BadKey = "bad-key",
    /// A result isn't what was signed.
    BadSignature = "bad-signature",
    /// The card has no Tillcard application.
    NoApplication = "no-application",
    /// A card that should be fresh was issued before.
    AlreadyIssued = "already-issued",
    /// A card that should be fresh is terminated.
    AlreadyTerminated = "already-terminated",
    /// The maker's statement isn't one.
    BadIcs = "bad-ics",
    /// What should tell how a card is tested doesn't.
    BadIxit = "bad-ixit",
    /// The waivers aren't some.
    BadWaiver = "bad-waiver",
    /// Cards may not be worn as far as was asked, since something else wasn't said.
    BadLevel = "bad-level",
    /// There is no run in the folder that could go on.
    NothingToResume = "nothing-to-resume",
    /// The card isn't of the kind that the run began with.
    OtherCard = "other-card",
    /// The time that the run may take is over.
    TimeIsUp = "time-is-up",
    /// A trace is of another run.
    OtherTrace = "other-trace",
    /// A trace ends before the run does.
    TraceEnds = "trace-ends",
    /// The ledger let a PIN not through that could have cost a try which the card must keep.
    LedgerRefused = "ledger-refused",
    /// A card isn't as it was before a case that should leave it so.
    CardChanged = "card-changed",
    /// A signal ended the run.
    Interrupted = "interrupted",
    /// The suite has a fault.
    SuitePanicked = "suite-panicked",
    /// A card is in the reader, and doesn't answer to reset.
    CardMute = "card-mute",
    /// The reader was taken away.
    ReaderGone = "reader-gone",
    /// No card came into the reader in time.
    NoCard = "no-card",
    /// The card wasn't taken out of the reader in time.
    CardNotRemoved = "card-not-removed",
    /// There is no terminal at which a person could be asked.
    NoTerminal = "no-terminal",
    /// The program that brings cards can't be started.
    CardProgramFailed = "card-program-failed",
    /// The card didn't answer in time.
    CardSilent = "card-silent",
    /// The card's answer had no status word: it went away while it had a command.
    CardWentAway = "card-went-away",
    /// The reader or its service reported an error.
    ReaderFailed = "reader-failed",
    /// The emulated card failed.
    EmulatorFailed = "emulator-failed",
}

impl Code {
    /// Whether no other card will come either, so that the run can't go on.
    #[must_use]
    pub const fn leaves_no_card(self) -> bool {
        matches!(
            self,
            Self::NoCard
                | Self::CardNotRemoved
                | Self::NoTerminal
                | Self::ReaderGone
                | Self::OtherTrace
                | Self::TraceEnds
        )
    }

    /// What went wrong in this instance.
    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> Failure {
        Failure {
            code: self,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of thing.
    pub code: Code,
    /// What happened, and what to do, for the person at the terminal.
    pub reason: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.reason, self.code)
    }
}

impl std::error::Error for Failure {}
