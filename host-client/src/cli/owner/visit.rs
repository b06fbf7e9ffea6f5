//! What the commands share for which the owner has his card at hand.

use super::{Place, choose_card};
use crate::card::{self, CardError, Issued, Session};
use crate::chain::CoreRpc;
use crate::cli::Failure;
use crate::cli::output::ChainProgress;
use crate::owner::{CardRecord, Fate, History, Owner, fates};
use crate::transport::{Pcsc, Readers};

/// Which card, and where it is.
#[derive(clap::Args)]
pub(super) struct Visit {
    #[command(flatten)]
    pub(super) place: Place,
    /// The card's number [default: the only card]
    #[arg(long, value_name = "NUMBER")]
    pub(super) card: Option<u32>,
    /// Part of the reader's name [default: any reader with a Tillcard in it]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
}

/// An owner with his card in the reader, in a secure channel; its key and limits are known.
pub(super) struct Visited {
    pub(super) owner: Owner,
    pub(super) chain: CoreRpc,
    pub(super) record: CardRecord,
    pub(super) session: Session<Pcsc, Issued>,
}

impl Visit {
    pub(super) fn open(&self) -> Result<Visited, Failure> {
        let (mut owner, chain) = self.place.open()?;
        let mut record = choose_card(&owner, self.card)?;
        let readers = Readers::establish(self.reader.as_deref())?;
        let session = card::open(readers.connect()?)?.issued()?;
        session.expect_network(owner.network())?;
        let session = owner.meet(&mut record, session)?;
        Ok(Visited {
            owner,
            chain,
            record,
            session,
        })
    }
}

/// A card's refusal at home. One that doesn't know the owner is another card.
pub(super) fn at_home(number: u32) -> impl Fn(CardError) -> Failure {
    move |error| match error.status() {
        Some(0x6982) => Failure::new(format!(
            "the card in the reader isn't card {number} of this owner: put that one in, or name \
             the other with --card"
        )),
        _ => error.into(),
    }
}

/// What became of a card's payments.
pub(super) fn look_up(
    history: &History,
    record: &CardRecord,
    chain: &CoreRpc,
) -> Result<Vec<Fate>, Failure> {
    let mut progress = ChainProgress::default();
    Ok(fates(
        &history.payments,
        chain,
        record.birthday,
        &mut |height, tip| progress.show(height, tip),
    )?)
}
