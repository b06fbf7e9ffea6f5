//! Copies the sources of till, owner's wallet and money model, and puts every fault of `rows/` into
//! the copy, each behind a switch.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

use tillcard_mutate::{Copy, Row, Sources, text};

/// The copied crates: the name in `use` lines, and the sources.
const CRATES: &[(&str, &str)] = &[("tillcard", "../../src"), ("tillcard_money", "../src")];
/// Where the faults stand.
const ROWS: &str = "rows";
const COPY: Copy = Copy {
    module: "host",
    switch: "tillcard_money_mutants::is_on",
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
    let mut table = String::from("/// All faults.\npub const FAULTS: &[Fault] = &[\n");
    for (row, id) in rows.iter().zip(1..) {
        let Row { area, name, .. } = row;
        let rule = text(&row.table, "rule").map_err(|reason| format!("\"{name}\": {reason}"))?;
        let _ = writeln!(
            table,
            "    Fault {{ id: {id}, area: {area:?}, name: {name:?}, rule: {rule:?} }},"
        );
    }
    Ok(table + "];\n")
}
