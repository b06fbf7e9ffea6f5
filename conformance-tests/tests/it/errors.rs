//! Codes and the page about them.

use std::collections::BTreeSet;
use tillcard_conform::failure::Code;

const PAGE: &str = "../docs/errors/conformance.md";

/// The first column of a table that has codes in it, and how many columns there are.
fn rows() -> Vec<(String, usize)> {
    let page = std::fs::read_to_string(PAGE).unwrap();
    page.lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|row| {
            let (code, rest) = row.split_once("` |").unwrap();
            (code.to_owned(), rest.matches('|').count())
        })
        .collect()
}

#[test]
fn the_page_has_every_code_once_and_no_other() {
    let rows = rows();
    let listed: BTreeSet<&str> = rows.iter().map(|(code, _)| code.as_str()).collect();
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(listed, known);
    assert_eq!(rows.len(), Code::ALL.len(), "a code stands there twice");
    for (code, columns) in rows {
        assert_eq!(columns, 2, "{code}: meaning and what to do");
    }
}

#[test]
fn a_message_ends_with_its_code() {
    for code in Code::ALL {
        let message = code.because("Something happened.").to_string();
        assert_eq!(message, format!("Something happened. [{code}]"));
        assert!(
            (code.name().bytes()).all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
            "{code}"
        );
    }
}
