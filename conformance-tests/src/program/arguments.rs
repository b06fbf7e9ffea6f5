//! What the tester says on the command line.

use std::path::PathBuf;

/// Which cases of an interrupted run are put to the card again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Rerun {
    /// Those with FAIL, ERROR or INCONCLUSIVE.
    Failed,
}

/// The options of `run`.
#[derive(clap::Args)]
pub struct RunArguments {
    /// Goes on with the interrupted run whose report is in this folder, with its options.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = [
        "target", "filter", "report", "fresh_card_command", "sample", "batch", "operator", "atr",
        "reuse", "cards", "sacrificial",
    ])]
    pub resume: Option<PathBuf>,
    /// With --resume: runs those cases again, too, that FAILed, or were ERROR or INCONCLUSIVE.
    #[arg(long, requires = "resume", value_name = "WHICH")]
    pub rerun: Option<Rerun>,
    /// Ends the run after so many seconds, before the next case; --resume goes on with it.
    #[arg(long, value_name = "SECONDS")]
    pub max_time: Option<u64>,
    /// `emulator`: the reference card, in process. `pcsc` or `pcsc:READER`: the cards in a reader.
    /// `emulator-pcsc` or `emulator-pcsc:READER`: the reference card, in a virtual reader. READER
    /// is part of a reader's name. `command:LINE`: a program that answers for cards on its
    /// standard input and output (docs/conformance.md).
    #[arg(long, required_unless_present = "resume")]
    pub target: Option<String>,
    /// Where test values, and an emulated card's randomness, come from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only this case (TC-PIN-03), the cases of this area (PIN or TC-PIN), or those about this
    /// requirement (PIN-3); may be repeated.
    #[arg(long)]
    pub filter: Vec<String>,
    /// Writes report.json, junit.xml and trace.jsonl (PINs redacted) into this folder.
    #[arg(long)]
    pub report: Option<PathBuf>,
    /// A command that keeps a card that was never issued in the reader until it gets SIGTERM; run
    /// by sh anew for each card, with a number in TILLCARD_SEED. Without it you are asked.
    #[arg(long)]
    pub fresh_card_command: Option<String>,
    /// How many seconds you have to change cards.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub operator_timeout: u64,
    /// How many seconds the card has for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub card_timeout: u64,
    /// What the sample is called, for the report.
    #[arg(long, value_name = "SERIAL")]
    pub sample: Option<String>,
    /// The batch that the sample is of, for the report.
    #[arg(long)]
    pub batch: Option<String>,
    /// Who runs the test, for the report.
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
    /// The ATR that the card's maker declares, in hexadecimal, if it isn't the reference card's.
    #[arg(long)]
    pub atr: Option<String>,
    /// Uses a card again after FACTORY RESET, once TC-RST-01 has passed; so it is always when you
    /// change cards by hand.
    #[arg(long)]
    pub reuse: bool,
    /// The most cards that the run may take; 6 when you change them by hand.
    #[arg(long, value_name = "NUMBER")]
    pub cards: Option<u32>,
    /// The cards in the reader may be used up: issuing can't be undone.
    #[arg(long)]
    pub sacrificial: bool,
}
