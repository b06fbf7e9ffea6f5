//! What the program can be told.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::vpcd::Address;

use crate::own_reader;

/// Shows a Tillcard in the virtual PC/SC reader (vpcd), or in a reader of its own, until Ctrl-C
/// takes it out.
///
/// With a COMMAND, --pcsc-socket or --control, the reader is the emulator's own: it needs no pcscd and
/// no root. For example: tillcard-emu --card ok -- opensc-tool --list-readers
///
/// Without --card or --ephemeral, the card is kept on the disk and is the same one next time. It is an
/// emulation: whoever can read its file has its keys.
#[derive(Parser)]
#[command(name = "tillcard-emu", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub ask: Option<Ask>,
    /// Show a test card, such as `ok` or `pin-blocked` (`tillcard-emu cards` lists them), or one of a
    /// scenario of your own, FILE.toml. Once for each reader
    #[arg(long, value_name = "NAME", conflicts_with_all = ["ephemeral", "data", "name", "blank", "mainnet"])]
    pub card: Vec<String>,
    /// Forget the card when it is taken out
    #[arg(long, conflicts_with_all = ["data", "name"])]
    pub ephemeral: bool,
    /// Make the card's random numbers from this number: its keys are no secret then. Test cards have
    /// number 0 without it
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Where the virtual reader's slot listens
    #[arg(long, value_name = "HOST:PORT", default_value_t)]
    pub vpcd: Address,
    /// Show the card in a reader of the emulator's own, in the place of vpcd's. Programs see it with
    /// PCSCLITE_CSOCK_NAME=PATH in their environment
    #[arg(long, value_name = "PATH", conflicts_with = "vpcd")]
    pub pcsc_socket: Option<PathBuf>,
    /// The name of the emulator's own reader, 1 to 127 bytes. Once for each reader
    #[arg(long, value_name = "NAME", default_value = own_reader::DEFAULT_NAME)]
    pub reader: Vec<String>,
    /// Let other programs show cards in readers of the emulator's own, as they would to vpcd: who
    /// connects to this address, such as 127.0.0.1:35963, is a card in a reader. Once for each reader
    #[arg(long, value_name = "ADDRESS", conflicts_with = "vpcd")]
    pub cards_from: Vec<SocketAddr>,
    /// Give the emulator's own readers a PIN pad (PC/SC part 10), on which tests and the page type
    #[arg(long, conflicts_with = "vpcd")]
    pub pin_pad: bool,
    /// Have the emulator's own readers tell of cards as pcscd does, which looks every 400 ms: late, and
    /// never of a card that leaves and comes back in between
    #[arg(long, conflicts_with = "vpcd")]
    pub like_pcscd: bool,
    /// Let tests put cards in and take them out over HTTP at this address, such as 127.0.0.1:0
    /// (docs/emulator.md). The readers are empty unless a card is named
    #[arg(long, value_name = "ADDRESS", conflicts_with = "vpcd")]
    pub control: Option<SocketAddr>,
    /// Give test cards real coins: mine and pay on this regtest node, `core:http://HOST:PORT` with
    /// `?cookie=PATH`, or with `USER:PASSWORD@` before the host; or `embedded`, a new private chain that
    /// the program tillcard serves meanwhile. A COMMAND finds the node in TILLCARD_CHAIN. Without it
    /// the coins are invented
    #[arg(long, value_name = "NODE")]
    pub chain: Option<String>,
    /// Write what happens to the cards into this file, a line of JSON for each command: its name and its
    /// bytes, without PINs and keys, and the answer
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Write what is said to the cards into this file as packets for Wireshark (GSMTAP, type SIM), without
    /// PINs and keys
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
    /// Say where everything is in one line of JSON
    #[arg(long)]
    pub json: bool,
    /// The folder with the cards that are kept [default: tillcard/emu in the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Which of the folder's cards; a new name makes a new card
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Leave a fresh card without keys and certificates of its own, as its manufacturer gets it: for
    /// those who test personalisation. Otherwise it is one of the batch "Tillcard emulator", under
    /// the test root
    #[arg(long)]
    pub blank: bool,
    /// Let the card be issued for mainnet: real money, in a file that protects none. Without this,
    /// the card refuses ISSUE for mainnet (status word 6A80)
    #[arg(long, conflicts_with = "seed")]
    pub mainnet: bool,
    /// Write what happens to standard error, for example `debug` or `tillcard_emu=debug`: which
    /// commands come and how they end, never their data
    #[arg(long, value_name = "FILTER", env = "TILLCARD_LOG")]
    pub log: Option<String>,
    /// Run this with the emulator's own reader, and take the card out when it ends. The exit status
    /// is that of the command
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "vpcd")]
    pub command: Vec<OsString>,
}

/// What is answered, without a card.
#[derive(Subcommand)]
pub enum Ask {
    /// Give a test card again what a trace says that it was given, and report the first answer that is
    /// another
    Replay {
        /// What --trace wrote
        #[arg(value_name = "FILE")]
        trace: PathBuf,
        /// The card, as it was named when the trace was written
        #[arg(long, value_name = "NAME")]
        card: String,
        /// The number that made the card
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        seed: u64,
    },
    /// List the test cards
    Cards {
        /// As one JSON value, with each card's scenario
        #[arg(long)]
        json: bool,
        /// The form of a scenario's file, as a JSON Schema, in the place of the list
        #[arg(long, conflicts_with = "json")]
        schema: bool,
    },
}

impl Arguments {
    /// Whether the reader is the emulator's own.
    pub fn has_own_reader(&self) -> bool {
        self.pcsc_socket.is_some()
            || self.control.is_some()
            || !self.cards_from.is_empty()
            || !self.command.is_empty()
    }

    /// Whether the readers are empty until somebody puts a card in.
    pub fn begins_empty(&self) -> bool {
        let names_card = self.ephemeral || self.data.is_some() || self.name.is_some();
        let others = self.control.is_some() || !self.cards_from.is_empty();
        others && !names_card && self.card.is_empty()
    }

    /// Where the chain is, as it may be shown: not with a password.
    pub fn shown_chain(&self) -> Option<&str> {
        let chain = self.chain.as_deref();
        chain.filter(|source| !source.contains('@'))
    }

    /// The name of the card that is kept.
    pub fn kept_name(&self) -> &str {
        self.name.as_deref().unwrap_or(DEFAULT_NAME)
    }
}
