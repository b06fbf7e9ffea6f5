//! What a reset forgets.

use crate::capacities::MAX_INPUTS;
use crate::coin_reading::CoinReading;
use crate::key::Share;
use crate::messaging::Channel;
use crate::persistent::Slot;
use crate::signing_stream::Signing;
use crate::transaction_parser::TransactionParser;
use heapless::Vec;
use tillcard_protocol::command::CHALLENGE_LENGTH;
use tillcard_protocol::hash::Hash;
use tillcard_protocol::session::Session;

/// Coins that a till may report as absent in one authorisation (`[ABS-1]`).
pub const MAX_REPORTS: usize = 4;

/// A holder who typed his PIN. Good for one payment, or one credit.
#[derive(Default)]
pub struct Holder {
    /// The request that was previewed: no other one will do any more.
    pub request: Option<Hash>,
    /// Whether that request may be previewed again, because of a report.
    pub may_preview: bool,
    /// The coins that the preview named.
    pub offered: Vec<Slot, MAX_INPUTS>,
    /// The coins that were reported as absent.
    pub absent: Vec<Slot, MAX_REPORTS>,
    /// The payments given as ancestors, a bit for each place in the log.
    pub given: u64,
}

/// What is taken in, or given out, piece by piece. Any other command ends it.
#[derive(Default)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one, and nowhere else to put it without allocation"
)]
pub enum Stream {
    /// Nothing is under way.
    #[default]
    None,
    /// The transaction that makes a coin.
    CoinEntry(TransactionParser),
    /// A transaction to be signed for the owner.
    Signing(Signing),
    /// The coin image, on its way out.
    CoinReading(CoinReading),
}

/// State of a session. Its end is [`Volatile::default`], all of it (`[SES-1]`).
#[derive(Default)]
pub struct Volatile {
    /// The channel, unless the session is a plain one.
    pub channel: Option<Channel>,
    /// The holder, if the PIN was verified.
    pub holder: Option<Holder>,
    /// What the next owner command must sign.
    pub challenge: Option<[u8; CHALLENGE_LENGTH]>,
    /// The card's share of an account key in the making.
    pub share: Option<Share>,
    /// The payment that the last PAY answered, by its payment number.
    pub paid: Option<u32>,
    /// What is under way.
    pub stream: Stream,
}

impl Volatile {
    /// What signatures name the session by.
    pub fn session(&self) -> Session {
        self.channel
            .as_ref()
            .map_or(Session::Plain, Channel::session)
    }

    /// Forgets everything but the channel.
    pub fn forget_authority(&mut self) {
        *self = Self {
            channel: self.channel.take(),
            ..Self::default()
        };
    }

    /// Coins that leave the card are offered no longer: their places may soon hold
    /// others.
    ///
    /// `[OFR-1]`: what leaves the card is offered no longer.
    pub fn withdraw(&mut self, slots: &[Slot]) {
        if let Some(holder) = &mut self.holder {
            holder.offered.retain(|slot| !slots.contains(slot));
        }
    }
}

// Java Cards have some 4 KiB of transient memory; the answer buffer takes half.
const _: () = assert!(size_of::<Volatile>() <= 2048);
