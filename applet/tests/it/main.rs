//! The card's tests: against rust-bitcoin, miniscript and libsecp256k1, against the text, beside other
//! applications, and under other hosts.

#[path = "../support/mod.rs"]
mod support;
#[path = "../trials/mod.rs"]
mod trials;

mod again;
mod cells;
mod channel;
mod differential;
mod ending;
mod entry;
mod examples;
mod faults;
mod fuzz_corpus;
mod golden;
mod image;
mod issuing;
mod journal;
mod leak;
mod life;
mod matrix;
mod model;
mod personalising;
mod random;
mod rules;
mod sequences;
mod signing;
mod statement;
mod token_host;
mod torn;
mod two_applications;
mod unusable;
mod vectors;
