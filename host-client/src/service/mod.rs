//! The till behind HTTP: `tillcard till serve`.
//!
//! The truth about money is the machine's (`tillcard::till::machine`); this is a second driver of it
//! (`docs/adr/0036-the-till-as-a-service.md`).
//!
//! ```text
//! HTTP ──▶ requests ──▶ a counter at each reader that is in use ──▶ settling, one for all
//!   ▲                        │ record, then book, then announced        │
//!   └──── events ◀──────── book ◀───────────────────────────────────────┘
//!                            └──▶ webhooks ──▶ programs elsewhere
//! ```

mod addresses;
mod bell;
mod book;
mod by_address;
mod chain_watch;
mod confirmations;
mod counter;
mod error;
mod folder_lock;
mod follow;
mod http;
mod moment;
mod payment;
mod rate;
mod readers;
mod refund;
mod report;
mod requests;
mod resuming;
mod server;
mod settling;
mod shop;
#[cfg(feature = "test-cards")]
mod test_cards;
mod webhooks;

pub(crate) use addresses::Addresses;
pub(crate) use book::{ApiKey, Book, Scope};
pub(crate) use confirmations::Confirmations;
pub(crate) use folder_lock::FolderLock;
pub(crate) use moment::Moment;
pub(crate) use rate::{Currency, RateSource, Rates};
pub(crate) use server::serve;
pub(crate) use shop::{Defaults, Setup};
#[cfg(feature = "test-cards")]
pub(crate) use test_cards::TestReaders;
pub(crate) use webhooks::{Target, Webhook};
