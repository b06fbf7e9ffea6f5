//! What people have tried to write beside other text.

use proptest::prelude::*;
use unicode_bidi::{BidiInfo, Level};

use super::*;

fn shown(text: &str) -> String {
    Untrusted::from(text).to_string()
}

/// The text that is shown so; what no text is shown as has none.
fn read(shown: &str) -> Option<String> {
    let text = shown.strip_prefix('“')?.strip_suffix('”')?;
    let text = match text.strip_prefix("\u{200E}\u{2068}") {
        Some(inner) => inner.strip_suffix("\u{2069}\u{200E}")?,
        None => text,
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('\\') {
            out.push('\\');
            rest = after;
        } else {
            let (digits, after) = rest.strip_prefix("u{")?.split_once('}')?;
            out.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
            rest = after;
        }
    }
    Some(out + rest)
}

#[test]
fn names_of_honest_shops_are_shown_as_they_are() {
    for name in [
        "Corner shop",
        "Joe's Fish & Chips, No. 7 (pier)",
        "Café Müller",
        "Cafe\u{301} l’Été",
        "Кафе Пушкинъ Mozart",
        "Ταβέρνα",
        "珈琲ルノアール",
        "ラーメン二郎",
        "빵집",
        "दुकान",
        "ร้านน้ำ",
        "Phở Hà Nội",
        "Bitcoin Core: 21,000 sat at 50% + 2 €",
        "mempool min fee not met, 298 < 5000",
    ] {
        assert_eq!(shown(name), format!("“{name}”"));
    }
    // Letters that run from right to left are, in an isolate.
    for name in ["קפה 24", "مقهى ٢٤"] {
        assert_eq!(
            shown(name),
            format!("“\u{200E}\u{2068}{name}\u{2069}\u{200E}”")
        );
    }
}

#[test]
fn what_moves_hides_or_imitates_is_spelt_out() {
    for (text, expected) in [
        // Moves.
        ("\u{61C}shop", r"\u{61C}shop"),
        ("\u{202E}pohs\u{202C}", r"\u{202E}pohs\u{202C}"),
        ("\u{2066}shop", r"\u{2066}shop"),
        ("a\nb\r\tc\u{1B}[2J", r"a\u{A}b\u{D}\u{9}c\u{1B}[2J"),
        ("a\u{2028}b\u{2029}c\u{85}d", r"a\u{2028}b\u{2029}c\u{85}d"),
        // Hides.
        ("a\u{200B}b\u{AD}c\u{FEFF}", r"a\u{200B}b\u{AD}c\u{FEFF}"),
        ("\u{E0041}\u{E007F}", r"\u{E0041}\u{E007F}"),
        ("a\u{FE0F}\u{E0100}", r"a\u{FE0F}\u{E0100}"),
        ("\u{3164}\u{115F}\u{2800}", r"\u{3164}\u{115F}\u{2800}"),
        (" a  b ", r"\u{20}a \u{20}b\u{20}"),
        ("a\u{A0}b\u{2003}c\u{3000}", r"a\u{A0}b\u{2003}c\u{3000}"),
        (
            "e\u{301}\u{302}\u{303}\u{304}",
            "e\u{301}\u{302}\\u{303}\\u{304}",
        ),
        ("e\u{301}\u{301}", "e\u{301}\\u{301}"),
        (
            "\u{E2A}\u{E47}\u{E47}\u{E47}",
            "\u{E2A}\u{E47}\\u{E47}\\u{E47}",
        ),
        ("\u{30A}a -\u{338}b", r"\u{30A}a -\u{338}b"),
        ("a\u{20DD}\u{489}", r"a\u{20DD}\u{489}"),
        ("\u{FDFD}\u{12031}\u{FDFA}", r"\u{FDFD}\u{12031}\u{FDFA}"),
        ("\u{E000}\u{378}\u{F0000}", r"\u{E000}\u{378}\u{F0000}"),
        // Imitates.
        ("shop”, invoice 7", r"shop\u{201D}, invoice 7"),
        ("shop\", “x", r"shop\u{22}, \u{201C}x"),
        (
            "a″b〃c״d‶e〞f❞",
            r"a\u{2033}b\u{3003}c\u{5F4}d\u{2036}e\u{301E}f\u{275E}",
        ),
        ("a''b'’c", r"a'\u{27}b'\u{2019}c"),
        ("«a» ‹b›", r"\u{AB}a\u{BB} \u{2039}b\u{203A}"),
        (r"a\u{202E}b", r"a\\u{202E}b"),
        ("＼u{202E}", r"\u{FF3C}u{202E}"),
        ("Сorner shop", r"\u{421}orner shop"),
        ("✓ genuine", r"\u{2713} genuine"),
    ] {
        assert_eq!(shown(text), format!("“{expected}”"), "{text:?}");
        assert_eq!(read(&shown(text)).as_deref(), Some(text));
    }
}

#[test]
fn a_long_text_is_cut() {
    let most = "x".repeat(240);
    assert_eq!(shown(&most), format!("“{most}”"));
    assert_eq!(shown(&format!("{most}y")), format!("“{most}\\…”"));
    assert_eq!(shown("…"), "“…”");
    assert_eq!(shown(""), "“”");
}

#[test]
fn a_message_has_it_as_it_is_shown_and_a_file_as_it_came() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Stored {
        #[serde(serialize_with = "Untrusted::store")]
        label: Untrusted,
    }
    let label = Untrusted::from("milk\u{202E} money");
    let message = serde_json::to_string(&label).unwrap();
    assert_eq!(message, r#""milk\\u{202E} money""#);
    let stored = Stored { label };
    let file = serde_json::to_string(&stored).unwrap();
    assert_eq!(serde_json::from_str::<Stored>(&file).unwrap(), stored);
}

/// What stands around the text, as a terminal or a browser orders it: where it would stand beside a
/// harmless word.
#[track_caller]
fn assert_moves_nothing(text: &str) {
    const BEFORE: &str = "Payment 12: 21,000 sat to ";
    const AFTER: &str = ", 34 (5) [6]: 78 sat";
    let sentence = format!("{BEFORE}{}{AFTER}", Untrusted::from(text));
    let order = BidiInfo::new(&sentence, Some(Level::ltr()));
    let [paragraph] = &order.paragraphs[..] else {
        panic!("{text:?} begins a paragraph");
    };
    let line = order.reorder_line(paragraph, paragraph.range.clone());
    assert!(line.starts_with(BEFORE), "{text:?}: {line:?}");
    assert!(line.ends_with(&format!("”{AFTER}")), "{text:?}: {line:?}");
}

/// Letters of every kind that has a direction, digits, signs, and what moves them.
const DIRECTED: &str =
    "[aא5ع٥۵,.(\\[\\-+€\u{61C}\u{200E}\u{200F}\u{202A}-\u{202E}\u{2066}-\u{2069}\n ]{0,12}";

proptest! {
    #[test]
    fn nothing_beside_a_text_moves(text in prop_oneof![DIRECTED, any::<String>()]) {
        assert_moves_nothing(&text);
    }

    #[test]
    fn no_two_texts_are_shown_alike(text in prop_oneof![DIRECTED, any::<String>()]) {
        prop_assert_eq!(read(&shown(&text)), Some(text));
    }

    #[test]
    fn a_text_is_in_its_quotation_marks(text in any::<String>()) {
        let shown = shown(&text);
        let inside = shown.strip_prefix('“').and_then(|text| text.strip_suffix('”')).unwrap();
        let breaks_out = inside.contains(['“', '”', '"', '\n', '\r', '\u{1B}']);
        prop_assert!(!breaks_out, "{inside:?}");
    }
}
