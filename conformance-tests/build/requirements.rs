//! Reads the numbered requirements out of the protocol text.
//!
//! Used by the build script, and again by a test that feeds it bad texts.

use std::collections::BTreeSet;

/// One numbered MUST of the protocol text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// `PIN-3`.
    pub id: String,
    /// The sentence or sentences after the number, as Markdown.
    pub text: String,
}

/// Collects every line of the form `` - `[PIN-3]` text `` and checks that each number is defined
/// once and that every number mentioned anywhere is defined.
///
/// # Errors
/// One line that says what is wrong with the text, for the person who edits it.
pub fn parse(markdown: &str) -> Result<Vec<Definition>, String> {
    let mut definitions: Vec<Definition> = Vec::new();
    let mut mentioned = BTreeSet::new();
    for (number, line) in markdown.lines().enumerate() {
        for id in mentions(line) {
            mentioned.insert((id, number + 1));
        }
        let Some(rest) = line.strip_prefix("- `[") else {
            continue;
        };
        let (id, text) = rest.split_once("]` ").ok_or_else(|| {
            format!(
                "line {}: a requirement starts \"- `[AREA-n]` \"",
                number + 1
            )
        })?;
        if !is_id(id) {
            return Err(format!(
                "line {}: {id} is no requirement number",
                number + 1
            ));
        }
        if definitions.iter().any(|d| d.id == id) {
            return Err(format!(
                "line {}: {id} is defined a second time",
                number + 1
            ));
        }
        definitions.push(Definition {
            id: id.to_owned(),
            text: text.trim().to_owned(),
        });
    }
    if definitions.is_empty() {
        return Err("no requirement found".to_owned());
    }
    for (id, line) in mentioned {
        if !definitions.iter().any(|d| d.id == id) {
            return Err(format!(
                "line {line}: {id} is mentioned and nowhere defined"
            ));
        }
    }
    Ok(definitions)
}

fn mentions(line: &str) -> Vec<String> {
    line.split('[')
        .skip(1)
        .filter_map(|part| part.split_once(']'))
        .map(|(id, _)| id)
        .filter(|id| is_id(id))
        .map(str::to_owned)
        .collect()
}

fn is_id(id: &str) -> bool {
    id.split_once('-').is_some_and(|(area, number)| {
        (2..=4).contains(&area.len())
            && area.bytes().all(|b| b.is_ascii_uppercase())
            && !number.is_empty()
            && !number.starts_with('0')
            && number.bytes().all(|b| b.is_ascii_digit())
    })
}
