//! Status words: section 9 of the protocol text, written down a second time.

use std::fmt;

/// SW1 SW2.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sw(pub u16);

impl Sw {
    /// Done.
    pub const OK: Self = Self(0x9000);
    /// Execution error: the random source or a self-check failed.
    pub const EXECUTION: Self = Self(0x6400);
    /// Memory failure.
    pub const MEMORY: Self = Self(0x6581);
    /// Wrong length.
    pub const WRONG_LENGTH: Self = Self(0x6700);
    /// Logical channel not supported.
    pub const NO_CHANNELS: Self = Self(0x6881);
    /// Secure messaging not supported.
    pub const NO_SECURE_MESSAGING: Self = Self(0x6882);
    /// Command chaining not supported.
    pub const NO_CHAINING: Self = Self(0x6884);
    /// Security status not satisfied: no authority, or no channel.
    pub const SECURITY: Self = Self(0x6982);
    /// PIN blocked.
    pub const BLOCKED: Self = Self(0x6983);
    /// Conditions of use not satisfied.
    pub const CONDITIONS: Self = Self(0x6985);
    /// Data field can't be decoded, or holds an impossible value.
    pub const WRONG_DATA: Self = Self(0x6A80);
    /// Application not found.
    pub const NO_APPLICATION: Self = Self(0x6A82);
    /// No room left.
    pub const NO_ROOM: Self = Self(0x6A84);
    /// Incorrect P1-P2.
    pub const WRONG_P1P2: Self = Self(0x6A86);
    /// Data object, key or payment not found.
    pub const NOT_FOUND: Self = Self(0x6A88);
    /// Coin already in the card.
    pub const COIN_KNOWN: Self = Self(0x6A89);
    /// Instruction not supported.
    pub const NO_INSTRUCTION: Self = Self(0x6D00);
    /// Class not supported.
    pub const NO_CLASS: Self = Self(0x6E00);
    /// Insufficient funds.
    pub const INSUFFICIENT: Self = Self(0x9401);
    /// Too fragmented.
    pub const FRAGMENTED: Self = Self(0x9402);
    /// Over the per-payment limit.
    pub const OVER_PAYMENT_LIMIT: Self = Self(0x9403);
    /// Over the cumulative limit.
    pub const OVER_CUMULATIVE_LIMIT: Self = Self(0x9404);
    /// Fee rate outside its bounds.
    pub const FEE_RATE: Self = Self(0x9405);
    /// Fee over the cap.
    pub const FEE_CAP: Self = Self(0x9406);
    /// Amount is dust or impossible.
    pub const AMOUNT: Self = Self(0x9407);
    /// Payee script not permitted.
    pub const PAYEE: Self = Self(0x9408);
    /// Log full.
    pub const LOG_FULL: Self = Self(0x9409);
    /// Coin refused: other txid. SIGN: other digest.
    pub const OTHER_TXID: Self = Self(0x940A);
    /// Coin refused: no such output.
    pub const NO_OUTPUT: Self = Self(0x940B);
    /// Coin refused: other script.
    pub const OTHER_SCRIPT: Self = Self(0x940C);
    /// Coin refused: amount too small.
    pub const COIN_DUST: Self = Self(0x940D);
    /// Coin refused: coinbase.
    pub const COINBASE: Self = Self(0x940E);
    /// Coin refused: index retired.
    pub const RETIRED: Self = Self(0x940F);
    /// Coin refused: index not given out.
    pub const INDEX: Self = Self(0x9410);
    /// Number of payments reached.
    pub const COUNT: Self = Self(0x9411);
    /// Payment identity in use.
    pub const IDENTITY: Self = Self(0x9412);
    /// Payment given too often, or cancelled.
    pub const GIVEN: Self = Self(0x9413);
    /// Coin not offered.
    pub const NOT_OFFERED: Self = Self(0x9414);
    /// Too many reports.
    pub const REPORTS: Self = Self(0x9415);
    /// Input pledged by a statement.
    pub const PLEDGED: Self = Self(0x9416);
    /// No statement on a payment that the owner has signed against, or that is cancelled.
    pub const NO_STATEMENT: Self = Self(0x9417);

    /// PIN not verified, `tries` left.
    #[must_use]
    pub const fn tries(tries: u8) -> Self {
        Self(0x63C0 | tries as u16)
    }

    /// The number of bytes that GET RESPONSE would give (256 stands for 256 or more), if this is
    /// `61xx`.
    #[must_use]
    pub const fn more(self) -> Option<u32> {
        match self.0 {
            0x6100 => Some(256),
            sw if sw >> 8 == 0x61 => Some((sw & 0xFF) as u32),
            _ => None,
        }
    }

    /// Whether a response with this status word may carry data.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 == 0x9000 || self.0 >> 8 == 0x61
    }

    /// Whether section 9 of the protocol text lists it.
    #[must_use]
    pub const fn is_listed(self) -> bool {
        matches!(
            self.0,
            0x9000
                | 0x6100..=0x61FF
                | 0x63C0..=0x63CF
                | 0x6400
                | 0x6581
                | 0x6700
                | 0x6881
                | 0x6882
                | 0x6884
                | 0x6982
                | 0x6983
                | 0x6985
                | 0x6A80
                | 0x6A82
                | 0x6A84
                | 0x6A86
                | 0x6A88
                | 0x6A89
                | 0x6D00
                | 0x6E00
                | 0x9401..=0x9417
        )
    }
}

impl fmt::Display for Sw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for Sw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
