//! For authors of cases: which mutants there are, and what the suite says of one.

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tillcard_conform::outcome::Verdict;
use tillcard_mutants::{MUTANTS, Mutated, run};

/// The reference card with one defect at a time.
#[derive(Parser)]
#[command(name = "tillcard-mutants")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Lists the mutants with the requirements that they break and the cases that must fail.
    List,
    /// Runs cases against the mutants whose name or area holds this text, and prints each case
    /// that doesn't pass.
    Run {
        /// Part of the name, or the area.
        mutant: String,
        /// Parts of case ids, or requirements; the cases that the mutant names when there is none,
        /// and all cases with `all`.
        cases: Vec<String>,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Task::List => {
            for mutant in MUTANTS {
                let (breaks, cases) = (mutant.breaks.join(" "), mutant.caught_by.join(" "));
                println!("{}: {} · {breaks} · {cases}", mutant.area, mutant.name);
            }
            println!("{} mutants", MUTANTS.len());
            ExitCode::SUCCESS
        }
        Task::Run { mutant, cases } => {
            let chosen: Vec<_> = (MUTANTS.iter())
                .filter(|other| other.area == mutant || other.name.contains(&mutant))
                .collect();
            for mutant in &chosen {
                println!("{}: {}", mutant.area, mutant.name);
                let cases: Vec<&str> = match &cases[..] {
                    [] => mutant.caught_by.to_vec(),
                    [all] if all == "all" => Vec::new(),
                    cases => cases.iter().map(String::as_str).collect(),
                };
                let report = run(Box::new(Mutated::new(mutant)), &cases);
                for case in report.cases {
                    if case.verdict != Verdict::Pass {
                        let reason = case.reason.unwrap_or_default();
                        println!("  {} {} {reason}", case.id, case.verdict);
                    }
                }
            }
            if chosen.is_empty() {
                eprintln!("no mutant is called so");
                return ExitCode::FAILURE;
            }
            ExitCode::SUCCESS
        }
    }
}
