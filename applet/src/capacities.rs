//! How much this card holds, and what it declares of that. The protocol lets every card choose.

use tillcard_protocol::VERSION;
use tillcard_protocol::command::{Capabilities, SIGNING_INPUTS_MAX, SIGNING_OUTPUTS_MAX, Selected};

/// Most coins that one payment spends.
pub const MAX_INPUTS: usize = 16;
/// Coins that the card can hold.
pub const MAX_COINS: u16 = 1000;
/// Unrooted coins among them.
pub const MAX_UNROOTED: u8 = 16;
/// Payments that the log can hold.
pub const MAX_LOG: u8 = 64;
/// Indexes on each of the two chains; none above is ever used.
pub const MAX_INDEX: u32 = 4096;
/// Wrong PIN entries in a row that block the PIN.
pub const TRIES: u8 = 3;

/// The answer to GET DATA `0101`.
///
/// `[INF-2]`: what the card declares.
pub const CAPABILITIES: Capabilities = Capabilities {
    version: VERSION,
    capabilities: Capabilities::EXTENDED_LENGTH
        | Capabilities::MADE_KEY
        | Capabilities::AUXILIARY_RANDOMNESS
        | Capabilities::IMPORTED_KEY
        | Capabilities::WITHOUT_PIN
        | Capabilities::CREDITS
        | Capabilities::OWNER_SIGNING
        | Capabilities::CHANNEL
        | Capabilities::STATEMENTS,
    max_inputs: MAX_INPUTS as u8,
    max_coins: MAX_COINS,
    tries: TRIES,
    max_log: MAX_LOG,
    max_unrooted: MAX_UNROOTED,
    max_signing_inputs: SIGNING_INPUTS_MAX,
    max_signing_outputs: SIGNING_OUTPUTS_MAX,
};

/// The answer to SELECT.
pub const SELECTED: Selected = Selected {
    version: CAPABILITIES.version,
    capabilities: CAPABILITIES.capabilities,
};
