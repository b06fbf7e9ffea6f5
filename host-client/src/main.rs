//! `tillcard`: the owner's wallet, the shop's till, and a demonstration of both.

use std::process::ExitCode;

fn main() -> ExitCode {
    tillcard::cli::main()
}
