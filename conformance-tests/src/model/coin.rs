//! Coins of the card, and where their keys are: sections 3.3 and 6.

/// Where a key of the card is: bit 31 is the chain, the other bits are the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(pub u32);

impl Place {
    /// `CARD/0/index`.
    #[must_use]
    pub const fn receive(index: u32) -> Self {
        Self(index)
    }

    /// `CARD/1/index`.
    #[must_use]
    pub const fn change(index: u32) -> Self {
        Self(0x8000_0000 | index)
    }

    /// 0 receive, 1 change.
    #[must_use]
    pub const fn chain(self) -> u32 {
        self.0 >> 31
    }

    /// The index on its chain.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.0 & 0x7FFF_FFFF
    }
}

/// A coin of the card.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coin {
    /// As a transaction carries it.
    pub txid: [u8; 32],
    /// Which output.
    pub vout: u32,
    /// In sat.
    pub amount: u64,
    /// 0 received, 1 change.
    pub chain: u32,
    /// `CARD/chain/index`.
    pub index: u32,
    /// Whether a till reported it as absent.
    pub doubtful: bool,
    /// Whether it is a credit, or comes of one.
    pub unrooted: bool,
    /// The sequence number of the payment that spent it.
    pub spent: Option<u32>,
}

impl Coin {
    /// Where its key is.
    #[must_use]
    pub const fn place(&self) -> Place {
        match self.chain {
            0 => Place::receive(self.index),
            _ => Place::change(self.index),
        }
    }

    /// Txid and vout, as PREVIEW and READ LOG write them.
    #[must_use]
    pub fn outpoint(&self) -> Vec<u8> {
        [&self.txid[..], &self.vout.to_be_bytes()].concat()
    }

    /// Whether it is this output.
    #[must_use]
    pub fn is(&self, txid: &[u8; 32], vout: u32) -> bool {
        self.txid == *txid && self.vout == vout
    }
}

/// What a payment will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In the order of choice.
    pub inputs: Vec<Coin>,
    /// In sat.
    pub fee: u64,
    /// In sat; 0 means no change output.
    pub change: u64,
    /// The change index that the change output pays to.
    pub change_index: u32,
}
