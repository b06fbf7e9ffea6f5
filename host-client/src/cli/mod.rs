//! The command line of `tillcard`.

mod arguments;
mod chain;
mod examples;
pub(crate) mod failure;
mod folders;
mod log;
mod output;
mod owner;
mod personalise;
mod pin_input;
mod regtest;
mod till;
mod trust;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::{CliError, Failure};

/// Pay and be paid with Bitcoin cards.
///
/// A Tillcard writes the payment itself: the till says payee, amount and fee rate, the holder types
/// the PIN, and the card answers with the whole transaction, signed.
#[derive(Parser)]
#[command(name = "tillcard", version, after_help = examples::ALL)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Manage the owner's wallet and cards
    #[command(subcommand, after_help = examples::OWNER)]
    Owner(owner::Command),
    /// Take payments from cards
    #[command(subcommand, after_help = examples::TILL)]
    Till(till::Command),
    /// Make certificates and personalise cards, as their manufacturer
    #[command(subcommand, after_help = examples::PERSONALISE)]
    Personalise(personalise::Command),
    /// Serve a private chain for tests (regtest), validated by Bitcoin Core's engine
    #[cfg(feature = "regtest")]
    #[command(after_help = examples::REGTEST)]
    Regtest(regtest::Serve),
    /// Mine blocks on regtest
    #[command(after_help = examples::MINE)]
    Mine(regtest::Mine),
    /// Play a demonstration in an emulated reader: issue, top up, pay, lose, block
    #[cfg(feature = "regtest")]
    Demo(crate::demo::Demo),
}

/// Runs the program with the process' arguments.
pub(crate) fn main() -> ExitCode {
    let command = Arguments::parse().command;
    if let Err(error) = log::begin() {
        return Failure::from(error).exit();
    }
    let outcome = match command {
        Command::Owner(command) => owner::run(command),
        Command::Till(command) => till::run(command),
        Command::Personalise(command) => personalise::run(command),
        #[cfg(feature = "regtest")]
        Command::Regtest(command) => command.run(),
        Command::Mine(command) => command.run(),
        #[cfg(feature = "regtest")]
        Command::Demo(demo) => demo.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit(),
    }
}
