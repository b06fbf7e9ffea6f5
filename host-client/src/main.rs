//! `tillcard`: the owner's wallet, the shop's till, and a demonstration of both.

mod cli;
#[cfg(feature = "regtest")]
mod demo;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
