//! What the host of a card decides, and no command changes.

use tillcard_protocol::command::Network;

/// What a card is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The networks for which the card can be issued. It refuses ISSUE for any other as for a
    /// network that it doesn't know (`[ISS-2]`).
    pub networks: Networks,
}

impl Configuration {
    /// A card for whatever network its owner chooses.
    pub const ANY_NETWORK: Self = Self {
        networks: Networks::ALL,
    };
    /// A card that never holds real money.
    pub const TESTS_ONLY: Self = Self {
        networks: Networks::TESTS,
    };
}

/// A set of networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Networks(u8);

impl Networks {
    /// Every network of the protocol.
    pub const ALL: Self = Self::TESTS.with(Network::Mainnet);
    /// Every network whose coins are worth nothing.
    pub const TESTS: Self = Self(0)
        .with(Network::Testnet)
        .with(Network::Signet)
        .with(Network::Regtest);

    const fn with(self, network: Network) -> Self {
        Self(self.0 | 1 << network.to_byte())
    }

    /// Whether the set has this network.
    pub const fn contains(self, network: Network) -> bool {
        self.0 & 1 << network.to_byte() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_all_but_mainnet() {
        for byte in 0..4 {
            let network = Network::from_byte(byte).unwrap();
            assert!(Networks::ALL.contains(network));
            let is_test = network != Network::Mainnet;
            assert_eq!(Networks::TESTS.contains(network), is_test, "{network:?}");
        }
    }
}
