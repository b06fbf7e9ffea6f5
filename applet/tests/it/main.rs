//! The card beside other applications, and under other hosts.

#[path = "../oracle/mod.rs"]
mod oracle;

mod token_host;
mod two_applications;
