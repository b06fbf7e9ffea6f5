//! `tillcard owner cancel` and `tillcard owner resolve`.

use super::visit::{Visit, Visited, at_home, look_up};
use crate::chain::{Chain, FeeRate};
use crate::cli::output::line;
use crate::cli::{Failure, arguments};
use crate::owner::{Fate, History, plan_cancel};
use crate::text::{counted, sat};

/// Blocks within which a cancellation should confirm, for the fee estimate: it races the payment.
const CONFIRMATION_TARGET: u16 = 1;

/// Takes a payment back that isn't in a block: its coins go to your wallet, for a higher fee.
#[derive(clap::Args)]
pub(in crate::cli) struct Cancel {
    /// The payment's number in the card's log
    number: u32,
    /// Fee rate in sat/vB, at least [default: the node's estimate for the next block]
    #[arg(long, value_name = "RATE", value_parser = arguments::fee_rate)]
    fee_rate: Option<FeeRate>,
    #[command(flatten)]
    visit: Visit,
}

impl Cancel {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited {
            mut owner,
            chain,
            record,
            session,
        } = self.visit.open()?;
        let fee_rate = match self.fee_rate {
            Some(rate) => rate,
            None => chain.fee_rate(CONFIRMATION_TARGET)?,
        };
        let authority = owner.authority(&record)?;
        let mut card = session.as_owner(&authority);
        let refused = at_home(record.number);
        let history = History::read(&mut card).map_err(&refused)?;
        let at = position(&history, self.number)?;
        let fates = look_up(&history, &record, &chain)?;
        let order = plan_cancel(
            &record.account,
            &history.contents,
            &history.payments[at],
            fates[at],
            &chain,
            owner.next_script()?,
            fee_rate,
        )?;
        let signatures = card.sign(&order).map_err(&refused)?;
        card.close()?;
        let transaction = order.signed(&signatures);
        owner.send_signed(&chain, &transaction)?;
        line(format_args!(
            "Sent {}, which takes the coins of payment {} home for a fee of {}. Whichever of the \
             two comes into a block first stands.",
            transaction.compute_txid(),
            self.number,
            sat(order.fee().unwrap_or_default())
        ));
        line(format_args!(
            "When it is in a block: tillcard owner resolve {}",
            self.number
        ));
        Ok(())
    }
}

/// Tells the card that a payment never will be, because another transaction with its coins is in a
/// block.
#[derive(clap::Args)]
pub(in crate::cli) struct Resolve {
    /// The payment's number in the card's log
    number: u32,
    /// Blocks that must bury that transaction
    #[arg(long, value_name = "BLOCKS", default_value_t = 6)]
    confirmations: u32,
    #[command(flatten)]
    visit: Visit,
}

impl Resolve {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited {
            owner,
            chain,
            record,
            session,
        } = self.visit.open()?;
        let authority = owner.authority(&record)?;
        let mut card = session.as_owner(&authority);
        let refused = at_home(record.number);
        let history = History::read(&mut card).map_err(&refused)?;
        let at = position(&history, self.number)?;
        let fates = look_up(&history, &record, &chain)?;
        match fates[at] {
            Fate::Conflicted { confirmations, .. } if confirmations >= self.confirmations => {}
            Fate::Conflicted { by, confirmations } => {
                return Err(Failure::new(format!(
                    "{by} is {} deep: wait until it is {}, or say --confirmations {confirmations}",
                    counted(confirmations, "block"),
                    self.confirmations
                )));
            }
            fate => {
                return Err(Failure::new(format!(
                    "payment {} isn't to be resolved; it is {fate}",
                    self.number
                )));
            }
        }
        card.resolve(self.number).map_err(&refused)?;
        card.close()?;
        line(format_args!(
            "The card knows now that payment {} never will be: its limits have it back.",
            self.number
        ));
        Ok(())
    }
}

fn position(history: &History, number: u32) -> Result<usize, Failure> {
    let at = history
        .payments
        .iter()
        .position(|payment| payment.number == number);
    at.ok_or_else(|| Failure::new(format!("the card keeps no payment {number}")))
}
