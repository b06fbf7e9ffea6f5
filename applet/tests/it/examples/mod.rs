//! The worked examples of `docs/protocol.md`, section 13, byte for byte: the
//! card answers as the text says, and what the text says is what rust-bitcoin
//! and libsecp256k1 make of the keys that it names.
//!
//! `TILLCARD_WRITE_EXAMPLES=1 cargo test -p tillcard-applet --test it examples`
//! writes the bytes into the text; the words around them are written by hand.

mod card;
mod exact;
mod list;
mod session;

use self::list::examples;
use std::fs;
use std::path::Path;

const TEXT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");

#[test]
fn the_text_says_what_the_card_answers() {
    let write = std::env::var_os("TILLCARD_WRITE_EXAMPLES").is_some();
    let mut text = fs::read_to_string(Path::new(TEXT)).unwrap();
    let chapter = text.find("\n## 13. Worked examples\n").expect("section 13");
    let mut from = chapter;
    let examples = examples();
    for (number, example) in examples.iter().enumerate() {
        let heading = format!("\n### 13.{} {}\n", number + 1, example.title);
        let at = text[from..]
            .find(&heading)
            .unwrap_or_else(|| panic!("no {heading:?}"));
        let begin = "\n```text\n";
        let start = from + at + text[from + at..].find(begin).expect("a block") + begin.len();
        let end = start + text[start..].find("```\n").expect("its end");
        if write {
            text.replace_range(start..end, &example.text);
        }
        let end = start + text[start..].find("```\n").expect("its end");
        assert_eq!(text[start..end], example.text, "{}", example.title);
        from = end;
    }
    // And no example that isn't looked at.
    assert_eq!(text[chapter..].matches("\n### 13.").count(), examples.len());
    if write {
        fs::write(TEXT, text).unwrap();
    }
}
