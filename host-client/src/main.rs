//! `tillcard`: the owner's wallet, the shop's till, and a demonstration of both.

mod cli;
#[cfg(feature = "regtest")]
mod demo;
#[cfg(any(feature = "regtest", feature = "test-cards"))]
mod own_reader;
#[cfg(feature = "serve")]
mod service;

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// Wipes what is freed: an HTTP server's buffers have held a PIN, and nobody else wipes them.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    cli::main()
}
