//! Reads rows: a defect each, in TOML.

use std::fs;
use std::path::Path;

use toml_edit::{Array, DocumentMut, Table};

/// A defect.
pub struct Row {
    /// The file that the row stands in, without its ending.
    pub area: String,
    /// What is wrong.
    pub name: String,
    /// The places that make it; nearly always one.
    pub edits: Vec<Edit>,
    /// All that the row says.
    pub table: Table,
}

/// A change in one place.
pub struct Edit {
    /// The file, relative to the sources of its crate.
    pub file: String,
    /// What stands there; how it is broken into lines doesn't matter.
    pub original: String,
    /// What stands there instead.
    pub mutated: String,
}

impl Row {
    /// All rows of a folder, by file name and then in their order.
    ///
    /// # Errors
    /// Where a file can't be read, or a row lacks something.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, String> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(|e| e.to_string())? {
            paths.push(entry.map_err(|e| e.to_string())?.path());
        }
        paths.sort();
        let mut rows = Vec::new();
        for path in paths {
            let at = |reason: String| format!("{}: {reason}", path.display());
            let text = fs::read_to_string(&path).map_err(|e| at(e.to_string()))?;
            let document: DocumentMut = text.parse().map_err(|e| at(format!("{e}")))?;
            let area = path.file_stem().unwrap_or_default().display().to_string();
            let tables = document
                .get("mutant")
                .and_then(|item| item.as_array_of_tables());
            for table in tables.ok_or_else(|| at("no [[mutant]]".to_owned()))? {
                rows.push(Self::read(&area, table).map_err(at)?);
            }
        }
        Ok(rows)
    }

    fn read(area: &str, table: &Table) -> Result<Self, String> {
        let name = text(table, "name")?;
        let at = |reason: String| format!("\"{name}\": {reason}");
        let edits = match table.get("edit").and_then(|item| item.as_array_of_tables()) {
            Some(edits) => edits.iter().map(Edit::read).collect::<Result<_, _>>(),
            None => Edit::read(table).map(|edit| vec![edit]),
        };
        Ok(Self {
            area: area.to_owned(),
            edits: edits.map_err(at)?,
            table: table.clone(),
            name,
        })
    }
}

impl Edit {
    fn read(table: &Table) -> Result<Self, String> {
        Ok(Self {
            file: text(table, "file")?,
            original: text(table, "original")?,
            mutated: text(table, "mutated")?,
        })
    }
}

/// The text of a key.
///
/// # Errors
/// When there is none.
pub fn text(table: &Table, key: &str) -> Result<String, String> {
    let value = table.get(key).and_then(|item| item.as_str());
    value
        .map(str::to_owned)
        .ok_or_else(|| format!("no text \"{key}\""))
}

/// The texts of a key, at least one.
///
/// # Errors
/// When there are none.
pub fn texts(table: &Table, key: &str) -> Result<Vec<String>, String> {
    let array: Option<&Array> = table.get(key).and_then(|item| item.as_array());
    let texts: Option<Vec<String>> = array.and_then(|array| {
        array
            .iter()
            .map(|text| text.as_str().map(str::to_owned))
            .collect()
    });
    texts
        .filter(|texts| !texts.is_empty())
        .ok_or_else(|| format!("no list \"{key}\""))
}
