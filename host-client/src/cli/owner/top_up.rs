//! `tillcard owner topup`.

use std::time::Duration;

use bitcoin::Amount;
use tillcard::chain::{Chain, CoreRpc, FeeRate};
use tillcard::owner::{self, AwaitedTopUps, OwnerError, await_top_ups};
use tillcard::text::sat;
use tillcard_client::transport::{Pcsc, Readers, TransportError};

use super::Home;
use super::interrupt::say_on_interrupt;
use crate::cli::chain::warn_if_behind;
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
    /// What the card gets, in sat. The card has to be in the reader: it is asked first whether it takes
    /// the coin. Without an amount, the card is told of top-ups that it hasn't heard of
    #[arg(long, value_name = "AMOUNT", value_parser = arguments::amount)]
    amount: Option<Amount>,
    /// Fee rate in sat/vB [default: the node's estimate for six blocks]
    #[arg(long, value_name = "RATE", value_parser = arguments::fee_rate)]
    fee_rate: Option<FeeRate>,
    /// Tell the card before the top-up is in a block: quicker, and wrong should it never be
    #[arg(long)]
    unconfirmed: bool,
    /// Part of the reader's name [default: any reader with a Tillcard in it]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
}

/// What holds at any moment of a top-up.
const GO_ON: &str = "Ended. A top-up that was signed is written down: tillcard owner topup, without \
                     --amount, sends it if it wasn't, and tells the card of it.";

impl TopUp {
    pub(super) fn run(self) -> Result<(), Failure> {
        say_on_interrupt(GO_ON)?;
        let (number, chain, pending) = self.send()?;
        if pending.is_empty() {
            line("The card has been told of all its coins.");
            return Ok(());
        }
        // The folder is free meanwhile: another card may have to be blocked.
        let awaited = match self.unconfirmed {
            true => AwaitedTopUps {
                confirmed: pending,
                unknown: Vec::new(),
            },
            false => await_top_ups(&chain, &pending, POLL_INTERVAL, &mut || {
                line(
                    "Waiting for a block (Ctrl-C is safe; go on later with the same command, without \
                     --amount)",
                );
            })?,
        };
        let mut left = awaited.unknown.len();
        if left > 0 {
            warn_if_behind(chain.reach()?);
        }
        for top_up in &awaited.unknown {
            line(format_args!(
                "{}, {}: not on the chain, or spent.",
                top_up.outpoint(),
                sat(top_up.amount())
            ));
        }
        let mut taken = 0;
        if !awaited.confirmed.is_empty() {
            let untold = |error: TransportError| OwnerError::TopUpUntold(error.into());
            let transport = self.connect().map_err(untold)?;
            let mut owner = self.home.reopen()?;
            let visit = owner.visit(Some(number), transport);
            let mut visit = visit.inspect_err(|_| {
                line(
                    "The card wasn't told of its coins: run tillcard owner topup, without --amount, \
                     when it is in the reader.",
                );
            })?;
            let told = &mut |top_up: &owner::TopUp, amount| {
                taken += 1;
                line(format_args!(
                    "The card has checked {} and taken {}.",
                    top_up.outpoint(),
                    sat(amount)
                ));
            };
            let refused = owner.enter_top_ups(&mut visit, &awaited.confirmed, told)?;
            visit.close()?;
            left += refused.len();
            for (top_up, error) in refused {
                line(format_args!(
                    "{}, {}: not taken: {error}.",
                    top_up.outpoint(),
                    sat(top_up.amount())
                ));
            }
        }
        match (taken, left) {
            (0, 1..) => Err(OwnerError::TopUpsLeft(left).into()),
            _ => Ok(()),
        }
    }

    /// Sends the top-up, or those again that may not have been sent. Returns the card's number and
    /// all top-ups that it is to be told of.
    fn send(&self) -> Result<(u32, CoreRpc, Vec<owner::TopUp>), Failure> {
        let (mut owner, chain) = self.home.open()?;
        let number = owner.choose_card(self.card)?.number;
        if let Some(amount) = self.amount {
            let fee_rate = match self.fee_rate {
                Some(rate) => rate,
                None => chain.fee_rate(CONFIRMATION_TARGET)?,
            };
            let mut visit = owner.visit(Some(number), self.connect()?)?;
            let top_up = owner.top_up_at_hand(&mut visit, &chain, amount, fee_rate)?;
            visit.close()?;
            line(format_args!(
                "{} sent to card {number} in {}",
                sat(top_up.amount()),
                top_up.txid()
            ));
        } else {
            for (top_up, error) in owner.resend_top_ups(&chain, number)? {
                line(format_args!(
                    "{}, {}: {error}.",
                    top_up.outpoint(),
                    sat(top_up.amount())
                ));
            }
        }
        let pending = owner.card(number)?.pending_top_ups().cloned().collect();
        Ok((number, chain, pending))
    }

    fn connect(&self) -> Result<Pcsc, TransportError> {
        Readers::establish(self.reader.as_deref())?.connect()
    }
}
