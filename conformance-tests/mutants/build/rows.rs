//! What a row of this crate says beside its edits: which requirements it breaks, and which cases
//! must fail.

use tillcard_mutate::{Row, texts};

/// What is known of a mutant.
pub struct About {
    /// The requirements that it breaks.
    pub breaks: Vec<String>,
    /// The cases that must fail.
    pub caught_by: Vec<String>,
}

impl About {
    /// That of this row.
    pub fn read(row: &Row) -> Result<Self, String> {
        let at = |reason: String| format!("rows/{}.toml: \"{}\": {reason}", row.area, row.name);
        Ok(Self {
            breaks: texts(&row.table, "breaks").map_err(at)?,
            caught_by: texts(&row.table, "caught_by").map_err(at)?,
        })
    }
}
