//! `tillcard owner status`.

use super::{Home, policy};
use crate::cli::Failure;
use crate::cli::chain::warn_if_behind;
use crate::cli::output::{line, with_progress};
use tillcard::chain::Chain;
use tillcard::owner::{AtHand, CardRecord, CardView, Owner};
use tillcard::text::sat;
use tillcard_client::account::{Leaf, Provenance};
use tillcard_client::card::{self, CardError, Opened, tries};
use tillcard_client::transport::Readers;

/// Shows the wallet and its cards. No card is needed; one that is in a reader is asked for what
/// only it knows.
#[derive(clap::Args)]
pub(in crate::cli) struct Status {
    #[command(flatten)]
    home: Home,
    /// Part of the reader's name [default: any reader with a Tillcard in it]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
}

impl Status {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (mut owner, chain) = self.home.open()?;
        let balance = owner.balance();
        line(format_args!(
            "Wallet on {}: {} (and {} not in a block yet, {} newly mined)",
            owner.network(),
            sat(balance.confirmed),
            sat(balance.unconfirmed),
            sat(balance.immature)
        ));
        warn_if_behind(chain.reach()?);
        let at_hand = self.ask_card(&mut owner)?;
        let cards = owner.cards()?;
        if cards.is_empty() {
            line("No cards.");
        }
        for card in &cards {
            let at_hand = at_hand.as_ref().filter(|said| said.number == card.number);
            show_card(&owner, &chain, card, at_hand)?;
        }
        Ok(())
    }

    /// Asks the card in the reader, if there is one of this owner's: nobody was told to put it in.
    fn ask_card(&self, owner: &mut Owner) -> Result<Option<AtHand>, Failure> {
        let transport = Readers::establish(self.reader.as_deref()).and_then(|r| r.connect());
        let opened = transport.map_err(CardError::from).and_then(card::open);
        match opened.and_then(Opened::issued) {
            Ok(session) => Ok(owner.ask_at_hand(session)?),
            Err(_) => Ok(None),
        }
    }
}

fn show_card(
    owner: &Owner,
    chain: &dyn Chain,
    card: &CardRecord,
    at_hand: Option<&AtHand>,
) -> Result<(), Failure> {
    let view = with_progress(|progress| owner.card_coins(chain, card.number, progress))?;
    let state = match (card.is_blocked(), card.unmet) {
        (true, _) => "blocked",
        (false, true) => "restored; whether it was blocked isn't known here",
        (false, false) => "issued",
    };
    line(format_args!(
        "Card {} ({}): {state}",
        card.number, card.label
    ));
    line(format_args!("  limits   {}", limits_state(card, at_hand)));
    if let Some(limits) = &card.limits {
        for limit in limits.to_string().lines() {
            line(format_args!("    {limit}"));
        }
    }
    if let Some(said) = at_hand {
        line(format_args!("  PIN      {}", pin_state(said)));
        line(format_args!(
            "  policy   {}",
            policy::lines(said.policy).join("; ")
        ));
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

fn limits_state(card: &CardRecord, at_hand: Option<&AtHand>) -> &'static str {
    match (at_hand, card.limits) {
        (Some(_), _) => "as the card says now",
        (None, Some(_)) => "as this PC last knew them; put the card in to read them from it",
        (None, None) => "not known here since the restore: put the card in, and run owner adopt",
    }
}

fn pin_state(said: &AtHand) -> String {
    match said.tries_left {
        0 => format!("blocked: tillcard owner pin --card {}", said.number),
        left => tries(left),
    }
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
