//! `tillcard owner adopt`.

use super::Home;
use crate::cli::Failure;
use crate::cli::output::{line, with_progress};
use tillcard_client::card;
use tillcard_client::transport::Readers;

/// Takes up a card that is the owner's and that this folder doesn't know: its answer was lost when it
/// was issued, or the folder was. The card signs what it believes of itself, and that is checked as
/// when a card is issued.
#[derive(clap::Args)]
pub(in crate::cli) struct Adopt {
    #[command(flatten)]
    home: Home,
    /// Part of the reader's name [default: any reader with a Tillcard in it]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// Height of the chain when the card was issued, or less, if only the words know the card; it
    /// saves time only
    #[arg(long, value_name = "HEIGHT", default_value_t = 0)]
    since: u32,
}

impl Adopt {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (mut owner, chain) = self.home.open()?;
        let readers = Readers::establish(self.reader.as_deref())?;
        let session = card::open(readers.connect()?)?.issued()?;
        let known: Vec<u32> = owner.cards()?.iter().map(|card| card.number).collect();
        let (record, session) =
            with_progress(|progress| owner.adopt(session, self.since, &chain, progress))?;
        session.close()?;
        let number = record.number;
        if known.contains(&number) {
            line(format_args!(
                "This is card {number} ({}), which was known here.",
                record.label
            ));
        } else {
            line(format_args!(
                "Card {number} is yours; it has signed what it believes of itself."
            ));
        }
        line("It allows shops:");
        if let Some(limits) = record.limits {
            line(limits);
        }
        Ok(())
    }
}
