//! From clause to code: each requirement of the protocol text stands as its number at the function
//! of the card that does it, or in the list of those that are met by construction. That each has a
//! conformance case is what the suite's own build looks at.

#[path = "../../../conformance-tests/build/requirements.rs"]
#[allow(
    dead_code,
    reason = "the suite's build reads what each requirement says, too"
)]
mod reader;

use crate::sources::rust_files;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where the card's sources are, and those of its parts that stand in crates of their own.
const CARD: [&str; 3] = ["applet/src", "applet/protocol/src", "applet/runtime/src"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The numbers of the text.
fn text() -> BTreeSet<String> {
    let definitions = reader::parse(&read(&root().join("docs/protocol.md"))).expect("the text");
    definitions.into_iter().map(|d| d.id).collect()
}

/// The numbers in the list of those met by construction. Each has a reason.
fn by_construction(list: &str) -> BTreeSet<String> {
    let rows = list.lines().filter_map(|line| line.strip_prefix("| `["));
    rows.map(|row| {
        let (id, reason) = row.split_once("]` | ").expect("a number and a reason");
        assert!(reason.len() > 20, "{id} has no reason");
        id.to_owned()
    })
    .collect()
}

/// The numbers in source files, with the first file that has each.
fn tagged(folders: &[PathBuf]) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for file in folders.iter().flat_map(|folder| rust_files(folder)) {
        for id in read(&file).lines().flat_map(reader::mentions) {
            found.entry(id).or_insert_with(|| file.clone());
        }
    }
    found
}

/// What is wrong between the text, the sources and the list.
fn differences(
    text: &BTreeSet<String>,
    tagged: &BTreeMap<String, PathBuf>,
    listed: &BTreeSet<String>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for id in text {
        if !tagged.contains_key(id) && !listed.contains(id) {
            wrong.push(format!(
                "[{id}] stands neither in the card's sources, at the function that does it, nor in \
                 docs/by-construction.md"
            ));
        }
    }
    for (id, file) in tagged {
        if !text.contains(id) {
            wrong.push(format!("[{id}] in {} isn't in the text", file.display()));
        }
        if listed.contains(id) {
            wrong.push(format!(
                "[{id}] is in docs/by-construction.md and in {}",
                file.display()
            ));
        }
    }
    for id in listed.difference(text) {
        wrong.push(format!(
            "[{id}] in docs/by-construction.md isn't in the text"
        ));
    }
    wrong
}

#[test]
fn each_requirement_stands_at_the_function_that_does_it() {
    let folders: Vec<PathBuf> = (CARD.iter().map(|folder| root().join(folder)))
        .filter(|folder| folder.is_dir())
        .collect();
    let list = read(&root().join("docs/by-construction.md"));
    let wrong = differences(&text(), &tagged(&folders), &by_construction(&list));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a Markdown text has in backticks that looks like a source file.
fn files_named(text: &str) -> Vec<&str> {
    (text.split('`').skip(1).step_by(2))
        .filter(|code| code.contains('/') && code.ends_with(".rs"))
        .collect()
}

#[test]
fn each_file_that_the_architecture_names_is_there() {
    let text = read(&root().join("docs/architecture.md"));
    let files = files_named(&text);
    let missing: Vec<&&str> = (files.iter())
        .filter(|file| !root().join(file).is_file())
        .collect();
    assert!(files.len() > 30, "{files:?}");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn a_number_that_is_missing_unknown_or_told_twice_is_found() {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let text: BTreeSet<String> = ids(&["AB-1", "AB-2", "AB-3"]);
    let listed: BTreeSet<String> = ids(&["AB-2", "AB-9"]);
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join("a.rs"),
        "/// `[AB-1]`, `[AB-2]`, `[AB-7]`.\nfn a() {}\n",
    )
    .expect("a file");
    let tagged = tagged(&[folder.path().to_owned()]);
    let wrong = differences(&text, &tagged, &listed);
    for id in ["AB-2", "AB-3", "AB-7", "AB-9"] {
        assert!(
            wrong.iter().any(|line| line.contains(&format!("[{id}]"))),
            "{id}: {wrong:?}"
        );
    }
    assert_eq!(wrong.len(), 4, "{wrong:?}");
}
