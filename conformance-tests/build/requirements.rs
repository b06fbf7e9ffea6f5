//! Reads the numbered requirements out of the protocol text.
//!
//! Used by the build script, and again by a test that feeds it bad texts.

use std::collections::BTreeSet;

/// Longest line of the text in characters, so that a requirement can be quoted, linked and diffed.
const LINE_MAX: usize = 400;
/// Begins the further lines of a requirement.
const INDENT: &str = "  ";

/// One numbered MUST of the protocol text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// `PIN-3`.
    pub id: String,
    /// The sentence or sentences after the number, as Markdown of one line or more.
    pub text: String,
}

/// Collects every list item of the form `` - `[PIN-3]` text ``, its further lines included, and
/// checks that each number is defined once, that every number mentioned anywhere is defined, and
/// that no line is longer than 400 characters.
///
/// # Errors
/// One line that says what is wrong with the text, for the person who edits it.
pub fn parse(markdown: &str) -> Result<Vec<Definition>, String> {
    let mut definitions: Vec<Definition> = Vec::new();
    let mut mentioned = BTreeSet::new();
    let lines: Vec<&str> = markdown.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        if line.chars().count() > LINE_MAX {
            return Err(format!(
                "line {}: longer than {LINE_MAX} characters; split it at a sentence",
                number + 1
            ));
        }
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
        let mut whole = vec![text.trim_end()];
        whole.extend(further_lines(&lines[number + 1..]));
        definitions.push(Definition {
            id: id.to_owned(),
            text: whole.join("\n"),
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

/// The further lines of a requirement, without the indentation that makes them part of it.
fn further_lines<'a>(lines: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let is_part = |line: &&&str| line.starts_with(INDENT);
    let end = (lines.iter().enumerate())
        .position(|(at, line)| {
            let is_gap = line.is_empty() && lines.get(at + 1).as_ref().is_some_and(is_part);
            !is_part(&line) && !is_gap
        })
        .unwrap_or(lines.len());
    lines[..end]
        .iter()
        .map(|line| line.strip_prefix(INDENT).unwrap_or(line))
}

/// The numbers that a line mentions.
pub fn mentions(line: &str) -> Vec<String> {
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
