//! A card's account: its public key and chain code, the owner's way to its coins, and the scripts
//! that follow from them (`docs/protocol.md`, section 3).

mod account_key;
mod card_account;
mod error;
mod issued;
mod leaf;
mod tagged_hash;

pub use account_key::AccountKey;
pub use card_account::{CardAccount, CardChain, Issue};
pub use error::AccountError;
pub(crate) use issued::is_signed;
pub use issued::{IssuedCard, Provenance};
pub use leaf::Leaf;
pub use tagged_hash::tagged_hash;
