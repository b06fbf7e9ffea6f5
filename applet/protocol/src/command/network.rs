//! Networks (`docs/protocol.md`, section 2.4).

/// The chain that a card is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Real money.
    Mainnet,
    /// Testnet.
    Testnet,
    /// Signet.
    Signet,
    /// A private chain for tests.
    Regtest,
}

impl Network {
    /// The byte that stands for it in the protocol.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Mainnet => 0,
            Self::Testnet => 1,
            Self::Signet => 2,
            Self::Regtest => 3,
        }
    }

    /// The network that a byte stands for.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Mainnet,
            1 => Self::Testnet,
            2 => Self::Signet,
            3 => Self::Regtest,
            _ => return None,
        })
    }
}
