//! Layers around a card in a slot.
//!
//! - [`Counted`]: counts commands
//! - [`Traced`]: writes to the log, never data
//! - [`Recorded`]: keeps what was said, for a test to read, or in a [`TraceFile`]
//! - [`Faulty`]: does what no correct card, or reader, does

mod counted;
pub mod faults;
mod faulty;
mod pcap;
mod recorded;
mod shown;
mod trace_file;
mod traced;

pub use counted::{ApduCount, Counted};
pub use faulty::{FaultSwitch, Faulty};
pub use recorded::{Entry, Event, Recorded, Trace};
pub use shown::{Hex, StatusWord};
pub use trace_file::TraceFile;
pub use traced::Traced;
