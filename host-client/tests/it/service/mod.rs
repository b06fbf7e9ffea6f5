//! The till's service, as a program, with the emulator's cards and a real node.

mod access;
mod books;
mod by_address;
mod crash_sweep;
mod events;
mod payments;
mod readers;
mod refunds;
mod soak;
mod status;
mod taken_back;
mod till_pay;
mod webhooks;
