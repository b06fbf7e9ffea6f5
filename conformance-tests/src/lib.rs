//! The conformance suite for Tillcards.
//!
//! It sees APDUs and power, nothing else. It encodes commands, reads answers, derives keys and
//! checks signatures by itself (on libsecp256k1), so that it can disagree with the card and with
//! the host software. The normative text is `docs/protocol.md`; its numbered requirements are read
//! when the suite is built, and a requirement without a case doesn't compile.
//!
//! - [`catalogue`]: every [`case::Case`], by area
//! - [`driver`]: what any card can be asked, whatever its commands
//! - [`forms`]: what there is of a card's commands
//! - [`channel`]: SCP11b and SCP03
//! - [`card_under_test`]: where cards come from: this process, or a PC/SC reader
//! - [`runner`]: brings each case to the card that it needs and collects verdicts
//! - [`report`]: JSON and JUnit
//!
//! `docs/conformance.md` is the guide for those who make cards.

pub mod apdu;
pub mod card;
pub mod card_under_test;
pub mod case;
mod cases;
pub mod catalogue;
pub mod channel;
pub mod context;
pub mod driver;
pub mod failure;
pub mod forms;
pub mod holder;
mod identity;
pub mod interrupt;
pub mod judgement;
pub mod keys;
mod known_key;
pub mod leak;
mod ledger;
pub mod matrix;
pub mod model;
mod multiples;
pub mod options;
pub mod order;
pub mod outcome;
pub mod panics;
pub mod proforma;
mod purposes;
pub mod recorder;
pub mod report;
pub mod requirements;
pub mod runner;
pub mod schema;
pub mod signature;
pub mod status;
pub mod supply;
pub mod tlv;
pub mod trace;
pub mod tx;
pub mod values;
pub mod waivers;
