//! The machine against cards, a wire and a chain that do what they like: whoever is told that a payment
//! is declined or cancelled has not paid, and can't be made to.

mod chain;
mod choices;
mod counter;
mod papers;
mod searches;
mod shop;
mod steps;
mod world;

use super::*;
use crate::chain::Reach;
use crate::till::{Event, PaymentState};

const ID: &str = "milk";
/// Blocks that the shop waits for.
const DEPTH: u32 = 2;
