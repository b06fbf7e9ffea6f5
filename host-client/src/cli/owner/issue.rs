//! `tillcard owner issue`.

use bitcoin::Amount;

use super::Place;
use crate::card::{self, IssueOrder, PinBlock};
use crate::chain::FeeRate;
use crate::cli::output::line;
use crate::cli::{Failure, arguments};
use crate::owner::{Limits, NewCard};
use crate::text::sat;
use crate::till::{PinSource, StandardInput};
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
    /// Most that a shop may ask at once
    #[arg(long, value_name = "AMOUNT", default_value = "200,000 sat", value_parser = arguments::amount)]
    per_payment: Amount,
    /// Most that all shops together may ever get, fees included
    #[arg(long, value_name = "AMOUNT", default_value = "2,000,000 sat", value_parser = arguments::amount)]
    cumulative: Amount,
    /// Most that one payment's fee may be
    #[arg(long, value_name = "AMOUNT", default_value = "10,000 sat", value_parser = arguments::amount)]
    fee_cap: Amount,
    /// Highest fee rate in sat/vB that a shop may ask for
    #[arg(long, value_name = "RATE", default_value = "50", value_parser = arguments::fee_rate)]
    max_fee_rate: FeeRate,
    /// Keep the card's key off the chain: saves 92 vbytes of the first top-up, and then words and
    /// chain alone don't bring the card's coins back
    #[arg(long)]
    no_backup_on_chain: bool,
}

impl Issue {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (mut owner, chain) = self.place.open()?;
        let limits = Limits {
            per_payment: self.per_payment,
            cumulative: self.cumulative,
            fee_cap: self.fee_cap,
            highest_fee_rate: self.max_fee_rate,
        };
        let readers = Readers::establish(self.reader.as_deref())?;
        let session = card::open(readers.connect()?)?.factory()?;
        let pin = ask_new_pin(&mut StandardInput::default())?;

        let number = owner.next_card_number()?;
        let order = IssueOrder {
            network: owner.network(),
            owner_key: owner.owner_key(number)?.public(),
            leaf_key: owner.leaf_key(number)?,
            pin: &pin,
            limits: card::Limits::from(&limits),
        };
        let (account, session) = session.issue(&order).map_err(|failed| failed.error)?;
        let descriptor = account.descriptor();
        let new_card = NewCard {
            number,
            label: self.label,
            account,
            limits,
            backup_on_chain: !self.no_backup_on_chain,
        };
        // The card will never tell its account again.
        owner.add_card(new_card, &chain).map_err(|error| {
            Failure::new(format!(
                "{error}. The card is issued and couldn't be written down: don't use it, or keep \
                 its descriptor {descriptor}"
            ))
        })?;
        session.close()?;
        line(format_args!(
            "Card {number} is yours. A shop may ask for up to {} at once, all shops together for {}.",
            sat(limits.per_payment),
            sat(limits.cumulative)
        ));
        line("Fill it with tillcard owner topup.");
        Ok(())
    }
}

fn ask_new_pin(source: &mut impl PinSource) -> Result<PinBlock, Failure> {
    let pin = source.ask("New PIN, 4 to 12 digits")?;
    let again = source.ask("The same again")?;
    if pin.as_bytes() != again.as_bytes() {
        return Err(Failure::new(
            "the two PINs differ: nothing was done, start over",
        ));
    }
    Ok(pin)
}

impl From<&Limits> for card::Limits {
    fn from(limits: &Limits) -> Self {
        Self {
            per_payment: limits.per_payment.to_sat(),
            cumulative: limits.cumulative.to_sat(),
            fee_cap: limits.fee_cap.to_sat(),
            max_fee_rate: limits.highest_fee_rate.to_sat_per_kvb(),
        }
    }
}
