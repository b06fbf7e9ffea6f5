//! Which chain, and the guard that keeps tests away from real money.

use bitcoin::Network;
use clap::Args;

use super::{CliError, Failure};
use tillcard::chain::{Chain, CoreRpc, CoreRpcConfig};

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
    /// Let real money be moved
    #[arg(long)]
    mainnet: bool,
}

impl ChainArguments {
    /// The chain, reached and known to be allowed.
    pub(super) fn connect(&self) -> Result<(CoreRpc, Network), Failure> {
        let chain = CoreRpc::new(self.chain.clone());
        let network = chain.network()?;
        if network == Network::Bitcoin && !self.mainnet {
            return Err(CliError::Mainnet.into());
        }
        Ok((chain, network))
    }
}
