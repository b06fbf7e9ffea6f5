//! `tillcard owner adopt`.

use super::Home;
use crate::cli::Failure;
use crate::cli::output::{line, with_progress};
use crate::cli::trust::TrustArguments;
use tillcard::owner::AdoptTerms;
use tillcard_client::card;
use tillcard_client::transport::Readers;

/// Takes up a card that is the owner's and that this folder doesn't know, or knows by words and chain
/// alone: its answer was lost when it was issued, or the folder was. Its certificates, and what it
/// signs of itself, are checked as when a card is issued.
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
    /// The card's number, if the search for it doesn't come so far [default: those in the folder, and
    /// 20 beyond the highest]
    #[arg(long, value_name = "NUMBER")]
    card: Option<u32>,
    #[command(flatten)]
    trust: TrustArguments,
}

impl Adopt {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (mut owner, chain) = self.home.open()?;
        let readers = Readers::establish(self.reader.as_deref())?;
        let mut session = card::open(readers.connect()?)?.issued()?;
        let trust = self.trust.meet(&mut session, owner.network())?;
        let terms = AdoptTerms {
            uncertified: self.trust.unverified_cards(),
            number: self.card,
            since: self.since,
        };
        let known: Vec<u32> = owner.cards()?.iter().map(|card| card.number).collect();
        let (record, session) =
            with_progress(|progress| owner.adopt(session, &trust, terms, &chain, progress))?;
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
        if !record.certified {
            line(
                "Nobody vouches for it. If somebody sits between card and reader, its account and \
                 its keys may be his: he then gets what you send to it, and learns the next PIN that \
                 you set.",
            );
        }
        line("It allows shops:");
        if let Some(limits) = record.limits {
            line(limits);
        }
        Ok(())
    }
}
