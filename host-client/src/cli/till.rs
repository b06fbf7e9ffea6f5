//! `tillcard till`.

#[cfg(feature = "serve")]
mod keys;
#[cfg(feature = "serve")]
mod serve;
#[cfg(feature = "serve")]
mod served;
#[cfg(feature = "serve")]
mod webhooks;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Amount, Network};
use clap::Subcommand;

use super::chain::ChainArguments;
use super::folders::data_folder;
use super::output::line;
use super::pin_input::StandardInput;
use super::trust::TrustArguments;
use super::{CliError, Failure, arguments, examples};
use tillcard::chain::{Chain, FeeRate};
use tillcard::text::{counted, sat};
use tillcard::till::{
    CardRules, Event, Outcome, PaymentRecord, PaymentStore, PaymentTerms, Settlement, Till,
};
use tillcard_client::card::Merchant;
use tillcard_client::transport::Readers;

/// Blocks within which a payment should confirm, for the fee estimate.
const CONFIRMATION_TARGET: u16 = 6;

/// What the shop does.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Take a payment: wait for a card, ask for the PIN, check, send, wait until settled
    #[command(after_help = examples::PAY)]
    Pay(Pay),
    /// Go on with payments that were interrupted; nothing is paid twice
    #[command(after_help = examples::RESUME)]
    Resume(Resume),
    /// Wait no longer for a payment whose outcome is open, at the shop's own risk
    #[command(after_help = examples::CLOSE)]
    Close(Close),
    /// Take payments by an API and a page, at several readers at once
    #[cfg(feature = "serve")]
    #[command(after_help = examples::SERVE)]
    Serve(serve::Serve),
    /// Say who may use the till's service
    #[cfg(feature = "serve")]
    #[command(subcommand, after_help = examples::KEY)]
    Key(keys::Command),
    /// Say which programs are told of the till's events
    #[cfg(feature = "serve")]
    #[command(subcommand, after_help = examples::WEBHOOK)]
    Webhook(webhooks::Command),
}

#[derive(clap::Args)]
pub(super) struct Pay {
    /// What the shop gets, in sat: 21000 or "21,000 sat"
    #[arg(long, value_parser = arguments::amount)]
    amount: Amount,
    /// The shop's address, a fresh one for each payment
    #[arg(long, value_name = "ADDRESS")]
    to: Address<NetworkUnchecked>,
    /// Part of the reader's name [default: any reader with a Tillcard in it]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    #[command(flatten)]
    chain: ChainArguments,
    /// Blocks that must bury the payment before it is settled; with 0 it is as soon as the node takes
    /// it, and may be taken back by its payer
    #[arg(long, value_name = "BLOCKS", default_value_t = 1)]
    confirmations: u32,
    #[command(flatten)]
    shop: ShopArguments,
    /// A hash of what is paid for, 64 hexadecimal digits, for the log of the holder's card
    #[arg(long, value_name = "HASH", value_parser = arguments::hash)]
    invoice: Option<[u8; 32]>,
    /// Ask the card first whether its owner allows this payment without a PIN
    #[arg(long)]
    no_pin: bool,
    /// Ask the card for a statement on the payment, and show until which block the owner can't take the
    /// payment back
    #[arg(long)]
    statement: bool,
    #[command(flatten)]
    cards: Cards,
    #[command(flatten)]
    ledger: Ledger,
}

/// Goes on with payments that a till left when it stopped.
#[derive(clap::Args)]
pub(super) struct Resume {
    /// Part of the reader's name, where a card has to be asked again [default: any reader with a
    /// Tillcard in it]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    #[command(flatten)]
    chain: ChainArguments,
    #[command(flatten)]
    cards: Cards,
    #[command(flatten)]
    ledger: Ledger,
}

/// Waits no longer for a payment whose outcome is open. It may still be paid: then it is to be paid
/// back. For payments whose card doesn't come back, or whose owner has cancelled them.
#[derive(clap::Args)]
pub(super) struct Close {
    /// The payment's name, as `till pay` tells it
    payment: String,
    #[command(flatten)]
    chain: ChainArguments,
    #[command(flatten)]
    ledger: Ledger,
}

/// What every payment of a shop has.
#[derive(clap::Args)]
struct ShopArguments {
    /// Fee rate in sat/vB, such as 2 or 1.5 [default: the node's estimate for six blocks]
    #[arg(long, value_name = "RATE", value_parser = arguments::fee_rate)]
    fee_rate: Option<FeeRate>,
    /// The shop's name, for the log of the holder's card: at most 32 bytes
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true,
        value_parser = arguments::merchant,
        env = "TILLCARD_MERCHANT"
    )]
    merchant: Merchant,
}

/// Which cards are taken.
#[derive(clap::Args)]
struct Cards {
    #[command(flatten)]
    trust: TrustArguments,
    /// Take cards without certificates too, if their owners allow that: PIN and payment go unprotected
    /// between card and reader [default: the till sends no PIN to a card without certificates]
    #[arg(long, help_heading = "Genuine cards")]
    plain: bool,
}

impl Cards {
    fn rules(&self, network: Network) -> Result<CardRules, Failure> {
        Ok(CardRules {
            vetting: self.trust.vetting(network)?,
            plain: self.plain,
        })
    }
}

/// Where payments are written down, and how they are told.
#[derive(clap::Args)]
struct Ledger {
    /// Where payments are written down [default: tillcard/till in the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Print each step as a JSON object on a line of its own
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Pay(pay) => pay.run(),
        Command::Resume(resume) => resume.run(),
        Command::Close(close) => close.run(),
        #[cfg(feature = "serve")]
        Command::Serve(serve) => serve.run(),
        #[cfg(feature = "serve")]
        Command::Key(key) => key.run(),
        #[cfg(feature = "serve")]
        Command::Webhook(webhook) => webhook.run(),
    }
}

impl Pay {
    fn run(self) -> Result<(), Failure> {
        #[cfg(feature = "serve")]
        {
            let folder = folder_or_default(self.ledger.folder.as_deref())?;
            if let Some(service) = served::Served::at(&folder)? {
                return service.pay(&self);
            }
        }
        let (chain, network) = self.chain.connect()?;
        let to = self
            .to
            .require_network(network)
            .map_err(|_| CliError::WrongNetwork(network))?;
        let fee_rate = match self.shop.fee_rate {
            Some(rate) => rate,
            None => chain.fee_rate(CONFIRMATION_TARGET)?,
        };
        let rules = self.cards.rules(network)?;
        let readers = Readers::establish(self.reader.as_deref())?;
        if self.reader.is_some() {
            // A mistyped name would be waited for in vain.
            readers.names()?;
        }
        let settlement = self.ledger.open(&chain, network)?;
        if !self.ledger.json {
            tell_open(&settlement.open_payments()?);
        }
        let mut till = Till {
            cards: readers,
            pins: StandardInput::default(),
            rules,
            settlement,
        };
        let outcome = till.pay(&PaymentTerms {
            amount: self.amount,
            to,
            fee_rate,
            confirmations: self.confirmations,
            merchant: self.shop.merchant,
            invoice: self.invoice,
            without_pin: self.no_pin,
            statement: self.statement,
        })?;
        ended(&[outcome])
    }
}

impl Resume {
    fn run(self) -> Result<(), Failure> {
        let (chain, network) = self.chain.connect()?;
        let mut settlement = self.ledger.open(&chain, network)?;
        let mut outcomes = settlement.resume()?;
        let asked = settlement.asked()?;
        if !asked.is_empty() {
            if !self.ledger.json {
                line(format_args!(
                    "Cards were asked for {}, and the outcome is open: put each in again, oldest \
                     first.",
                    counted(asked.len(), "payment")
                ));
            }
            let mut till = Till {
                cards: Readers::establish(self.reader.as_deref())?,
                pins: StandardInput::default(),
                rules: self.cards.rules(network)?,
                settlement,
            };
            outcomes.extend(till.ask_again()?);
        }
        if outcomes.is_empty() && !self.ledger.json {
            line("No payment is open.");
        }
        ended(&outcomes)
    }
}

impl Close {
    fn run(self) -> Result<(), Failure> {
        let (chain, network) = self.chain.connect()?;
        let mut settlement = self.ledger.open(&chain, network)?;
        match settlement.close(&self.payment)? {
            Some(_) => Ok(()),
            None => Err(CliError::NotToBeClosed(self.payment).into()),
        }
    }
}

/// Names the payments that may still be paid, before the clerk takes another one.
fn tell_open(open: &[PaymentRecord]) {
    if open.is_empty() {
        return;
    }
    line(
        "These payments of this till are open: they may still be paid. Don't take a second payment \
         for them; go on with them with `tillcard till resume`.",
    );
    for record in open {
        line(format_args!(
            "  {}: {} to {}, {}",
            record.id,
            sat(record.order.amount),
            record.to,
            record.state
        ));
    }
}

/// The till's folder.
fn folder_or_default(folder: Option<&Path>) -> Result<PathBuf, CliError> {
    folder.map_or_else(|| data_folder("till"), |folder| Ok(folder.to_owned()))
}

/// A service that has the folder is at its readers too.
#[cfg(feature = "serve")]
fn not_served(folder: &Path) -> Result<(), Failure> {
    let holder = crate::service::FolderLock::holder(folder).map_err(|source| CliError::File {
        path: folder.to_owned(),
        source,
    })?;
    match holder {
        Some(address) => Err(CliError::Served(address).into()),
        None => Ok(()),
    }
}

impl Ledger {
    fn open<'a>(&self, chain: &'a dyn Chain, network: Network) -> Result<Settlement<'a>, Failure> {
        let folder = folder_or_default(self.folder.as_deref())?;
        #[cfg(feature = "serve")]
        not_served(&folder)?;
        Ok(Settlement {
            chain,
            store: PaymentStore::open(&folder.join("payments"))?,
            poll_interval: poll_interval(network),
            on_event: if self.json {
                Box::new(print_json)
            } else {
                Box::new(|event| line(event))
            },
        })
    }
}

/// The exit code is that of the payment that needs most attention. One for which no card was asked needs
/// none.
fn ended(outcomes: &[Outcome]) -> Result<(), Failure> {
    let is_open = |outcome: &Outcome| matches!(outcome, Outcome::Open(_));
    let is_unpaid =
        |outcome: &Outcome| matches!(outcome, Outcome::Declined(_) | Outcome::Conflicted { .. });
    if outcomes.iter().any(is_open) {
        Err(Failure::open())
    } else if outcomes.iter().any(is_unpaid) {
        Err(Failure::declined())
    } else {
        Ok(())
    }
}

/// A test chain's next block may be there at once; others take minutes.
fn poll_interval(network: Network) -> Duration {
    match network {
        Network::Regtest => Duration::from_millis(50),
        _ => Duration::from_secs(2),
    }
}

fn print_json(event: &Event) {
    match serde_json::to_string(event) {
        Ok(json) => line(json),
        Err(error) => eprintln!("tillcard: a step can't be shown as JSON: {error}"),
    }
}
