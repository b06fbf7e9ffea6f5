//! Networks as the card and as rust-bitcoin name them.

use bitcoin::Network;
use tillcard_protocol::command::Network as CardNetwork;

/// The network that a card is issued for, to be used on `network`. A card doesn't tell the
/// testnets apart: their addresses and keys are alike.
pub fn to_card_network(network: Network) -> CardNetwork {
    match network {
        Network::Bitcoin => CardNetwork::Mainnet,
        Network::Signet => CardNetwork::Signet,
        Network::Regtest => CardNetwork::Regtest,
        _ => CardNetwork::Testnet,
    }
}

/// The network that stands for a card's; testnet 3 for both testnets.
pub fn from_card_network(network: CardNetwork) -> Network {
    match network {
        CardNetwork::Mainnet => Network::Bitcoin,
        CardNetwork::Testnet => Network::Testnet,
        CardNetwork::Signet => Network::Signet,
        CardNetwork::Regtest => Network::Regtest,
    }
}
