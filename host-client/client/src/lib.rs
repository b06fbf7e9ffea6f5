//! Talks to a Tillcard: what any till, owner's program or manufacturer's bench needs, and no wallet,
//! no chain and no emulator with it.
//!
//! | module | |
//! |---|---|
//! | [`transport`] | the way to a card: [`Transport`](transport::Transport), and PC/SC readers |
//! | [`card`] | a session with a card, its states as types; the secure channel |
//! | [`account`] | a card's public account: its keys' descriptor, scripts and addresses |
//! | [`genuine`] | whether a manufacturer vouches for a card, and what the card signs |
//! | [`vetting`] | opens a channel to a card that is known by its certificates only, and vets it |
//! | [`untrusted`] | text that came from outside, and how it is shown |
//! | [`advice`] | each error's code, what it means for the money, and what to do |
//!
//! A till that finds a card in a reader, asks for the PIN, and has the card pay:
//!
//! ```no_run
//! use bitcoin::{Amount, Network, ScriptBuf};
//! use tillcard_client::FeeRate;
//! use tillcard_client::card::{self, PaymentOrder, PinBlock};
//! use tillcard_client::genuine::Checker;
//! use tillcard_client::transport::Readers;
//! use tillcard_client::vetting::{Trust, Vetting};
//!
//! # fn ask_chain(_: &[bitcoin::OutPoint]) -> Vec<bitcoin::TxOut> { Vec::new() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let payee = ScriptBuf::new();
//! let mut session = card::open(Readers::establish(None)?.wait_for_card(None)?)?.issued()?;
//! session.expect_network(Network::Signet)?;
//!
//! // No PIN goes to a card that nobody believed vouches for.
//! let vetting = Vetting { checker: Checker::new(Network::Signet)?, unverified: false };
//! let Trust::Certified { .. } = vetting.vet(&mut session)? else {
//!     return Err("this card has no certificates".into());
//! };
//!
//! let pin = PinBlock::from_digits(b"4071").ok_or("a PIN has 4 to 12 digits")?;
//! let holder = session.verify(&pin).map_err(|failed| failed.error)?;
//! let order = PaymentOrder::new(
//!     Amount::from_sat(21_000),
//!     FeeRate::from_sat_per_kvb(2_000),
//!     payee,
//! )?;
//! let asked = holder.preview(order).map_err(|failed| failed.error)?;
//! let coins = ask_chain(&asked.preview().outpoints);
//! let (payment, session) = asked.pay().map_err(|failed| failed.error)?;
//! // Check `payment` against the order, the preview and `coins` before you send it.
//! # drop((payment, coins));
//! session.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! A card without a reader is whatever implements [`Transport`](transport::Transport):
//!
//! ```
//! use tillcard_client::card::{self, CardError};
//! use tillcard_client::transport::{Transport, TransportError};
//!
//! /// Knows no application.
//! struct OtherCard;
//!
//! impl Transport for OtherCard {
//!     fn atr(&self) -> &[u8] {
//!         &[0x3B, 0x00]
//!     }
//!     fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, TransportError> {
//!         Ok(vec![0x6A, 0x82])
//!     }
//!     fn apdus(&self) -> u64 {
//!         0
//!     }
//!     fn reset(&mut self) -> Result<(), TransportError> {
//!         Ok(())
//!     }
//!     fn power_cut(&mut self) -> Result<(), TransportError> {
//!         Ok(())
//!     }
//!     fn disconnect(self) -> Result<(), TransportError> {
//!         Ok(())
//!     }
//! }
//!
//! let refused = card::open(OtherCard).err().expect("it has no Tillcard application");
//! assert_eq!(refused.status(), Some(0x6A82));
//! ```
//!
//! Log lines are [`tracing`] events of this crate's target. They tell commands by their names,
//! status words and lengths: no data field is ever logged, so no PIN, key or certificate is.

pub mod account;
pub mod advice;
pub mod card;
mod fee_rate;
pub mod genuine;
pub mod transport;
pub mod untrusted;
mod verifier;
pub mod vetting;

pub use fee_rate::FeeRate;
pub use untrusted::Untrusted;
