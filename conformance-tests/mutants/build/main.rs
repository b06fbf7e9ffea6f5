//! Copies the card's sources and puts every mutant into the copy, each behind a switch.
//!
//! The reference card knows nothing of this. The build fails when a row no longer fits the sources:
//! its original text must stand exactly once in the file that it names.

mod patch;
mod rows;

use patch::{Placed, apply, find};
use rows::{Row, read_rows};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

/// The crates that make the card: the name in `use` lines, and the sources. A row names a file
/// below one of these folders; where two crates have such a file, it puts the crate's name before.
const CRATES: [(&str, &str); 3] = [
    ("tillcard_applet", "../../applet/src"),
    ("tillcard_protocol", "../../applet/protocol/src"),
    ("tillcard_runtime", "../../applet/runtime/src"),
];
/// Where the mutants stand, one file for each part of the card.
const ROWS: &str = "rows";

fn main() {
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed={ROWS}");
    for (_, folder) in CRATES {
        println!("cargo:rerun-if-changed={folder}");
    }
    if let Err(reasons) = generate() {
        for reason in reasons.lines() {
            println!("cargo::error={reason}");
        }
        process::exit(1);
    }
}

fn generate() -> Result<(), String> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR isn't set")?);
    let rows = read_rows(Path::new(ROWS))?;
    let mut sources = Sources::read()?;
    sources.place(&rows)?;
    let card = out.join("card");
    if card.exists() {
        fs::remove_dir_all(&card).map_err(|e| e.to_string())?;
    }
    let mut modules = String::new();
    for (name, _) in CRATES {
        let root = card.join(name).join("lib.rs");
        writeln!(modules, "#[path = {root:?}]\npub mod {name};").map_err(|e| e.to_string())?;
    }
    for source in &sources.0 {
        write(&card.join(&source.target), &source.copy()?)?;
    }
    write(&out.join("card.rs"), &modules)?;
    write(&out.join("table.rs"), &table(&rows))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().ok_or("a file without a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|e| format!("{}: {e}", path.display()))
}

/// A file of the card.
struct Source {
    /// As rows name it: relative to its crate's sources.
    name: String,
    /// Where the copy goes, relative to all copies.
    target: PathBuf,
    krate: &'static str,
    text: String,
    placed: Vec<Placed>,
}

struct Sources(Vec<Source>);

impl Sources {
    fn read() -> Result<Self, String> {
        let mut sources = Vec::new();
        for (krate, folder) in CRATES {
            let mut folders = vec![PathBuf::from(folder)];
            while let Some(next) = folders.pop() {
                let failed = |e: std::io::Error| format!("{}: {e}", next.display());
                for entry in fs::read_dir(&next).map_err(failed)? {
                    let path = entry.map_err(failed)?.path();
                    if path.is_dir() {
                        folders.push(path);
                    } else if path.extension().is_some_and(|extension| extension == "rs") {
                        let text = fs::read_to_string(&path).map_err(failed)?;
                        let below = path.strip_prefix(folder).map_err(|e| e.to_string())?;
                        sources.push(Source {
                            name: below.display().to_string(),
                            target: Path::new(krate).join(below),
                            krate,
                            text: without_tests(&text).to_owned(),
                            placed: Vec::new(),
                        });
                    }
                }
            }
        }
        Ok(Self(sources))
    }

    /// Finds where each row's edits go.
    fn place(&mut self, rows: &[Row]) -> Result<(), String> {
        let mut faults = String::new();
        for (row, id) in rows.iter().zip(1..) {
            for edit in &row.edits {
                let mut found = (self.0.iter_mut()).filter(|source| source.is_called(&edit.file));
                let place = match (found.next(), found.next()) {
                    (Some(source), None) => {
                        find(&source.text, edit, id).map(|placed| source.placed.push(placed))
                    }
                    (None, _) => Err("there is no such file".to_owned()),
                    (Some(_), Some(_)) => Err("there are two such files".to_owned()),
                };
                if let Err(reason) = place {
                    let (area, name, file) = (&row.area, &row.name, &edit.file);
                    let _ = writeln!(faults, "rows/{area}.toml: \"{name}\": {file}: {reason}");
                }
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }
}

impl Source {
    fn is_called(&self, file: &str) -> bool {
        self.name == file || self.target == Path::new(file)
    }

    /// The text with its mutants, as a module among those of the other crates.
    fn copy(&self) -> Result<String, String> {
        let mut text =
            apply(&self.text, &self.placed).map_err(|reason| format!("{}: {reason}", self.name))?;
        if self.name == "lib.rs" {
            // Attributes of a whole crate.
            let lines = text.lines().filter(|line| !line.starts_with("#!["));
            text = lines.collect::<Vec<_>>().join("\n");
        }
        let mut names: BTreeMap<String, String> = CRATES
            .iter()
            .map(|(name, _)| (format!("{name}::"), format!("crate::card::{name}::")))
            .collect();
        names.insert("crate::".into(), format!("crate::card::{}::", self.krate));
        Ok(renamed(&text, &names))
    }
}

/// The text up to its unit tests.
fn without_tests(text: &str) -> &str {
    text.find("\n#[cfg(test)]\nmod tests {")
        .map_or(text, |end| &text[..=end])
}

/// Puts other paths in the place of those that begin with these names.
fn renamed(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    'next: while let Some(first) = rest.chars().next() {
        let before = out.chars().next_back().unwrap_or(' ');
        if !before.is_alphanumeric() && !matches!(before, '_' | ':') {
            for (name, new) in names {
                if let Some(behind) = rest.strip_prefix(name) {
                    out.push_str(new);
                    rest = behind;
                    continue 'next;
                }
            }
        }
        out.push(first);
        rest = &rest[first.len_utf8()..];
    }
    out
}

/// The rows as a table of the library.
fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "/// All mutants, in the order of their rows.\npub const MUTANTS: &[Mutant] = &[\n",
    );
    for (row, id) in rows.iter().zip(1..) {
        let Row {
            area,
            name,
            breaks,
            caught_by,
            unnoticed,
            ..
        } = row;
        let _ = writeln!(
            table,
            "    Mutant {{ id: {id}, area: {area:?}, name: {name:?}, breaks: &{breaks:?}, \
             caught_by: &{caught_by:?}, unnoticed: {unnoticed:?} }},"
        );
    }
    table + "];\n"
}
