//! A node's address, as it is given on a command line or in the environment.

use std::path::PathBuf;
use std::str::FromStr;

use bitcoin::Network;
use zeroize::Zeroizing;

use super::{Auth, CoreRpcConfig, TIMEOUT};

/// `core:NETWORK`, `core:http://host:port?cookie=FILE` or `core:http://user:password@host:port`.
impl FromStr for CoreRpcConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = text
            .strip_prefix("core:")
            .ok_or("a chain is given as core:URL or core:NETWORK")?;
        if let Ok(network) = Network::from_core_arg(address) {
            return Ok(Self::local(network));
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
        Ok(Self {
            url: format!("http://{}", host.trim_end_matches('/')),
            auth,
            timeout: TIMEOUT,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let config = |address: &str| address.parse::<CoreRpcConfig>().unwrap();
        let cookie = config("core:http://127.0.0.1:18443/?cookie=/x/.cookie");
        assert_eq!(cookie.url, "http://127.0.0.1:18443");
        assert!(matches!(cookie.auth, Auth::Cookie(path) if path.as_os_str() == "/x/.cookie"));
        let user = config("core:http://u:p@w@h:1");
        assert_eq!(user.url, "http://h:1");
        assert!(
            matches!(user.auth, Auth::UserPass { user, password } if user == "u" && *password == "p@w")
        );
        assert_eq!(config("core:signet").url, "http://127.0.0.1:38332");
    }

    #[test]
    fn nodes_on_this_machine_are_told_from_others() {
        for (host, local) in [
            ("127.0.0.1:8332", true),
            ("127.8.8.8:8332/", true),
            ("localhost:8332", true),
            ("[::1]:8332", true),
            ("192.168.1.2:8332", false),
            ("localhost.example.org:8332", false),
            ("127.0.0.1.example.org:8332", false),
            ("[2001:db8::1]:8332", false),
            ("node:8332", false),
        ] {
            let config: CoreRpcConfig = format!("core:http://u:p@{host}").parse().unwrap();
            assert_eq!(config.is_local(), local, "{host}");
        }
        let cookie: CoreRpcConfig = "core:http://127.0.0.1:1/?cookie=/x".parse().unwrap();
        assert!(cookie.is_local());
        assert!(CoreRpcConfig::local(Network::Signet).is_local());
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
            assert!(text.parse::<CoreRpcConfig>().is_err(), "{text}");
        }
    }
}
