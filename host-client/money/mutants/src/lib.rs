//! Till and owner's wallet with one fault at a time, to test the money model.
//!
//! The build script copies their sources and the model's, and puts every fault of `rows/` into the
//! copy, each behind a switch: faults that the programs once had. The copied model plays its stories
//! with the copied programs, so that what is tested is real code with a real fault.
//!
//! No program that is shipped knows this crate.

extern crate self as tillcard_money_mutants;

mod switch;

/// The copied programs and the copied model. They are written like the originals, whose lints are
/// looked at there.
#[allow(warnings, clippy::all, clippy::pedantic)]
#[doc(hidden)]
mod host {
    include!(concat!(env!("OUT_DIR"), "/host.rs"));
}

pub use host::tillcard_money as model;
pub use switch::{choose, is_on};

/// A fault in the sources.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The number of its switch, from 1.
    pub id: u16,
    /// The file of `rows/` that describes it.
    pub area: &'static str,
    /// What is wrong.
    pub name: &'static str,
    /// The rule that some story must find broken.
    pub rule: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/table.rs"));
