//! The emulator without a reader service: in process, and as a program in a reader that the tests
//! play.

#[path = "../killing/mod.rs"]
mod killing;
#[path = "../support/mod.rs"]
mod support;

mod control;
mod embedded_chain;
mod errors;
mod following;
mod guests;
mod in_process;
mod kill;
mod like_pcscd;
mod link;
mod logs;
mod mainnet_in_channel;
mod nvm;
mod own_reader;
mod pcap;
mod pcsc_socket;
mod personalisation;
mod pin_pad;
mod program;
mod robust;
mod seeded_runs;
mod test_cards;
mod tray;
