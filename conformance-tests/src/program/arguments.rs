//! What the tester says on the command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use tillcard_conform::case::Level;
use tillcard_conform::proforma::Ixit;
use tillcard_conform::schema::File;

/// Which cases of an interrupted run are put to the card again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Rerun {
    /// Those with FAIL, ERROR or INCONCLUSIVE.
    Failed,
}

/// The options of `run`.
#[derive(Clone, clap::Args)]
pub struct RunArguments {
    /// Goes on with the interrupted run whose report is in this folder, with its options.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = [
        "target", "filter", "report", "fresh_card_command", "sample", "batch", "operator", "atr",
        "reuse", "cards", "sacrificial", "level", "waivers", "ics", "ixit", "seed", "operator_timeout", "card_timeout",
    ])]
    pub resume: Option<PathBuf>,
    /// With --resume: runs those cases again, too, that FAILed, or were ERROR or INCONCLUSIVE.
    #[arg(long, requires = "resume", value_name = "WHICH")]
    pub rerun: Option<Rerun>,
    /// How many emulated cards are tested side by side, for `--target emulator`; as many as there
    /// are processors, if nobody says it.
    #[arg(long, value_name = "NUMBER")]
    pub jobs: Option<NonZeroUsize>,
    /// Ends the run after so many seconds, before the next case; --resume goes on with it.
    #[arg(long, value_name = "SECONDS")]
    pub max_time: Option<u64>,
    /// `emulator`: the reference card, in process. `pcsc` or `pcsc:READER`: the cards in a reader.
    /// `emulator-pcsc` or `emulator-pcsc:READER`: the reference card, in a virtual reader. READER
    /// is part of a reader's name. `command:LINE`: a program that answers for cards on its
    /// standard input and output (docs/conformance.md).
    #[arg(long, required_unless_present_any = ["resume", "ixit"])]
    pub target: Option<String>,
    /// What the card's maker says that it can do; the card is compared with it
    /// (docs/conformance.md; `probe` writes a first one).
    #[arg(long, value_name = "FILE")]
    pub ics: Option<PathBuf>,
    /// How the card is tested here: target, sample, patience; options of the command line go
    /// before it.
    #[arg(long, value_name = "FILE")]
    pub ixit: Option<PathBuf>,
    /// Where test values, and an emulated card's randomness, come from; 1 if nobody says it.
    #[arg(long)]
    pub seed: Option<u64>,
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
    /// How many seconds you have to change cards; 600 if nobody says it.
    #[arg(long, value_name = "SECONDS")]
    pub operator_timeout: Option<u64>,
    /// How many seconds the card has for an answer; 60 if nobody says it.
    #[arg(long, value_name = "SECONDS")]
    pub card_timeout: Option<u64>,
    /// What the sample is called, for the report.
    #[arg(long, value_name = "SERIAL")]
    pub sample: Option<String>,
    /// The batch that the sample is of, for the report.
    #[arg(long)]
    pub batch: Option<String>,
    /// Who runs the test, for the report.
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
    /// The ATR that the card's maker declares, in hexadecimal, if it is neither in --ics nor the
    /// reference card's.
    #[arg(long)]
    pub atr: Option<String>,
    /// Uses a card again after FACTORY RESET, once TC-RST-01 has passed; so it is always when you
    /// change cards by hand.
    #[arg(long)]
    pub reuse: bool,
    /// The most cards that the run may take; 6 when you change them by hand.
    #[arg(long, value_name = "NUMBER")]
    pub cards: Option<u32>,
    /// How far cards may be worn: D0 in a reader, and D3 where they cost nothing, if nobody says
    /// it. In a reader more than D0 needs --sample, with what the card in it is called, and D3
    /// --sacrificial too.
    #[arg(long)]
    pub level: Option<Wearing>,
    /// The cards in the reader may be used up: issuing can't be undone. Needs --sample.
    #[arg(long)]
    pub sacrificial: bool,
    /// Divergences that are put up with, each until a day (docs/conformance-lab.md).
    #[arg(long, value_name = "FILE")]
    pub waivers: Option<PathBuf>,
    /// The most seconds that anything is waited for, a person or a card.
    #[arg(long, value_name = "SECONDS")]
    pub max_wait: Option<u64>,
}

impl RunArguments {
    /// These options, and where they say nothing those of the laboratory.
    pub fn or(&self, ixit: &Ixit) -> Self {
        let sample = &ixit.sample;
        Self {
            target: self.target.clone().or_else(|| ixit.target.clone()),
            seed: self.seed.or(ixit.seed),
            fresh_card_command: (self.fresh_card_command.clone())
                .or_else(|| ixit.fresh_card_command.clone()),
            operator_timeout: self.operator_timeout.or(ixit.operator_timeout),
            card_timeout: self.card_timeout.or(ixit.card_timeout),
            cards: self.cards.or(ixit.cards),
            reuse: self.reuse || ixit.reuse,
            sample: self.sample.clone().or_else(|| sample.serial.clone()),
            batch: self.batch.clone().or_else(|| sample.batch.clone()),
            operator: (self.operator.clone()).or_else(|| sample.operator.clone()),
            ..self.clone()
        }
    }
}

/// How far a card may be worn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "verbatim")]
pub enum Wearing {
    /// It is read.
    D0,
    /// PIN tries are used up and given back.
    D1,
    /// Keys are written over.
    D2,
    /// What can't be undone.
    D3,
}

impl From<Wearing> for Level {
    fn from(wearing: Wearing) -> Self {
        match wearing {
            Wearing::D0 => Self::D0,
            Wearing::D1 => Self::D1,
            Wearing::D2 => Self::D2,
            Wearing::D3 => Self::D3,
        }
    }
}

/// The options of `probe`.
#[derive(clap::Args)]
pub struct ProbeArguments {
    /// Where the card is, as for `run`.
    #[arg(long)]
    pub target: String,
    /// The folder in which ics.toml and ixit.toml are made.
    pub folder: PathBuf,
}

/// The options of `judge`.
#[derive(clap::Args)]
pub struct JudgeArguments {
    /// The trace.jsonl of a run, with its report.json beside it.
    pub trace: PathBuf,
    /// Prints the report that the trace gives, as JSON.
    #[arg(long)]
    pub json: bool,
}

/// A file that has a schema.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Form {
    /// report.json
    Report,
    /// What --ics takes
    Ics,
    /// What --ixit takes
    Ixit,
    /// What --waivers takes
    Waivers,
}

impl From<Form> for File {
    fn from(form: Form) -> Self {
        match form {
            Form::Report => Self::Report,
            Form::Ics => Self::Ics,
            Form::Ixit => Self::Ixit,
            Form::Waivers => Self::Waivers,
        }
    }
}
