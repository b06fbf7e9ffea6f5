//! Copies the card's sources and puts every mutant into the copy, each behind a switch.
//!
//! The reference card knows nothing of this. The build fails when a row no longer fits the sources.

mod rows;

use rows::About;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, process};
use tillcard_mutate::{Copy, Row, Sources};

/// The crates that make the card: the name in `use` lines, and the sources.
const CRATES: &[(&str, &str)] = &[
    ("tillcard_applet", "../../applet/src"),
    ("tillcard_protocol", "../../applet/protocol/src"),
    ("tillcard_runtime", "../../applet/runtime/src"),
];
/// Where the mutants stand, one file for each part of the card.
const ROWS: &str = "rows";
const COPY: Copy = Copy {
    module: "card",
    switch: "tillcard_mutants::is_on",
};

fn main() {
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed={ROWS}");
    if let Err(reasons) = generate() {
        for reason in reasons.lines() {
            println!("cargo::error={reason}");
        }
        process::exit(1);
    }
}

fn generate() -> Result<(), String> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR isn't set")?);
    let rows = Row::read_all(Path::new(ROWS))?;
    let mut sources = Sources::read(CRATES)?;
    sources.place(&rows)?;
    sources.write(&out, &COPY)?;
    fs::write(out.join("table.rs"), table(&rows)?).map_err(|e| e.to_string())
}

/// The rows as a table of the library.
fn table(rows: &[Row]) -> Result<String, String> {
    let mut table = String::from(
        "/// All mutants, in the order of their rows.\npub const MUTANTS: &[Mutant] = &[\n",
    );
    for (row, id) in rows.iter().zip(1..) {
        let Row { area, name, .. } = row;
        let About { breaks, caught_by } = About::read(row)?;
        let _ = writeln!(
            table,
            "    Mutant {{ id: {id}, area: {area:?}, name: {name:?}, breaks: &{breaks:?}, \
             caught_by: &{caught_by:?} }},"
        );
    }
    Ok(table + "];\n")
}
