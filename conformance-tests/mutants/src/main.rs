//! For authors of cases: which mutants there are, and what the suite says of them.

use clap::{Parser, Subcommand};
use serde_json::json;
use std::process::ExitCode;
use tillcard_conform::outcome::Verdict;
use tillcard_mutants::kill::{Judged, by_its_cases, by_requirement, chosen, on_all_processors};
use tillcard_mutants::{Mutant, Mutated, run};

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
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Asks the cases that each mutant names, and says how many mutants were killed. The exit code
    /// is 1 unless all were.
    Kill {
        /// Parts of names, or areas; all mutants when there is none.
        mutants: Vec<String>,
        /// Ask all cases that are about a requirement which the mutant breaks.
        #[arg(long)]
        by_requirement: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
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
        Task::List { json } => {
            list(json);
            ExitCode::SUCCESS
        }
        Task::Kill {
            mutants,
            by_requirement: all,
            json,
        } => with_some(&mutants, |mutants| kill(mutants, all, json)),
        Task::Run { mutant, cases } => with_some(&[mutant], |mutants| {
            for mutant in mutants {
                show(mutant, &cases);
            }
            true
        }),
    }
}

/// Does it with the mutants that the texts mean, if there are some and it goes well.
fn with_some(texts: &[String], work: impl FnOnce(&[&'static Mutant]) -> bool) -> ExitCode {
    let mutants = chosen(texts);
    if mutants.is_empty() {
        eprintln!("no mutant is called so");
    } else if work(&mutants) {
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

fn list(as_json: bool) {
    let mutants = chosen(&[]);
    if as_json {
        let rows = mutants.iter().map(|mutant| {
            json!({
                "area": mutant.area,
                "name": mutant.name,
                "breaks": mutant.breaks,
                "caught_by": mutant.caught_by,
            })
        });
        println!("{:#}", json!(rows.collect::<Vec<_>>()));
        return;
    }
    for mutant in &mutants {
        let (breaks, cases) = (mutant.breaks.join(" "), mutant.caught_by.join(" "));
        println!("{}: {} · {breaks} · {cases}", mutant.area, mutant.name);
    }
    println!("{} mutants", mutants.len());
}

/// Whether all were killed.
fn kill(mutants: &[&'static Mutant], all: bool, as_json: bool) -> bool {
    let judge = if all { by_requirement } else { by_its_cases };
    let judged: Vec<Judged> = on_all_processors(mutants, |mutant| {
        let judged = judge(mutant);
        if !as_json {
            print(&judged);
        }
        judged
    });
    let killed = judged.iter().filter(|judged| judged.is_killed()).count();
    if as_json {
        println!("{:#}", json!({ "killed": killed, "mutants": judged }));
    } else {
        println!("killed {killed} of {}", judged.len());
    }
    killed == judged.len()
}

fn print(judged: &Judged) {
    let said = if judged.is_killed() {
        format!("killed by {}", judged.killed_by.join(" "))
    } else {
        "SURVIVED".to_owned()
    };
    println!("{}: {}: {said}", judged.area, judged.name);
    for missed in &judged.missed_by {
        println!("  not failed: {missed}");
    }
}

fn show(mutant: &'static Mutant, cases: &[String]) {
    println!("{}: {}", mutant.area, mutant.name);
    let cases: Vec<&str> = match cases {
        [] => mutant.caught_by.to_vec(),
        [all] if all == "all" => Vec::new(),
        cases => cases.iter().map(String::as_str).collect(),
    };
    for case in run(Box::new(Mutated::new(mutant)), &cases).cases {
        if case.verdict != Verdict::Pass {
            let reason = case.reason.unwrap_or_default();
            println!("  {} {} {reason}", case.id, case.verdict);
        }
    }
}
