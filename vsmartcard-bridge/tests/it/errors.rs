//! The list of errors in `docs/errors/emulator.md`, against the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The sources that say what an error is called.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

/// The names in the bodies of `fn code`, which end at the function's brace.
fn codes(source: &str) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for function in source.split("fn code(&self) -> &'static str {").skip(1) {
        let body = function.split("\n    }\n").next().unwrap();
        codes.extend(body.split("=> \"").skip(1).map(|rest| {
            let (code, _) = rest.split_once('"').expect("a closing quote");
            code.to_owned()
        }));
    }
    codes
}

#[test]
fn every_error_is_in_the_list_and_every_entry_is_an_error() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = sources(&root.join("src")) + &sources(&root.join("personalise/src"));
    let codes = codes(&source);
    assert!(codes.len() > 30, "{codes:?}");
    for code in &codes {
        let kebab = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        assert!(code.bytes().all(kebab), "{code} isn't in kebab case");
    }
    let list = fs::read_to_string(root.join("../docs/errors/emulator.md")).unwrap();
    let listed: Vec<String> = list
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(code, _)| code.to_owned())
        .collect();
    let unique: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(unique.len(), listed.len(), "an error is listed twice");
    assert_eq!(unique, codes);
}
