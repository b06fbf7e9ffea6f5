//! `tillcard owner issue`.

use super::Place;
use super::limit_flags::LimitFlags;
use super::new_pin::ask_new_pin;
use crate::card::{self, CardError, IssueOrder, Policy};
use crate::cli::Failure;
use crate::cli::output::line;
use crate::cli::trust::TrustArguments;
use crate::owner::{Leaf, Limits, NewCard, Owner, OwnerError};
use crate::transport::Readers;

/// Makes a fresh card the owner's.
#[derive(clap::Args)]
pub(in crate::cli) struct Issue {
    #[command(flatten)]
    place: Place,
    /// Part of the reader's name [default: any reader with a Tillcard in it]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// What you call the card
    #[arg(long, default_value = "card")]
    label: String,
    #[command(flatten)]
    limits: LimitFlags,
    /// Give the card a key that comes from your backup words (BIP85, BIP86), in place of one that
    /// it makes: the words alone then bring its coins back, and whoever reads them has the card's
    /// key too
    #[arg(long)]
    import: bool,
    /// Have the coins wait so many blocks before you can take them without the card: a shop may
    /// then trust a young payment more, and blocking a lost card takes longer [default: 0]
    #[arg(
        long,
        value_name = "BLOCKS",
        default_value_t = 0,
        hide_default_value = true
    )]
    leaf_delay: u16,
    /// Leave your own key out of the card's coins, so that they look like anybody's; only with
    /// --import, by which you can take them all the same
    #[arg(long, requires = "import", conflicts_with = "leaf_delay")]
    no_leaf: bool,
    /// Keep the card's key off the chain: saves 92 vbytes of the first top-up, and then words and
    /// chain alone don't bring the card's coins back
    #[arg(long)]
    no_backup_on_chain: bool,
    /// Let the card take PIN and payments in plain sessions too, for readers with a PIN pad of
    /// their own: whoever listens between card and reader then learns the PIN
    #[arg(long)]
    plain_readers: bool,
    /// Let the card promise shops to sign nothing else for the coins of a payment: you then can't
    /// cancel it with the card
    #[arg(long)]
    statements: bool,
    #[command(flatten)]
    trust: TrustArguments,
}

impl Issue {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (mut owner, chain) = self.place.open()?;
        let limits = self.limits.over(&Limits::DEFAULT)?;
        let readers = Readers::establish(self.reader.as_deref())?;
        let mut session = card::open(readers.connect()?)?.factory()?;
        let standing = self.trust.meet(&mut session, owner.network())?;
        line("The card will allow shops:");
        line(limits);
        let pin = ask_new_pin()?;

        let number = owner.next_card_number()?;
        let key = match self.import {
            true => Some(owner.imported_key(number)?),
            false => None,
        };
        let order = IssueOrder {
            network: owner.network(),
            owner_key: owner.owner_key(number)?.public(),
            leaf: self.leaf(&owner, number)?,
            import: key.as_ref(),
            pin: &pin,
            limits: card::Limits::from(&limits),
            policy: Policy {
                plain_sessions: self.plain_readers,
                statements: self.statements,
            },
        };
        let session = session.prepare(&order).map_err(|failed| failed.error)?;
        let new_card = NewCard {
            number,
            label: self.label,
            issued: session.expected(),
            limits,
            backup_on_chain: !self.no_backup_on_chain,
        };
        // Written down first: whatever becomes of its answer, its coins are found.
        let record = owner.expect_card(new_card, &chain)?;
        let (issued, session) = match session.issue() {
            Ok(issued) => issued,
            Err(failed) => return Err(not_issued(&mut owner, number, failed.error)?),
        };
        if let Err(error) = standing.expect(&issued) {
            return Err(not_issued(&mut owner, number, error)?);
        }
        let record = owner
            .confirm_card(record, issued.own_keys)
            .map_err(|error| Failure::new(format!("{error}. The card is issued: {ADOPT}")))?;
        session.close()?;
        line(format_args!(
            "Card {number} is yours; it has signed what it believes of itself."
        ));
        match record.account.leaf() {
            Leaf::None => line("Only its key spends its coins, and your words give you that key."),
            Leaf::Key { .. } => line("Should it be lost, you take its coins back at any time."),
            Leaf::Delayed { blocks, .. } if self.import => line(format_args!(
                "Should it be lost, your words give you its key. Without it, your own takes its \
                 coins once they are {blocks} blocks deep."
            )),
            Leaf::Delayed { blocks, .. } => line(format_args!(
                "Should it be lost, you take its coins back once they are {blocks} blocks deep."
            )),
        }
        line("Fill it with tillcard owner topup.");
        Ok(())
    }
}

impl Issue {
    fn leaf(&self, owner: &Owner, number: u32) -> Result<Leaf, OwnerError> {
        Ok(match self.no_leaf {
            true => Leaf::None,
            false => Leaf::with_delay(owner.leaf_key(number)?, self.leaf_delay),
        })
    }
}

const ADOPT: &str = "take it up with tillcard owner adopt";

/// Why a card isn't issued, as far as that is known.
fn not_issued(owner: &mut Owner, number: u32, error: CardError) -> Result<Failure, OwnerError> {
    match error {
        CardError::Refused { .. } | CardError::DishonestKey | CardError::IssueRecord(_) => {
            owner.forget_expected(number)?;
            Ok(error.into())
        }
        _ => Ok(Failure::new(format!(
            "{error}. It isn't known whether the card is issued. If it is, {ADOPT}"
        ))),
    }
}
