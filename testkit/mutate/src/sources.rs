//! Copies the sources of crates, with their defects, to where a build script's crate includes them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::patch::{Placed, apply, find};
use crate::rows::Row;

/// Where copies go, and how their switches are asked.
pub struct Copy {
    /// The module of the including crate that holds them.
    pub module: &'static str,
    /// The path of a function there that says whether the defect of a number is switched on.
    pub switch: &'static str,
}

/// A file of a crate.
struct Source {
    /// As rows name it: relative to its crate's sources.
    name: String,
    /// Where the copy goes, relative to all copies.
    target: PathBuf,
    krate: &'static str,
    text: String,
    placed: Vec<Placed>,
}

/// The sources of some crates.
pub struct Sources {
    crates: &'static [(&'static str, &'static str)],
    files: Vec<Source>,
}

impl Sources {
    /// The crates of these names in `use` lines, with their sources in these folders. A row names a
    /// file below one of these folders; where two crates have such a file, it puts the crate's name
    /// before.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn read(crates: &'static [(&'static str, &'static str)]) -> Result<Self, String> {
        let mut files = Vec::new();
        for &(krate, folder) in crates {
            println!("cargo:rerun-if-changed={folder}");
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
                        files.push(Source {
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
        Ok(Self { crates, files })
    }

    /// Finds where each row's edits go. The rows' numbers are their places, from 1.
    ///
    /// # Errors
    /// Every row that doesn't fit, a line each.
    pub fn place(&mut self, rows: &[Row]) -> Result<(), String> {
        let mut faults = String::new();
        for (row, id) in rows.iter().zip(1..) {
            for edit in &row.edits {
                let mut found = (self.files.iter_mut()).filter(|file| file.is_called(&edit.file));
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

    /// Writes the copies below `out`, and beside them a file of the module's name with `.rs`, to be
    /// included in that module.
    ///
    /// # Errors
    /// When defects cross each other, or a file can't be written.
    pub fn write(&self, out: &Path, copy: &Copy) -> Result<(), String> {
        let folder = out.join(copy.module);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|e| e.to_string())?;
        }
        let mut modules = String::new();
        for (name, _) in self.crates {
            let root = folder.join(name).join("lib.rs");
            writeln!(modules, "#[path = {root:?}]\npub mod {name};").map_err(|e| e.to_string())?;
        }
        let mut names: BTreeMap<String, String> = self
            .crates
            .iter()
            .map(|(name, _)| {
                (
                    format!("{name}::"),
                    format!("crate::{}::{name}::", copy.module),
                )
            })
            .collect();
        for source in &self.files {
            let own = format!("crate::{}::{}::", copy.module, source.krate);
            names.insert("crate::".into(), own);
            write(&folder.join(&source.target), &source.copy(&names, copy)?)?;
        }
        write(&out.join(format!("{}.rs", copy.module)), &modules)
    }
}

impl Source {
    fn is_called(&self, file: &str) -> bool {
        self.name == file || self.target == Path::new(file)
    }

    /// The text with its defects, as a module among those of the other crates.
    fn copy(&self, names: &BTreeMap<String, String>, copy: &Copy) -> Result<String, String> {
        let mut text = apply(&self.text, &self.placed, copy.switch)
            .map_err(|reason| format!("{}: {reason}", self.name))?;
        if self.name == "lib.rs" {
            // Attributes of a whole crate.
            let lines = text.lines().filter(|line| !line.starts_with("#!["));
            text = lines.collect::<Vec<_>>().join("\n");
        }
        Ok(renamed(&text, names))
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().ok_or("a file without a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|e| format!("{}: {e}", path.display()))
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
