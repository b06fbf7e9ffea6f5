//! `tillcard till serve`.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bitcoin::{Amount, Network};

use super::{Cards, ShopArguments, folder_or_default, poll_interval};
use crate::cli::chain::ChainArguments;
use crate::cli::output::line;
use crate::cli::{CliError, Failure, arguments};
#[cfg(feature = "test-cards")]
use crate::service::TestReaders;
use crate::service::{
    self, Addresses, Book, Confirmations, Currency, Defaults, FolderLock, RateSource, Rates, Setup,
};

/// By which name the network is kept, for a start without the node.
const NETWORK: &str = "network";

/// Takes payments by an API and a page, until it is told to end (Ctrl-C). A payment that is under way
/// when it ends, however it ends, goes on when it is started again: nothing is paid twice.
#[derive(clap::Args)]
pub(in crate::cli) struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8043")]
    listen: SocketAddr,
    /// Listen at an address that other computers reach: nothing protects keys and PINs on the way, so
    /// that a proxy with TLS belongs before it
    #[arg(long)]
    remote: bool,
    #[command(flatten)]
    chain: ChainArguments,
    /// The shop's receive descriptor, such as "tr([d34db33f/86h/0h/0h]xpub…/0/*)": each payment gets a
    /// fresh address of it. It holds no private key
    #[arg(
        long,
        value_name = "DESCRIPTOR",
        env = "TILLCARD_DESCRIPTOR",
        hide_env_values = true
    )]
    descriptor: Option<String>,
    #[command(flatten)]
    depths: Depths,
    #[command(flatten)]
    currency: CurrencyArguments,
    #[command(flatten)]
    shop: ShopArguments,
    /// How many seconds a payment waits for its card, unless its request says otherwise
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    patience: u64,
    #[command(flatten)]
    cards: Cards,
    /// Test mode: the emulator's readers and named cards in the place of real ones, put in by
    /// POST /v1/test/readers/READER/present. Refused on mainnet
    #[cfg(feature = "test-cards")]
    #[arg(long)]
    test_cards: bool,
    /// Where the test readers are, when this program was started anew to see them
    #[cfg(feature = "test-cards")]
    #[arg(long, hide = true)]
    test_socket: Option<PathBuf>,
    /// Where payments are written down [default: tillcard/till in the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Print where it listens as a JSON object
    #[arg(long)]
    json: bool,
}

/// How many blocks a payment waits for.
#[derive(clap::Args)]
struct Depths {
    /// Blocks that must bury a payment before it is settled, unless its request says otherwise
    #[arg(long, value_name = "BLOCKS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    confirmations: u32,
    /// Blocks of payments above an amount, such as 100000:2; may be given several times
    #[arg(long, value_name = "SAT:BLOCKS", value_parser = amount_and_blocks)]
    confirmations_above: Vec<(Amount, u32)>,
    /// Settle payments up to this amount without a block: their payers may take them back
    #[arg(long, value_name = "SAT", default_value = "0", value_parser = arguments::amount)]
    unconfirmed_up_to: Amount,
}

impl Depths {
    fn confirmations(&self) -> Confirmations {
        Confirmations {
            least: self.confirmations,
            above: self.confirmations_above.clone(),
            unconfirmed_up_to: self.unconfirmed_up_to,
        }
    }
}

/// The shop's currency.
#[derive(clap::Args)]
struct CurrencyArguments {
    /// The shop's currency, such as EUR, in which requests may say their price
    #[arg(long, value_name = "CODE", requires = "rate")]
    currency: Option<Currency>,
    /// What a bitcoin costs in it: static:58000.00, file:PATH of a file with that number, or
    /// http://127.0.0.1:PORT/… of a program that answers with it
    #[arg(long, value_name = "SOURCE", requires = "currency")]
    rate: Option<RateSource>,
    /// A rate that is older is used for no payment
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    rate_max_age: u64,
}

impl CurrencyArguments {
    fn rates(&self) -> Option<Rates> {
        Some(Rates {
            currency: self.currency.clone()?,
            source: self.rate.clone()?,
            max_age: Duration::from_secs(self.rate_max_age),
        })
    }
}

fn amount_and_blocks(text: &str) -> Result<(Amount, u32), String> {
    let (amount, blocks) = text.split_once(':').ok_or("it is no SAT:BLOCKS")?;
    let blocks = blocks.parse().map_err(|_| "BLOCKS is no number")?;
    Ok((arguments::amount(amount)?, blocks))
}

impl Serve {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        if !self.remote && !self.listen.ip().is_loopback() {
            return Err(CliError::NotLoopback(self.listen).into());
        }
        #[cfg(feature = "test-cards")]
        if self.test_cards && self.test_socket.is_none() {
            let error = crate::own_reader::start_anew("--test-socket");
            return Err(CliError::TestCards(error.to_string()).into());
        }
        let folder = folder_or_default(self.folder.as_deref())?;
        let lock = take(&folder)?;
        let listener =
            TcpListener::bind(self.listen).map_err(|e| CliError::Listen(self.listen, e))?;
        let book = Book::open(&folder)?;
        let network = self.network(&book)?;
        let addresses = (self.descriptor.as_deref())
            .map(|descriptor| Addresses::parse(descriptor, network))
            .transpose()
            .map_err(CliError::Descriptor)?;
        #[cfg(feature = "test-cards")]
        let test_readers = self.test_readers(network)?;
        let setup = Setup {
            #[cfg(feature = "test-cards")]
            test_readers,
            addresses,
            rates: self.currency.rates(),
            chain: self.chain.config()?,
            network,
            rules: self.cards.rules(network)?,
            poll_interval: poll_interval(network),
            defaults: Defaults {
                confirmations: self.depths.confirmations(),
                fee_rate: self.shop.fee_rate,
                merchant: self.shop.merchant,
                patience: Duration::from_secs(self.patience),
            },
            folder,
        };
        let has_keys = !book.keys()?.is_empty();
        let json = self.json;
        service::serve(setup, book, lock, listener, |url| {
            started(url, json, has_keys)
        })?;
        Ok(())
    }

    #[cfg(feature = "test-cards")]
    fn test_readers(&self, network: Network) -> Result<Option<TestReaders>, Failure> {
        let Some(socket) = &self.test_socket else {
            return Ok(None);
        };
        if network == Network::Bitcoin {
            return Err(CliError::TestCardsOnMainnet.into());
        }
        let is_regtest = network == Network::Regtest;
        let readers = TestReaders::open(socket, &self.chain.config()?, is_regtest);
        Ok(Some(readers.map_err(CliError::TestCards)?))
    }

    /// The node's network; the one of last time when the node can't be asked.
    fn network(&self, book: &Book) -> Result<Network, Failure> {
        match (self.chain.connect(), book.fact(NETWORK)?) {
            (Ok((_, network)), _) => {
                book.keep_fact(NETWORK, &network.to_string())?;
                Ok(network)
            }
            (Err(failure), known) => {
                let known = known.and_then(|known| known.parse().ok());
                let known = known.filter(|network| self.chain.allows(*network));
                known.ok_or(failure)
            }
        }
    }
}

fn take(folder: &Path) -> Result<FolderLock, Failure> {
    let file = |source| CliError::File {
        path: folder.to_owned(),
        source,
    };
    let taken = FolderLock::take(folder).map_err(file)?;
    Ok(taken.map_err(CliError::Served)?)
}

fn started(url: &str, json: bool, has_keys: bool) {
    if json {
        line(serde_json::json!({ "url": url }));
        return;
    }
    line(format_args!("The till listens at {url}"));
    if !has_keys {
        line("Nobody has a key yet. Draw one: tillcard till key new clerk --scope read,take");
    }
}
