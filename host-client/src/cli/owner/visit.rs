//! What the commands share for which the owner has the card at hand.

use tillcard::chain::CoreRpc;
use tillcard::owner::{self, Owner};
use tillcard_client::transport::{Pcsc, Readers};

use super::Home;
use crate::cli::Failure;

/// Which card, and where it is.
#[derive(clap::Args)]
pub(super) struct Visit {
    #[command(flatten)]
    home: Home,
    /// The card's number [default: the only card]
    #[arg(long, value_name = "NUMBER")]
    card: Option<u32>,
    /// Part of the reader's name [default: any reader with a Tillcard in it]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
}

/// An owner, his chain, and his card in the reader, in a secure channel.
pub(super) struct Visited {
    pub(super) owner: Owner,
    pub(super) chain: CoreRpc,
    pub(super) visit: owner::Visit<Pcsc>,
}

impl Visit {
    pub(super) fn open(&self) -> Result<Visited, Failure> {
        let (mut owner, chain) = self.home.open()?;
        // A wrong number is told before a card is looked for.
        let number = owner.choose_card(self.card)?.number;
        let readers = Readers::establish(self.reader.as_deref())?;
        let visit = owner.visit(Some(number), readers.connect()?)?;
        Ok(Visited {
            owner,
            chain,
            visit,
        })
    }
}
