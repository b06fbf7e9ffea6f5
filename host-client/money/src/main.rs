//! Plays stories of the money model, and says which break a rule.

use std::process::ExitCode;

use clap::Parser;
use tillcard_money::card::reference_card;
use tillcard_money::runner::{Report, run_all, run_on};
use tillcard_money::story::play;
use tillcard_money::world::{Failure, World};

/// Random stories of tills, cards, a hostile wire and a node, and what must hold after each.
#[derive(Parser)]
#[command(name = "tillcard-money")]
struct Arguments {
    /// How many stories
    #[arg(long, default_value_t = 20_000)]
    stories: u64,
    /// Where they come from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One story alone, and all of its steps
    #[arg(long)]
    story: Option<u64>,
    /// How many are played at once [default: one for each processor]
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(report) => {
            println!("{report}");
            match report.violations {
                0 => ExitCode::SUCCESS,
                _ => ExitCode::FAILURE,
            }
        }
        Err(error) => {
            eprintln!("the cards can't be prepared: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<Report, Failure> {
    let seed = arguments.seed;
    if let Some(number) = arguments.story {
        let played = play(&World::new()?, &reference_card, seed, number);
        print!("story {number} of seed {seed}:\n{played}");
        return Ok(Report::of(number, &played));
    }
    let stories = 0..arguments.stories;
    match arguments.threads {
        Some(threads) => run_on(threads, seed, stories),
        None => run_all(seed, stories),
    }
}
