//! What a reset forgets.

use crate::command::CHALLENGE_LENGTH;
use crate::entry::Entry;
use crate::hash::Hash;
use crate::key::Share;

/// What the holder may do.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Authorisation {
    /// Nothing: no PIN was entered.
    #[default]
    None,
    /// One PREVIEW, one PAY.
    Holder,
    /// One PAY, of the request with this hash.
    Previewed(Hash),
}

/// State of a session. A reset is [`Volatile::default`], all of it.
#[derive(Default)]
pub struct Volatile {
    /// What the holder may do.
    pub authorisation: Authorisation,
    /// What the next owner command must sign.
    pub challenge: Option<[u8; CHALLENGE_LENGTH]>,
    /// The card's share of an account key in the making.
    pub share: Option<Share>,
    /// A coin's entry under way.
    pub entry: Option<Entry>,
}

// Java Cards have some 4 KiB of transient memory; the answer buffer takes half.
const _: () = assert!(size_of::<Volatile>() <= 512);
