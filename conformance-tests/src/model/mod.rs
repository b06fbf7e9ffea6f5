//! What a card should do, worked out by the suite itself from the protocol text.

/// Gives a type a method for each of these fields, of the field's name: the same value with another
/// one there.
macro_rules! setters {
    ($type:ident { $($field:ident: $kind:ty),+ $(,)? }) => {
        impl $type {
            $(
                #[doc = concat!("The same with another `", stringify!($field), "`.")]
                #[must_use]
                pub fn $field(self, $field: $kind) -> Self {
                    Self { $field, ..self }
                }
            )+
        }
    };
}

pub(crate) use setters;

mod certificates;
mod choice;
mod coin;
mod image;
mod leaf;
mod logged;
mod payment;
mod pin;
mod profile;
mod purse;
mod spend;

pub use certificates::{Certificates, LONGEST_PIECE, OwnKey};
pub use choice::Rules;
pub use coin::{Coin, Place, Plan};
pub use image::{Image, crc32};
pub use leaf::Leaf;
pub use logged::Logged;
pub use payment::{
    Limits, MAX_AMOUNT, Request, dust_threshold, fee, is_permitted, is_printable, payee, size,
};
pub use pin::Pin;
pub use profile::{PLAIN, Profile, Provenance, STATEMENTS};
pub use purse::Purse;
pub use spend::{Spend, SpendInput, SpendOutput};
