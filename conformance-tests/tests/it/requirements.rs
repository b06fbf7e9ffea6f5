//! The reading of the protocol text, and the matrix made of it.

#[path = "../../build/requirements.rs"]
mod reader;

use reader::parse;
use tillcard_conform::{catalogue, matrix};

const GOOD: &str =
    "As `[AB-1]` says.\n\n- `[AB-1]` A card MUST.\n- other\n- `[AB-2]` See `[AB-1]`.\n";

#[test]
fn requirements_are_read_in_order() {
    let read = parse(GOOD).unwrap();
    let ids: Vec<&str> = read
        .iter()
        .map(|definition| definition.id.as_str())
        .collect();
    assert_eq!(ids, ["AB-1", "AB-2"]);
    assert_eq!(read[0].text, "A card MUST.");
}

#[test]
fn further_lines_are_part_of_a_requirement() {
    let read = parse(
        "- `[AB-1]` One of these:\n  - `9000`\n  - `6985`\n\n  The first counts.\n\nOther.\n\
         - `[AB-2]` Two.\n- other\n",
    )
    .unwrap();
    assert_eq!(
        read[0].text,
        "One of these:\n- `9000`\n- `6985`\n\nThe first counts."
    );
    assert_eq!(read[1].text, "Two.");
}

#[test]
fn a_line_that_is_too_long_is_refused() {
    let text = |length: usize| format!("- `[AB-1]` {}\n", "é".repeat(length - 11));
    assert!(parse(&text(400)).is_ok());
    let reason = parse(&text(401)).unwrap_err();
    assert!(reason.starts_with("line 1: longer than 400"), "{reason}");
}

#[test]
fn a_text_that_contradicts_itself_is_refused() {
    for (text, told) in [
        ("- `[AB-1]` One.\n- `[AB-1]` Two.\n", "second time"),
        ("- `[AB-1]` As `[AB-7]` says.\n", "AB-7 is mentioned"),
        ("- `[ab-1]` One.\n", "no requirement number"),
        ("- `[AB-1] One.\n", "line 1"),
        ("No requirement at all.\n", "no requirement found"),
    ] {
        let reason = parse(text).unwrap_err();
        assert!(reason.contains(told), "{reason}");
    }
}

#[test]
fn the_built_in_requirements_are_those_of_the_text() {
    let text = std::fs::read_to_string("../docs/protocol.md").unwrap();
    let read = parse(&text).unwrap();
    let built = tillcard_conform::requirements::REQUIREMENTS;
    assert_eq!(read.len(), built.len());
    assert!(
        read.iter()
            .zip(built)
            .all(|(read, built)| read.id == built.id)
    );
    assert!(built.len() >= 60);
}

#[test]
#[should_panic(expected = "requirement FRM-1 of docs/protocol.md has no conformance case")]
fn a_requirement_without_a_case_is_refused() {
    // In the suite this is a constant assertion: it stops the build with the same words.
    catalogue::assert_covers(
        tillcard_conform::requirements::REQUIREMENTS,
        &catalogue::AREAS[1..],
    );
}

#[test]
fn the_matrix_has_every_requirement_and_every_case() {
    let matrix = matrix::markdown();
    for requirement in tillcard_conform::requirements::REQUIREMENTS {
        let row = format!("| `{}` | TC-", requirement.id);
        assert_eq!(matrix.matches(&row).count(), 1, "{}", requirement.id);
    }
    for case in catalogue::all() {
        let heading = format!("\n### {}\n", case.id);
        assert_eq!(matrix.matches(&heading).count(), 1, "{}", case.id);
        for requirement in case.requirements {
            let row = format!("| `{}` |", requirement.id());
            let cases = matrix.lines().find_map(|line| line.strip_prefix(&row));
            assert!(
                cases.is_some_and(|cases| cases.contains(case.id)),
                "{}",
                case.id
            );
        }
    }
}
