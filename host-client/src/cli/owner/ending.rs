//! `tillcard owner reset` and `tillcard owner terminate`.

use std::io::{BufRead, IsTerminal};

use bitcoin::Amount;
use tillcard::chain::{CoreRpc, Reach};
use tillcard::owner::{CardRecord, Owner};
use tillcard::text::{counted, sat};
use tillcard_client::account::{Leaf, Provenance};
use tillcard_client::transport::Pcsc;

use super::visit::{Visit, Visited};
use crate::cli::chain::warn_if_behind;
use crate::cli::output::{line, with_progress};
use crate::cli::{CliError, Failure};

/// Has the card forget you, so that it can be issued anew, by anybody: key, coins, log, PIN, limits
/// and policy. Its own keys and certificates stay.
#[derive(clap::Args)]
pub(in crate::cli) struct Reset {
    #[command(flatten)]
    ending: Ending,
}

/// Ends the card's life: it forgets all, its own keys too, and is good for nothing any more.
#[derive(clap::Args)]
pub(in crate::cli) struct Terminate {
    #[command(flatten)]
    ending: Ending,
}

#[derive(clap::Args)]
struct Ending {
    /// Do it without asking
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    visit: Visit,
}

impl Reset {
    pub(super) fn run(self) -> Result<(), Failure> {
        let visit = self.ending.begin("reset")?;
        let number = visit.record.number;
        visit.factory_reset()?;
        line(format_args!(
            "Card {number} has forgotten you: it can be issued anew. Its file stays here, with the \
             keys to whatever is paid to its addresses yet: tillcard owner block --card {number}."
        ));
        Ok(())
    }
}

impl Terminate {
    pub(super) fn run(self) -> Result<(), Failure> {
        let visit = self.ending.begin("terminate")?;
        let number = visit.record.number;
        visit.terminate()?;
        line(format_args!(
            "Card {number} is at its end, for good. Its file stays here, with the keys to whatever \
             is paid to its addresses yet: tillcard owner block --card {number}."
        ));
        Ok(())
    }
}

impl Ending {
    /// Meets the card, says what is lost with it, and asks.
    fn begin(&self, word: &str) -> Result<tillcard::owner::Visit<Pcsc>, Failure> {
        let Visited {
            owner,
            chain,
            visit,
        } = self.visit.open()?;
        warn_of_coins(&owner, &chain, &visit.record)?;
        // The folder is free while the owner types: another card may have to be blocked.
        drop(owner);
        if !self.yes && !is_typed(word)? {
            visit.close()?;
            return Err(CliError::NotConfirmed.into());
        }
        Ok(visit)
    }
}

/// Says what the chain still has for the card, and how the owner gets that without it.
fn warn_of_coins(owner: &Owner, chain: &CoreRpc, card: &CardRecord) -> Result<(), Failure> {
    let view = with_progress(|progress| owner.card_coins(chain, card.number, progress))?;
    let coins = view.coins.iter().filter(|coin| coin.spent_by.is_none());
    let amounts: Vec<Amount> = coins.map(|coin| coin.output.value).collect();
    warn_if_behind(view.reach);
    if amounts.is_empty() {
        line(match view.reach {
            Reach::Complete => "The chain has no coins for this card.",
            Reach::Behind(_) => "Whether there are coins for this card isn't known.",
        });
        return Ok(());
    }
    line(format_args!(
        "The chain still has {} for this card: {}. Afterwards it can't pay with them any more.",
        sat(amounts.iter().copied().sum()),
        counted(amounts.len(), "coin"),
    ));
    line(match (card.account.leaf(), card.provenance) {
        (_, Provenance::Imported) | (Leaf::Key { .. }, _) => format!(
            "You get them all the same, with tillcard owner block --card {}: best do that first.",
            card.number
        ),
        (Leaf::Delayed { blocks, .. }, _) => format!(
            "You get them all the same, each once it is {blocks} blocks deep, with tillcard owner \
             block --card {}. To have them sooner, move them with the card first.",
            card.number
        ),
        (Leaf::None, Provenance::Made) => "Nobody gets them then: move them first.".to_owned(),
    });
    Ok(())
}

/// Whether the owner types the word.
fn is_typed(word: &str) -> Result<bool, Failure> {
    let input = std::io::stdin();
    if input.is_terminal() {
        eprint!("This can't be undone. Type “{word}” to do it: ");
    }
    let mut answer = String::new();
    input
        .lock()
        .read_line(&mut answer)
        .map_err(CliError::Input)?;
    Ok(answer.trim() == word)
}
