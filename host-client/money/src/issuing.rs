//! Cards that are issued before the stories begin.

use tillcard_client::account::IssuedCard;
use tillcard_client::card::{self, IssueOrder};

use crate::card::{SharedCard, reference_card};
use crate::dice::Dice;
use crate::fuse::Fuse;
use crate::steps::Steps;
use crate::wire::{Contact, Contacts, Hostility};
use crate::world::Failure;

/// A card that was just issued, in a reader on an honest wire.
pub(crate) struct NewCard {
    /// The card.
    pub(crate) card: SharedCard,
    /// What it said of itself.
    pub(crate) issued: IssuedCard,
    reader: Contacts,
}

impl NewCard {
    /// Issues a card with this memory, whose choices come from this seed.
    ///
    /// # Errors
    /// When it refuses.
    pub(crate) fn issue(image: &[u8], seed: u64, order: &IssueOrder<'_>) -> Result<Self, Failure> {
        let card = SharedCard::new(&reference_card, image, seed);
        let (steps, fuse) = (Steps::default(), Fuse::new());
        let cards = vec![card.clone()];
        let reader = Contacts::new("home".into(), cards, Dice::new(0, 0), steps, fuse);
        reader.expect(&[0], Hostility::default());
        let session = card::open(reader.connect().ok_or("no card")?)?.factory()?;
        let (issued, session) = session.issue(order).map_err(|failed| failed.error)?;
        session.close()?;
        Ok(Self {
            card,
            issued,
            reader,
        })
    }

    /// Connects to it again.
    pub(crate) fn connect(&self) -> Result<Contact, Failure> {
        Ok(self.reader.connect().ok_or("no card")?)
    }
}
