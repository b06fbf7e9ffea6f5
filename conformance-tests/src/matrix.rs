//! The matrix of requirements and cases, as Markdown.

use crate::case::Case;
use crate::catalogue;
use crate::requirements::{REQUIREMENTS, Req};
use std::fmt::Write as _;

/// The chapter `conformance-matrix.md` of the book, which is made of the catalogue when the book
/// is built.
#[must_use]
pub fn markdown() -> String {
    let cases: Vec<&Case> = catalogue::all().collect();
    let mut text = String::from(
        "# Requirements and cases\n\n\
         Made by `tillcard-conform matrix` when the book is built.\n\n",
    );
    let _ = writeln!(
        text,
        "{} requirements of [the protocol](protocol.md), {} cases. Each requirement has at least \
         one case: the suite doesn't compile otherwise.\n\n\
         ## Requirements\n\n\
         | requirement | cases |\n|---|---|",
        REQUIREMENTS.len(),
        cases.len()
    );
    for (position, requirement) in REQUIREMENTS.iter().enumerate() {
        let citing: Vec<&str> = cases
            .iter()
            .filter(|case| case.requirements.contains(&Req(position)))
            .map(|case| case.id)
            .collect();
        let _ = writeln!(text, "| `{}` | {} |", requirement.id, citing.join(", "));
    }
    text.push_str(
        "\n## Cases\n\n\
         *Card*: `factory`, `issued` and `funded` cards are shared by the cases of that kind and \
         left as they were; an `own` card is used up; `after-all` cases come last and judge the \
         whole run. *Level*: D0 changes nothing, D1 uses up PIN tries and restores them, D3 can't \
         be undone.\n\n",
    );
    for case in &cases {
        let requirements: Vec<&str> = case.requirements.iter().map(|req| req.id()).collect();
        let _ = writeln!(
            text,
            "### {}\n\n{}\n\n- Requirements: {}\n- Card: {}, level {}, version {}\n- Catches: {}\n",
            case.id,
            case.purpose,
            requirements.join(", "),
            case.start,
            case.level,
            case.version,
            case.defect
        );
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
