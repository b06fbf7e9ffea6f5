//! Every command in every state, role and kind of session: the card answers what the
//! rules below say, which are those of sections 5.5 and 10, and the tables of section
//! 14 of `docs/protocol.md` say the same.
//!
//! `TILLCARD_WRITE_MATRIX=1 cargo test -p tillcard-applet --test it matrix` writes the
//! tables into the text.

use crate::cells::rows::rows;
use crate::cells::rules::State;
use crate::cells::world::World;
use std::fmt::Write;
use std::fs;

const TEXT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");

#[test]
fn every_command_in_every_state_role_and_session() {
    let world = World::new();
    let rows = rows(&world);
    let mut tables = String::new();
    let mut cells = 0;
    for (number, (state, title)) in State::ALL.into_iter().enumerate() {
        let columns = state.columns();
        let titles: Vec<String> = columns.iter().map(|column| column.title()).collect();
        write!(tables, "\n### 14.{} {title}\n\n", number + 1).unwrap();
        writeln!(tables, "| command | {} |", titles.join(" | ")).unwrap();
        writeln!(tables, "|---|{}", "---|".repeat(columns.len())).unwrap();
        for row in &rows {
            write!(tables, "| {} |", row.name).unwrap();
            for column in &columns {
                let status = world.answered(number, *column, &row.what);
                let expected = row.rules[number].of(*column);
                assert_eq!(
                    format!("{status:04X}"),
                    format!("{expected:04X}"),
                    "{title}: {}, {}",
                    row.name,
                    column.title()
                );
                write!(tables, " `{status:04X}` |").unwrap();
                cells += 1;
            }
            tables.push('\n');
        }
    }
    println!("{cells} cells");
    assert!(cells > 900);
    let mut text = fs::read_to_string(TEXT).unwrap();
    let start = text.find("\n### 14.1 ").expect("section 14");
    if std::env::var_os("TILLCARD_WRITE_MATRIX").is_some() {
        text.replace_range(start.., &tables);
        fs::write(TEXT, &text).unwrap();
    }
    assert!(text[start..] == tables, "section 14 says something else");
}
