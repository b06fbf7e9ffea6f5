//! Puts defects into copies of sources, each behind a switch, so that one compilation holds all of
//! them. Build scripts of crates that test use it: the copied sources know nothing of it.
//!
//! A defect is a row in a TOML file: a name, and the places where a text stands that another takes
//! the place of ([`Edit`]). A row that no longer fits the sources fails the build: its original text
//! must stand exactly once in the file that it names.

mod patch;
mod rows;
mod sources;

pub use rows::{Edit, Row, text, texts};
pub use sources::{Copy, Sources};
