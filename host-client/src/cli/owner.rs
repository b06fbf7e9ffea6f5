//! `tillcard owner`.

mod block;
mod issue;
mod limit_flags;
mod new;
mod status;
mod top_up;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Failure;
use super::chain::ChainArguments;
use super::folders::data_folder;
use super::output::ChainProgress;
use crate::chain::{Chain, CoreRpc};
use crate::owner::{CardRecord, Owner};

/// What the owner does.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a new wallet and show its backup words, once
    New(new::New),
    /// Bring a wallet and its cards back from the backup words and the chain
    Restore(new::Restore),
    /// Show an address that pays the wallet
    Address(new::Address),
    /// Make a fresh card yours: its key, its PIN, its limits
    Issue(issue::Issue),
    /// Pay to a card and tell it of its new coin
    Topup(top_up::TopUp),
    /// Show the wallet and its cards as the chain knows them
    Status(status::Status),
    /// Take a lost card's coins back; the card isn't needed
    Block(block::Block),
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::New(new) => new.run(),
        Command::Restore(restore) => restore.run(),
        Command::Address(address) => address.run(),
        Command::Issue(issue) => issue.run(),
        Command::Topup(top_up) => top_up.run(),
        Command::Status(status) => status.run(),
        Command::Block(block) => block.run(),
    }
}

/// Which owner, and on which chain.
#[derive(Args)]
struct Place {
    /// The owner's folder [default: tillcard/owner in the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    chain: ChainArguments,
}

impl Place {
    fn folder(&self) -> Result<PathBuf, Failure> {
        match &self.folder {
            Some(folder) => Ok(folder.clone()),
            None => data_folder("owner"),
        }
    }

    /// The owner, up to date with the chain.
    fn open(&self) -> Result<(Owner, CoreRpc), Failure> {
        let mut owner = Owner::open(&self.folder()?)?;
        let (chain, _) = self.chain.connect()?;
        chain.expect_network(owner.network())?;
        let mut progress = ChainProgress::default();
        owner.sync(&chain, &mut |height, tip| progress.show(height, tip))?;
        Ok((owner, chain))
    }
}

/// The card of this number; without a number, the only one.
fn choose_card(owner: &Owner, number: Option<u32>) -> Result<CardRecord, Failure> {
    if let Some(number) = number {
        return Ok(owner.card(number)?);
    }
    let mut cards = owner.cards()?;
    match (cards.pop(), cards.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(Failure::new(
            "there are several cards: say which with --card (their numbers: tillcard owner status)",
        )),
        (None, _) => Err(Failure::new(
            "there is no card yet: issue one with tillcard owner issue",
        )),
    }
}
