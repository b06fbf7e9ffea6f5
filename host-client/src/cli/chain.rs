//! Which chain, and the guard that keeps tests away from real money.

use bitcoin::Network;
use clap::Args;

use super::output::line;
use super::{CliError, Failure};
use tillcard::chain::{Chain, CoreRpc, CoreRpcConfig, Reach};

/// Which chain to ask.
#[derive(Args)]
pub(super) struct ChainArguments {
    /// The Bitcoin node: `core:URL`, with the cookie file or the user in the URL, such as
    /// core:http://127.0.0.1:18443?cookie=/var/lib/bitcoind/regtest/.cookie or
    /// core:http://user:password@127.0.0.1:18443. `core:regtest`, `core:signet` and so on are this
    /// user's node on this machine
    #[arg(
        long,
        value_name = "CHAIN",
        default_value = "core:regtest",
        env = "TILLCARD_CHAIN",
        hide_env_values = true
    )]
    chain: CoreRpcConfig,
    /// Believe a node on another computer over plain HTTP: whoever sits between learns its password,
    /// and can say of the chain what he likes
    #[arg(long)]
    plain_http: bool,
    /// Let real money be moved
    #[arg(long)]
    mainnet: bool,
}

impl ChainArguments {
    /// The chain, reached and known to be allowed.
    pub(super) fn connect(&self) -> Result<(CoreRpc, Network), Failure> {
        let chain = CoreRpc::new(self.config()?);
        let network = chain.network()?;
        if !self.allows(network) {
            return Err(CliError::Mainnet.into());
        }
        Ok((chain, network))
    }

    /// Where the chain is, if nobody listens on the way.
    pub(super) fn config(&self) -> Result<CoreRpcConfig, CliError> {
        match self.plain_http || self.chain.is_local() {
            true => Ok(self.chain.clone()),
            false => Err(CliError::PlainHttp(self.chain.url.clone())),
        }
    }

    /// Whether the user lets money of this network be moved.
    pub(super) fn allows(&self, network: Network) -> bool {
        network != Network::Bitcoin || self.mainnet
    }
}

/// Says so when the chain was read from a source that hasn't come as far.
pub(super) fn warn_if_behind(reach: Reach) {
    if let Reach::Behind(progress) = reach {
        line(format_args!(
            "The Bitcoin node hasn't synced: {progress}. What came since isn't known here."
        ));
    }
}
