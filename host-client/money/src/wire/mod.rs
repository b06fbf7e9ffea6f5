//! A wire between client and card, whose owner is an adversary: he sees each command and each answer,
//! knows no key, and does with them what he likes.

mod command;
mod contact;
mod mischief;
mod moments;

pub use command::Command;
pub use contact::{Contact, Contacts};
pub use mischief::{Hostility, Mischief};
pub use moments::Moments;
