//! `tillcard owner topup`.

use std::time::Duration;

use bitcoin::Amount;

use super::{Place, choose_card};
use crate::card;
use crate::chain::{Chain, ChainError, FeeRate, OutputState};
use crate::cli::output::line;
use crate::cli::{Failure, arguments};
use crate::owner::{self, CardChain};
use crate::text::sat;
use crate::transport::Readers;

/// How often the chain is asked whether a top-up is in a block.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Blocks within which a top-up should confirm, for the fee estimate.
const CONFIRMATION_TARGET: u16 = 6;

/// Pays to a card, and tells it of the coin.
#[derive(clap::Args)]
pub(in crate::cli) struct TopUp {
    #[command(flatten)]
    place: Place,
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
        let (mut owner, chain) = self.place.open()?;
        let number = choose_card(&owner, self.card)?.number;
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
        let mut record = owner.card(number)?;
        let pending: Vec<_> = record.pending_top_ups().cloned().collect();
        if pending.is_empty() {
            line("The card has been told of all its coins.");
            return Ok(());
        }
        if !self.unconfirmed {
            for top_up in &pending {
                wait_for_block(&chain, top_up)?;
            }
        }
        let readers = Readers::establish(self.reader.as_deref())?;
        let transport = readers.connect().map_err(|error| {
            Failure::new(format!(
                "{error}. The coin is on its way; tell the card of it later with: tillcard owner \
                 topup --card {number}"
            ))
        })?;
        let session = card::open(transport)?.issued()?;
        session.expect_network(owner.network())?;
        let session = owner.meet(&mut record, session)?;
        let authority = owner.authority(&record)?;
        let mut session = session.as_owner(&authority);
        for top_up in &pending {
            let amount = session.enter_coin(
                &top_up.transaction,
                top_up.vout,
                CardChain::Receive,
                top_up.index,
            )?;
            owner.mark_entered(number, &top_up.txid())?;
            line(format_args!(
                "The card has checked {} and taken {}.",
                top_up.outpoint(),
                sat(amount)
            ));
        }
        session.close()?;
        Ok(())
    }
}

fn wait_for_block(chain: &dyn Chain, top_up: &owner::TopUp) -> Result<(), Failure> {
    let mut told = false;
    loop {
        match chain.output(&top_up.outpoint()) {
            Ok(OutputState::Unspent {
                confirmations: 1.., ..
            }) => return Ok(()),
            Ok(OutputState::Unspent { .. }) => {
                if !std::mem::replace(&mut told, true) {
                    line(
                        "Waiting for a block (Ctrl-C is safe; go on later with the same command, without --amount)",
                    );
                }
            }
            Ok(OutputState::SpentOrUnknown) => {
                return Err(Failure::new(format!(
                    "the network doesn't know {}: try again later",
                    top_up.txid()
                )));
            }
            Err(ChainError::Unavailable { .. } | ChainError::WarmingUp { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}
