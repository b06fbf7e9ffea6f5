//! Turns the requirements of `docs/protocol.md` into constants that the cases cite.
//!
//! A case that cites a number which the text doesn't define doesn't compile; a number without a
//! case fails the constant assertion in `src/catalogue.rs`.

mod requirements;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, process};

fn main() {
    let text = PathBuf::from("../docs/protocol.md");
    println!("cargo:rerun-if-changed={}", text.display());
    println!("cargo:rerun-if-changed=build");
    if let Err(reason) = generate(&text) {
        eprintln!("{}: {reason}", text.display());
        process::exit(1);
    }
}

fn generate(text: &PathBuf) -> Result<(), String> {
    let markdown = fs::read_to_string(text).map_err(|e| e.to_string())?;
    let definitions = requirements::parse(&markdown)?;
    let mut table = String::from(
        "/// Every numbered requirement of the protocol text, in the order of the text.\n\
         pub const REQUIREMENTS: &[Requirement] = &[\n",
    );
    let mut names = String::from(
        "/// A constant for each requirement, for cases to cite.\npub mod req {\n    use super::Req;\n",
    );
    for (position, definition) in definitions.iter().enumerate() {
        let (id, text) = (&definition.id, &definition.text);
        writeln!(
            table,
            "    Requirement {{ id: {id:?}, text: {text:?}, without_case: {:?} }},",
            format!("requirement {id} of docs/protocol.md has no conformance case")
        )
        .map_err(|e| e.to_string())?;
        writeln!(
            names,
            "    #[doc = {text:?}]\n    pub const {}: Req = Req({position});",
            id.replace('-', "_")
        )
        .map_err(|e| e.to_string())?;
    }
    table.push_str("];\n");
    names.push_str("}\n");
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR isn't set")?;
    fs::write(PathBuf::from(out).join("requirements.rs"), table + &names).map_err(|e| e.to_string())
}
