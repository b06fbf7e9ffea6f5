//! Reads the rows: a mutant each, in TOML.

use std::fs;
use std::path::Path;
use toml_edit::{Array, DocumentMut, Table};

/// A mutant.
pub struct Row {
    /// The part of the card: the file that the row stands in.
    pub area: String,
    /// What is wrong with the card.
    pub name: String,
    /// The requirements that it breaks.
    pub breaks: Vec<String>,
    /// The cases that must fail; none when no case notices it yet.
    pub caught_by: Vec<String>,
    /// What a case would have to ask to notice it, when none does.
    pub unnoticed: Option<String>,
    /// The places that make it; nearly always one.
    pub edits: Vec<Edit>,
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

/// All rows, by file name and then in their order.
pub fn read_rows(folder: &Path) -> Result<Vec<Row>, String> {
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
            rows.push(row(&area, table).map_err(at)?);
        }
    }
    Ok(rows)
}

fn row(area: &str, table: &Table) -> Result<Row, String> {
    let name = text(table, "name")?;
    let at = |reason: String| format!("\"{name}\": {reason}");
    let edits = match table.get("edit").and_then(|item| item.as_array_of_tables()) {
        Some(edits) => edits.iter().map(edit).collect::<Result<_, _>>(),
        None => edit(table).map(|edit| vec![edit]),
    };
    let unnoticed = table.get("unnoticed").and_then(|item| item.as_str());
    let unnoticed = unnoticed.map(str::to_owned);
    let row = Row {
        area: area.to_owned(),
        breaks: texts(table, "breaks").map_err(at)?,
        caught_by: match unnoticed {
            Some(_) => Vec::new(),
            None => texts(table, "caught_by").map_err(at)?,
        },
        unnoticed,
        edits: edits.map_err(at)?,
        name,
    };
    Ok(row)
}

fn edit(table: &Table) -> Result<Edit, String> {
    Ok(Edit {
        file: text(table, "file")?,
        original: text(table, "original")?,
        mutated: text(table, "mutated")?,
    })
}

fn text(table: &Table, key: &str) -> Result<String, String> {
    let value = table.get(key).and_then(|item| item.as_str());
    value
        .map(str::to_owned)
        .ok_or_else(|| format!("no text \"{key}\""))
}

fn texts(table: &Table, key: &str) -> Result<Vec<String>, String> {
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
