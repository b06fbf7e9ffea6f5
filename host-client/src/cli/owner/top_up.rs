//! `tillcard owner topup`.

use std::time::Duration;

use bitcoin::Amount;
use tillcard::chain::{Chain, FeeRate};
use tillcard::owner::OwnerError;
use tillcard::text::sat;
use tillcard_client::transport::Readers;

use super::Home;
use crate::cli::output::line;
use crate::cli::{Failure, arguments};

/// How often the chain is asked whether a top-up is in a block.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Blocks within which a top-up should confirm, for the fee estimate.
const CONFIRMATION_TARGET: u16 = 6;

/// Pays to a card, and tells it of the coin.
#[derive(clap::Args)]
pub(in crate::cli) struct TopUp {
    #[command(flatten)]
    home: Home,
    /// The card's number [default: the only card]
    #[arg(long, value_name = "NUMBER")]
    card: Option<u32>,
    /// What the card gets; without it, the card is told of top-ups that it hasn't heard of
    #[arg(long, value_parser = arguments::amount)]
    amount: Option<Amount>,
    /// Fee rate in sat/vB [default: the node's estimate]
    #[arg(long, value_name = "RATE", value_parser = arguments::fee_rate)]
    fee_rate: Option<FeeRate>,
    /// Tell the card before the top-up is in a block: quicker, and wrong should it never be
    #[arg(long)]
    unconfirmed: bool,
    /// Part of the reader's name [default: any reader with a Tillcard in it]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
}

impl TopUp {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (mut owner, chain) = self.home.open()?;
        let number = owner.choose_card(self.card)?.number;
        if let Some(amount) = self.amount {
            let fee_rate = match self.fee_rate {
                Some(rate) => rate,
                None => chain.fee_rate(CONFIRMATION_TARGET)?,
            };
            let top_up = owner.top_up(&chain, number, amount, fee_rate)?;
            line(format_args!(
                "{} sent to card {number} in {}",
                sat(top_up.amount()),
                top_up.txid()
            ));
        } else {
            owner.resend_top_ups(&chain, number)?;
        }
        let pending: Vec<_> = owner.card(number)?.pending_top_ups().cloned().collect();
        if pending.is_empty() {
            line("The card has been told of all its coins.");
            return Ok(());
        }
        if !self.unconfirmed {
            for top_up in &pending {
                owner.await_top_up(&chain, top_up, POLL_INTERVAL, &mut || {
                    line(
                        "Waiting for a block (Ctrl-C is safe; go on later with the same command, \
                         without --amount)",
                    );
                })?;
            }
        }
        let readers = Readers::establish(self.reader.as_deref())?;
        let transport = readers.connect().map_err(OwnerError::TopUpUntold)?;
        let mut visit = owner.visit(Some(number), transport)?;
        owner.enter_top_ups(&mut visit, &pending, &mut |top_up, amount| {
            line(format_args!(
                "The card has checked {} and taken {}.",
                top_up.outpoint(),
                sat(amount)
            ));
        })?;
        visit.close()?;
        Ok(())
    }
}
