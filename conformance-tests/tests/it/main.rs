//! Tests of the suite's program and library that need no reader.

mod by_hand;
mod capabilities;
mod catalogue;
mod channel;
mod disk;
mod errors;
mod few_cards;
mod filters;
mod holder;
mod interruption;
mod judging;
mod levels;
mod misbehaving;
mod one_card;
mod proforma;
mod questions;
mod reports;
mod requirements;
mod resumption;
mod second_card;
mod shim;
mod side_by_side;
mod signature;
mod unfit;
mod wycheproof;
