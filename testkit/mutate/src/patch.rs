//! Finds the places of mutants in a text, and puts them there behind switches.

use std::cmp::Reverse;

use crate::rows::Edit;

/// Stands in a mutated text for the switch itself, where no `if` can: in the guard of a match arm.
/// The text then replaces the original as it is, and has to hold it.
const SWITCH: &str = "MUTANT!()";

/// An edit, found.
pub struct Placed {
    start: usize,
    end: usize,
    id: u16,
    mutated: String,
}

/// Begin and end of what is replaced, in an original text that needs more to be found.
const MARKS: [&str; 2] = ["«", "»"];

/// Where the edit of this mutant goes. What only comes of how lines are broken is left out of the
/// comparison, and so are comments.
pub fn find(text: &str, edit: &Edit, id: u16) -> Result<Placed, String> {
    let (haystack, places) = squeezed(text);
    let (before, replaced, after) = parts(&edit.original)?;
    let [before, replaced, after] = [before, replaced, after].map(|part| squeezed(part).0);
    if replaced.is_empty() {
        return Err("the original text is empty".to_owned());
    }
    let needle = [&before[..], &replaced, &after].concat();
    let found: Vec<usize> = (0..haystack.len().saturating_sub(needle.len() - 1))
        .filter(|at| haystack[*at..].starts_with(&needle))
        .collect();
    match found[..] {
        [at] => Ok(Placed {
            start: places[at + before.len()],
            end: places[at + before.len() + replaced.len() - 1] + 1,
            id,
            mutated: edit.mutated.clone(),
        }),
        _ => Err(format!(
            "the original text stands there {} times, not once",
            found.len()
        )),
    }
}

/// What stands before, between and after the marks; all of it is between when there are none.
fn parts(original: &str) -> Result<(&str, &str, &str), String> {
    let [begin, end] = MARKS;
    match (original.split_once(begin), original.split_once(end)) {
        (None, None) => Ok(("", original, "")),
        (Some((before, rest)), Some((_, after))) => rest
            .split_once(end)
            .map(|(replaced, _)| (before, replaced, after))
            .ok_or_else(|| format!("{end} stands before {begin}")),
        _ => Err(format!("{begin} and {end} go together")),
    }
}

/// The bytes without whitespace, comments and commas before a closing bracket, and where each of
/// them stands.
fn squeezed(text: &str) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = Vec::new();
    let mut places = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let code = line.split_once("//").map_or(line, |(code, _)| code);
        for (at, byte) in code.bytes().enumerate() {
            if !byte.is_ascii_whitespace() {
                if matches!(byte, b')' | b']' | b'}') && bytes.last() == Some(&b',') {
                    bytes.pop();
                    places.pop();
                }
                bytes.push(byte);
                places.push(start + at);
            }
        }
        start += line.len();
    }
    (bytes, places)
}

/// The text with all edits, each of which works while `switch` says that its mutant is on.
pub fn apply(text: &str, placed: &[Placed], switch: &str) -> Result<String, String> {
    let mut sorted: Vec<&Placed> = placed.iter().collect();
    sorted.sort_by_key(|placed| (placed.start, Reverse(placed.end)));
    within(text, 0..text.len(), &sorted, switch)
}

fn within(
    text: &str,
    range: std::ops::Range<usize>,
    mut placed: &[&Placed],
    switch: &str,
) -> Result<String, String> {
    let mut out = String::new();
    let mut at = range.start;
    while let Some(outer) = placed.first() {
        let same = |other: &&Placed| (other.start, other.end) == (outer.start, outer.end);
        let (alternatives, rest) = placed.split_at(placed.iter().take_while(|p| same(p)).count());
        let count = rest
            .iter()
            .take_while(|inner| inner.start < outer.end)
            .count();
        let (inner, rest) = rest.split_at(count);
        if let Some(crossing) = inner.iter().find(|inner| inner.end > outer.end) {
            let (a, b) = (&outer.mutated, &crossing.mutated);
            return Err(format!("the places of two mutants cross: {a:?} and {b:?}"));
        }
        out.push_str(&text[at..outer.start]);
        let is_alone = alternatives.len() == 1 && inner.is_empty();
        if !is_alone && let Some(arm) = alternatives.iter().find(|p| p.mutated.contains(SWITCH)) {
            return Err(format!("a guard's place is its own: {:?}", arm.mutated));
        }
        let mut here = within(text, outer.start..outer.end, inner, switch)?;
        for alternative in alternatives {
            here = alternative.around(&here, switch);
        }
        out.push_str(&here);
        at = outer.end;
        placed = rest;
    }
    out.push_str(&text[at..range.end]);
    Ok(out)
}

impl Placed {
    fn around(&self, original: &str, switch: &str) -> String {
        let Self { id, mutated, .. } = self;
        let switch = format!("{switch}({id})");
        if mutated.contains(SWITCH) {
            return mutated.replace(SWITCH, &switch);
        }
        if original.trim_end().ends_with([';', '}']) {
            // Statements.
            format!("if {switch} {{ {mutated} }} else {{ {original} }}")
        } else {
            format!("(if {switch} {{ {mutated} }} else {{ {original} }})")
        }
    }
}
