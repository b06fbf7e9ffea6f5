//! Which chain, and the guard that keeps tests away from real money.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bitcoin::Network;
use clap::Args;
use zeroize::Zeroizing;

use super::Failure;
use crate::chain::{Auth, Chain, CoreRpc, CoreRpcConfig};

/// Time that one question to a node may take.
const TIMEOUT: Duration = Duration::from_secs(30);

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
    chain: ChainAddress,
    /// Let real money be moved
    #[arg(long)]
    mainnet: bool,
}

impl ChainArguments {
    /// The chain, reached and known to be allowed.
    pub(super) fn connect(&self) -> Result<(CoreRpc, Network), Failure> {
        let chain = CoreRpc::new(self.chain.0.clone());
        let network = chain.network()?;
        if network == Network::Bitcoin && !self.mainnet {
            return Err(Failure::new(
                "this is the main chain, with real money: this program is young, and takes \
                 --mainnet to touch it",
            ));
        }
        Ok((chain, network))
    }
}

/// `core:…`
#[derive(Clone)]
struct ChainAddress(CoreRpcConfig);

impl FromStr for ChainAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = text
            .strip_prefix("core:")
            .ok_or("a chain is given as core:URL or core:NETWORK")?;
        if let Ok(network) = Network::from_core_arg(address) {
            return Ok(Self(CoreRpcConfig::local(network)));
        }
        let rest = address
            .strip_prefix("http://")
            .ok_or("the node's address begins with http://")?;
        let (host, auth) = if let Some((host, cookie)) = rest.split_once("?cookie=") {
            (host, Auth::Cookie(PathBuf::from(cookie)))
        } else if let Some((credentials, host)) = rest.rsplit_once('@') {
            let (user, password) = credentials
                .split_once(':')
                .ok_or("the user is given as user:password@host:port")?;
            let password = Zeroizing::new(password.to_owned());
            let user = user.to_owned();
            (host, Auth::UserPass { user, password })
        } else {
            return Err(
                "the node asks for credentials: add ?cookie=FILE, or user:password@ before the host"
                    .into(),
            );
        };
        Ok(Self(CoreRpcConfig {
            url: format!("http://{}", host.trim_end_matches('/')),
            auth,
            timeout: TIMEOUT,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let ChainAddress(config) = "core:http://127.0.0.1:18443/?cookie=/x/.cookie"
            .parse()
            .unwrap();
        assert_eq!(config.url, "http://127.0.0.1:18443");
        assert!(matches!(config.auth, Auth::Cookie(path) if path.as_os_str() == "/x/.cookie"));
        let ChainAddress(config) = "core:http://u:p@w@h:1".parse().unwrap();
        assert_eq!(config.url, "http://h:1");
        assert!(
            matches!(config.auth, Auth::UserPass { user, password } if user == "u" && *password == "p@w")
        );
        let ChainAddress(config) = "core:signet".parse().unwrap();
        assert_eq!(config.url, "http://127.0.0.1:38332");
    }

    #[test]
    fn other_addresses_are_refused() {
        for text in [
            "",
            "electrum:x",
            "core:",
            "core:https://x?cookie=y",
            "core:http://h:1",
            "core:http://u@h:1",
        ] {
            assert!(text.parse::<ChainAddress>().is_err(), "{text}");
        }
    }
}
