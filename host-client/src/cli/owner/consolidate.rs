//! `tillcard owner consolidate`.

use bitcoin::Amount;

use super::visit::{Visit, Visited, at_home};
use crate::chain::{Chain, FeeRate};
use crate::cli::output::{ChainProgress, line};
use crate::cli::{Failure, arguments};
use crate::owner::plan_consolidation;
use crate::text::sat;

/// Blocks within which a consolidation should confirm, for the fee estimate: it can wait.
const CONFIRMATION_TARGET: u16 = 36;

/// Moves the card's many coins into one.
#[derive(clap::Args)]
pub(in crate::cli) struct Consolidate {
    /// Fee rate in sat/vB [default: the node's estimate for some hours]
    #[arg(long, value_name = "RATE", value_parser = arguments::fee_rate)]
    fee_rate: Option<FeeRate>,
    #[command(flatten)]
    visit: Visit,
}

impl Consolidate {
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
        let contents = card.read_coins().map_err(&refused)?;
        let mut progress = ChainProgress::default();
        let view = owner.card_coins(&chain, record.number, &mut |height, tip| {
            progress.show(height, tip)
        })?;
        drop(progress);
        let index = record
            .next_receive_index
            .max(contents.header.next_receive)
            .max(view.next_receive_index);
        let order = plan_consolidation(
            &record.account,
            &view,
            &contents,
            index,
            fee_rate,
            usize::from(card.capabilities().max_signing_inputs),
            record
                .limits
                .map_or(Amount::MAX_MONEY, |limits| limits.fee_cap),
        )?;
        let signatures = card.sign(&order).map_err(&refused)?;
        card.close()?;
        let transaction = order.signed(&signatures);
        // Written before it is sent: whatever happens then, the tool knows of the coin.
        owner.note_own_payment(record.number, transaction.clone(), index)?;
        owner.send_signed(&chain, &transaction)?;
        line(format_args!(
            "{} coins become one of {}, for a fee of {}, in {}.",
            order.coins.len(),
            sat(transaction.output[0].value),
            sat(order.fee().unwrap_or_default()),
            transaction.compute_txid()
        ));
        line(format_args!(
            "When it is in a block, tell the card: tillcard owner topup --card {}",
            record.number
        ));
        Ok(())
    }
}
