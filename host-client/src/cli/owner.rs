//! `tillcard owner`.

mod acknowledge;
mod adopt;
mod block;
mod cancel;
mod coins;
mod consolidate;
mod ending;
mod enter;
mod genuine;
mod interrupt;
mod issue;
mod limit_flags;
mod limits;
mod log;
mod new;
mod new_pin;
mod pin;
mod policy;
mod rotate_key;
mod sign;
mod status;
mod top_up;
mod visit;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::chain::ChainArguments;
use super::folders::data_folder;
use super::output::with_progress;
use super::{Failure, examples};
use tillcard::chain::{Chain, CoreRpc};
use tillcard::owner::{Owner, OwnerError};

/// How often a folder is asked for that another program uses.
const IN_USE_INTERVAL: Duration = Duration::from_millis(200);

/// What the owner does.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Create a wallet and show its backup words, once
    New(new::New),
    /// Restore a wallet and its cards from the backup words and the chain
    Restore(new::Restore),
    /// Show a receive address of the wallet
    Address(new::Address),
    /// Issue a fresh card: its key, PIN and limits
    #[command(after_help = examples::ISSUE)]
    Issue(issue::Issue),
    /// Add a card of yours that this folder doesn't know
    Adopt(adopt::Adopt),
    /// Set a new PIN, or unblock the present one
    Pin(pin::Pin),
    /// Change the owner key that the card obeys
    RotateKey(rotate_key::RotateKey),
    /// Send coins to a card and tell it of them
    #[command(after_help = examples::TOP_UP)]
    Topup(top_up::TopUp),
    /// Show the wallet and its cards
    Status(status::Status),
    /// Block a lost card: move its coins to the wallet, without the card
    #[command(after_help = examples::BLOCK)]
    Block(block::Block),
    /// Show the card's payments
    Log(log::Log),
    /// Tell the card that you have read its log
    Acknowledge(acknowledge::Acknowledge),
    /// Show or set the card's limits
    Limits(limits::Limits),
    /// Show or set what the card allows in plain sessions, and whether it gives statements
    Policy(policy::Policy),
    /// Check the card's certificates, and that it is genuine
    Genuine(genuine::Genuine),
    /// Compare the card's coins with the chain
    Coins(coins::Coins),
    /// Tell the card of coins that the chain has for it
    Enter(enter::Enter),
    /// Sign a PSBT of the card's coins with the card
    #[command(after_help = examples::SIGN)]
    Sign(sign::Sign),
    /// Cancel a payment that isn't in a block yet
    Cancel(cancel::Cancel),
    /// Tell the card that a payment was cancelled for good
    Resolve(cancel::Resolve),
    /// Merge the card's coins into one
    Consolidate(consolidate::Consolidate),
    /// Reset the card to factory state, to be issued anew
    Reset(ending::Reset),
    /// Terminate the card, for good
    Terminate(ending::Terminate),
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::New(new) => new.run(),
        Command::Restore(restore) => restore.run(),
        Command::Address(address) => address.run(),
        Command::Issue(issue) => issue.run(),
        Command::Adopt(adopt) => adopt.run(),
        Command::Pin(pin) => pin.run(),
        Command::RotateKey(rotate_key) => rotate_key.run(),
        Command::Topup(top_up) => top_up.run(),
        Command::Status(status) => status.run(),
        Command::Block(block) => block.run(),
        Command::Log(log) => log.run(),
        Command::Acknowledge(acknowledge) => acknowledge.run(),
        Command::Limits(limits) => limits.run(),
        Command::Policy(policy) => policy.run(),
        Command::Genuine(genuine) => genuine.run(),
        Command::Coins(coins) => coins.run(),
        Command::Enter(enter) => enter.run(),
        Command::Sign(sign) => sign.run(),
        Command::Cancel(cancel) => cancel.run(),
        Command::Resolve(resolve) => resolve.run(),
        Command::Consolidate(consolidate) => consolidate.run(),
        Command::Reset(reset) => reset.run(),
        Command::Terminate(terminate) => terminate.run(),
    }
}

/// Which owner, and on which chain.
#[derive(Args)]
struct Home {
    /// The owner's folder [default: tillcard/owner in the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    chain: ChainArguments,
}

impl Home {
    fn folder(&self) -> Result<PathBuf, Failure> {
        match &self.folder {
            Some(folder) => Ok(folder.clone()),
            None => Ok(data_folder("owner")?),
        }
    }

    /// The owner, up to date with the chain.
    fn open(&self) -> Result<(Owner, CoreRpc), Failure> {
        let mut owner = Owner::open(&self.folder()?)?;
        let (chain, _) = self.chain.connect()?;
        chain.expect_network(owner.network())?;
        with_progress(|progress| owner.sync(&chain, progress))?;
        Ok((owner, chain))
    }

    /// The owner again, after others could use his folder.
    fn reopen(&self) -> Result<Owner, Failure> {
        let folder = self.folder()?;
        loop {
            match Owner::open(&folder) {
                Err(OwnerError::InUse(_)) => std::thread::sleep(IN_USE_INTERVAL),
                opened => return Ok(opened?),
            }
        }
    }
}
