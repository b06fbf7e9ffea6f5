//! What the HTTP interfaces of the emulator and of the till share.
//!
//! - [`Problem`]: what a client is told that asked for what can't be done (RFC 9457)
//! - [`TokenHash`]: a bearer token that is kept as a hash
//! - [`page`](fn@page): the files of a page for people

mod page;
mod problem;
mod token;

pub use page::{PageFile, page};
pub use problem::Problem;
pub use token::TokenHash;
