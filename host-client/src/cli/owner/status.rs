//! `tillcard owner status`.

use super::Place;
use crate::chain::Chain;
use crate::cli::Failure;
use crate::cli::output::{ChainProgress, line};
use crate::owner::{CardRecord, CardView, Leaf, Owner, Provenance};
use crate::text::sat;

/// Shows the wallet and its cards; no card is needed.
#[derive(clap::Args)]
pub(in crate::cli) struct Status {
    #[command(flatten)]
    place: Place,
}

impl Status {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (owner, chain) = self.place.open()?;
        let balance = owner.balance();
        line(format_args!(
            "Wallet on {}: {} (and {} not in a block yet, {} newly mined)",
            owner.network(),
            sat(balance.confirmed),
            sat(balance.unconfirmed),
            sat(balance.immature)
        ));
        let cards = owner.cards()?;
        if cards.is_empty() {
            line("No cards.");
        }
        for card in &cards {
            show_card(&owner, &chain, card)?;
        }
        Ok(())
    }
}

fn show_card(owner: &Owner, chain: &dyn Chain, card: &CardRecord) -> Result<(), Failure> {
    let mut progress = ChainProgress::default();
    let view = owner.card_coins(chain, card.number, &mut |height, tip| {
        progress.show(height, tip)
    })?;
    drop(progress);
    let state = if card.is_blocked() {
        "blocked"
    } else {
        "issued"
    };
    line(format_args!(
        "Card {} ({}): {state}",
        card.number, card.label
    ));
    if let Some(limits) = &card.limits {
        for limit in limits.to_string().lines() {
            line(format_args!("  {limit}"));
        }
    }
    line(format_args!("  key      {}", key_state(card)));
    line(format_args!("  backup   {}", backup_state(card)));
    show_coins(&view);
    let pending = card.pending_top_ups().count();
    if pending > 0 {
        line(format_args!(
            "  {pending} of its coins the card hasn't heard of: tillcard owner topup --card {}",
            card.number
        ));
    }
    Ok(())
}

fn key_state(card: &CardRecord) -> String {
    let origin = match card.provenance {
        Provenance::Made => "made on the card with our share",
        Provenance::Imported => "from your words",
    };
    match card.account.leaf() {
        Leaf::None => format!("{origin}; nothing but it spends the coins"),
        Leaf::Key { .. } => format!("{origin}; yours spends the coins too"),
        Leaf::Delayed { blocks, .. } => {
            format!("{origin}; yours spends the coins too, once they are {blocks} blocks deep")
        }
    }
}

fn backup_state(card: &CardRecord) -> String {
    if card.is_found_by_words() {
        return "words and chain bring it back".into();
    }
    match (card.backup_on_chain, card.backup) {
        (_, Some(txid)) => format!("words and chain bring it back (key, encrypted, in {txid})"),
        (true, None) => "its key goes onto the chain with its first top-up".into(),
        (false, None) => "words and chain don't bring its coins back: keep this folder".into(),
    }
}

fn show_coins(view: &CardView) {
    for coin in &view.coins {
        let place = match (coin.spent_by, coin.height) {
            (Some(by), _) => format!("spent by {by}"),
            (None, Some(height)) => format!("in block {height}"),
            (None, None) => "not in a block yet".into(),
        };
        line(format_args!(
            "  coin     {:>16}  {}  {place}",
            sat(coin.output.value),
            coin.outpoint
        ));
    }
}
