//! Plays stories of the money model, and says which break a rule.

use std::process::ExitCode;

use clap::Parser;
use tillcard_money::card::reference_card;
use tillcard_money::runner::{Report, run};
use tillcard_money::story::{Played, play};
use tillcard_money::world::World;

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
    let arguments = Arguments::parse();
    let world = match World::new() {
        Ok(world) => world,
        Err(error) => {
            eprintln!("the cards can't be prepared: {error}");
            return ExitCode::FAILURE;
        }
    };
    let seed = arguments.seed;
    if let Some(number) = arguments.story {
        let played = play(&world, &reference_card, seed, number);
        print(seed, number, &played);
        return end(&Report::of(number, &played));
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.unwrap_or(processors);
    let told = |number, played: &Played| print(seed, number, played);
    let report = run(
        &world,
        &reference_card,
        seed,
        0..arguments.stories,
        threads,
        &told,
    );
    end(&report)
}

fn print(seed: u64, number: u64, played: &Played) {
    let mut text = format!("story {number} of seed {seed}:\n");
    for step in &played.steps {
        text.push_str(&format!("  {step}\n"));
    }
    for violation in &played.violations {
        text.push_str(&format!("  VIOLATION {violation}\n"));
    }
    print!("{text}");
}

fn end(report: &Report) -> ExitCode {
    println!("{report}");
    match report.violations {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
