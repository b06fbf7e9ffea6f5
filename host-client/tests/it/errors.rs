//! The page of errors, held against the sources: every code stands on both, with the same words, and
//! once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What an error means for the money, and what to do.
type Row = (String, String);

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// A string literal at the beginning of `text`, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.strip_prefix('"')?;
    loop {
        let character = rest.chars().next()?;
        rest = &rest[character.len_utf8()..];
        match character {
            '"' => return Some((value, rest)),
            // A line that goes on in the next one.
            '\\' if rest.starts_with('\n') => rest = rest.trim_start(),
            '\\' => {
                value.push(rest.chars().next()?);
                rest = &rest[1..];
            }
            other => value.push(other),
        }
    }
}

/// A literal, or a constant that `before` declares last.
fn argument<'a>(before: &str, text: &'a str) -> (String, &'a str) {
    let text = text.trim_start();
    if let Some(found) = literal(text) {
        return found;
    }
    let end = text
        .find(|character: char| !character.is_ascii_uppercase() && character != '_')
        .expect("an argument ends");
    let declaration = format!("const {}: &str =", &text[..end]);
    let at = before.rfind(&declaration).expect("a constant of this file");
    let (value, _) = literal(before[at + declaration.len()..].trim_start()).expect("its value");
    (value, &text[end..])
}

/// What the sources say, by code.
fn in_sources() -> BTreeMap<String, Row> {
    const CALL: &str = "Advice::new(";
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    rust_files(&root.join("client/src"), &mut files);
    let mut rows = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source");
        for (at, _) in text.match_indices(CALL) {
            let (before, call) = text.split_at(at);
            let (code, rest) = argument(before, &call[CALL.len()..]);
            let (money, rest) = argument(before, rest.trim_start_matches(','));
            let (action, _) = argument(before, rest.trim_start_matches(','));
            let twice = rows.insert(code.clone(), (money, action));
            assert_eq!(twice, None, "{code} is twice in the sources");
        }
    }
    rows
}

/// What the page says, by code; what happened isn't compared, but must be there.
fn on_the_page() -> BTreeMap<String, Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors/host.md");
    let page = fs::read_to_string(path).expect("the page");
    let mut rows = BTreeMap::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", code, happened, money, action, ""] = cells[..] else {
            continue;
        };
        let Some(code) = code
            .strip_prefix('`')
            .and_then(|code| code.strip_suffix('`'))
        else {
            continue;
        };
        assert!(!happened.is_empty(), "{code} doesn't say what happened");
        let twice = rows.insert(code.to_owned(), (money.to_owned(), action.to_owned()));
        assert_eq!(twice, None, "{code} is twice on the page");
    }
    rows
}

#[test]
fn the_page_and_the_sources_list_the_same_errors() {
    let (sources, page) = (in_sources(), on_the_page());
    assert!(sources.len() > 100, "{}", sources.len());
    for (code, row) in &sources {
        assert_eq!(page.get(code), Some(row), "{code} on docs/errors/host.md");
    }
    for code in page.keys() {
        assert!(sources.contains_key(code), "{code} isn't in the sources");
    }
}

#[test]
fn codes_are_in_kebab_case_and_texts_are_clauses() {
    for (code, (money, action)) in in_sources() {
        let kebab = |character: char| character.is_ascii_lowercase() || character == '-';
        assert!(code.chars().all(kebab), "{code}");
        for clause in [money, action] {
            assert!(
                !clause.is_empty() && !clause.ends_with('.'),
                "{code}: {clause}"
            );
        }
    }
}
