//! Which characters of a text from outside are shown, and which are spelt out.

use icu_properties::props::{
    BidiClass, BinaryProperty, CanonicalCombiningClass, DefaultIgnorableCodePoint,
    EnumeratedProperty, GeneralCategory as Category,
};
use unicode_security::{GeneralSecurityProfile, MixedScript, skeleton};

/// Characters that are shown of one text: a longer one pushes its surroundings off the screen.
const MOST_CHARACTERS: usize = 240;
/// What stands at the end of a text that was longer. The backslash makes it none of the text's own.
const CUT: &str = "\\…";

/// Marks on one letter (UTS #39, section 5.4), and those of them that stack above or below it.
const MOST_MARKS: u8 = 4;
const MOST_STACKED: u8 = 2;

/// LEFT-TO-RIGHT MARK and FIRST STRONG ISOLATE before a text with letters that run from right to
/// left, POP DIRECTIONAL ISOLATE and the mark after it: such letters order themselves, and nothing
/// beside them (UAX #9). The marks do it where isolates aren't known.
const ISOLATE: &str = "\u{200E}\u{2068}";
const END_OF_ISOLATE: &str = "\u{2069}\u{200E}";

/// The text as it is shown.
pub(super) fn shown(text: &str) -> String {
    let mut writer = Writer::default();
    let mut rest = text.char_indices().take(MOST_CHARACTERS).peekable();
    let mut mixed_until = 0;
    let mut word_until = 0;
    while let Some((at, c)) = rest.next() {
        if at >= word_until && is_of_a_word(c) {
            let word = first_word(&text[at..]);
            word_until = at + word.len();
            if !word.is_single_script() {
                mixed_until = word_until;
            }
        }
        // Letters of another script in a word are there to imitate its own.
        let is_foreign = at < mixed_until && !c.is_ascii();
        let is_last = rest.peek().is_none();
        writer.write(c, is_foreign, is_last);
    }
    if text.chars().nth(MOST_CHARACTERS).is_some() {
        writer.out.push_str(CUT);
    }
    match writer.runs_to_the_left {
        true => format!("{ISOLATE}{}{END_OF_ISOLATE}", writer.out),
        false => writer.out,
    }
}

/// What was written, and what of it bears on the next character.
#[derive(Default)]
struct Writer {
    out: String,
    /// Whether some of it runs from right to left.
    runs_to_the_left: bool,
    /// The last character, if it is shown as it is.
    last: Option<char>,
    /// Whether a mark may stand on the last letter.
    has_letter: bool,
    /// Marks on it.
    marks: u8,
    stacked: u8,
    /// Whether an apostrophe stands there, that a second one would make a quotation mark.
    ends_in_apostrophe: bool,
}

impl Writer {
    fn write(&mut self, c: char, is_foreign: bool, is_last: bool) {
        let category = Category::for_char(c);
        if c == '\\' {
            self.out.push_str("\\\\");
            self.forget();
        } else if !is_foreign && self.is_shown(c, category, is_last) {
            self.out.push(c);
            self.note(c, category);
        } else {
            self.out.push_str(&format!("\\u{{{:X}}}", u32::from(c)));
            self.forget();
        }
    }

    fn is_shown(&self, c: char, category: Category, is_last: bool) -> bool {
        if DefaultIgnorableCodePoint::for_char(c) {
            return false;
        }
        match category {
            Category::SpaceSeparator => {
                c == ' ' && !is_last && self.last.is_some_and(|last| last != ' ')
            }
            Category::NonspacingMark | Category::SpacingMark => self.takes_mark(c),
            _ if is_letter(category) => is_allowed(c) && !self.makes_quotation(c),
            Category::CurrencySymbol => true,
            _ => is_plain(c) && !self.makes_quotation(c),
        }
    }

    /// Whether the last letter bears one more mark, this one.
    fn takes_mark(&self, c: char) -> bool {
        self.has_letter
            && c.identifier_allowed()
            && self.marks < MOST_MARKS
            && self.last != Some(c)
            && (!stacks(c) || self.stacked < MOST_STACKED)
    }

    /// Whether it looks like a double quotation mark, by itself or after what stands there, or like
    /// the backslash of a spelling.
    fn makes_quotation(&self, c: char) -> bool {
        let looks = looks_like(c);
        looks.contains("''")
            || looks == "\\"
            || (self.ends_in_apostrophe && looks.starts_with('\''))
    }

    fn note(&mut self, c: char, category: Category) {
        use BidiClass as Class;
        self.runs_to_the_left |= matches!(
            Class::for_char(c),
            Class::RightToLeft | Class::ArabicLetter | Class::ArabicNumber
        );
        self.last = Some(c);
        if matches!(category, Category::NonspacingMark | Category::SpacingMark) {
            self.marks += 1;
            self.stacked += u8::from(stacks(c));
            return;
        }
        (self.marks, self.stacked) = (0, 0);
        self.has_letter = is_letter(category);
        self.ends_in_apostrophe = looks_like(c).ends_with('\'');
    }

    /// After what is spelt out nothing is left of the character before it.
    fn forget(&mut self) {
        self.last = self.out.chars().last();
        (self.has_letter, self.marks, self.stacked) = (false, 0, 0);
        self.ends_in_apostrophe = false;
    }
}

fn is_letter(category: Category) -> bool {
    matches!(
        category,
        Category::UppercaseLetter
            | Category::LowercaseLetter
            | Category::TitlecaseLetter
            | Category::ModifierLetter
            | Category::OtherLetter
            | Category::DecimalNumber
    )
}

/// Whether it is a letter of a script in daily use, as it is written today (UTS #39, section 3.1).
/// The vowel sign am of Thai and Lao is one, and missing there only because it can be taken apart.
fn is_allowed(c: char) -> bool {
    c.identifier_allowed() || matches!(c, '\u{E33}' | '\u{EB3}')
}

/// Whether it is one of the signs that stand between words: of ASCII and Latin-1, dashes and stops,
/// those of East Asia. Quotation marks aren't, but the single ones, which are apostrophes.
fn is_plain(c: char) -> bool {
    match c {
        '«' | '»' | '“' | '”' | '„' | '‟' | '‹' | '›' | '〝'..='〟' => false,
        ' '..='~' | '\u{A1}'..='\u{FF}' => true,
        '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}' | '\u{3001}'..='\u{303F}' => !matches!(
            Category::for_char(c),
            Category::Unassigned | Category::OtherSymbol
        ),
        _ => false,
    }
}

/// Whether a mark stands above or below all that is there, and not in a place of its own.
fn stacks(c: char) -> bool {
    CanonicalCombiningClass::for_char(c) != CanonicalCombiningClass::NotReordered
}

/// What it is confused with (UTS #39, section 4).
fn looks_like(c: char) -> String {
    skeleton(c.encode_utf8(&mut [0; 4])).collect()
}

fn is_of_a_word(c: char) -> bool {
    let category = Category::for_char(c);
    is_letter(category) || matches!(category, Category::NonspacingMark | Category::SpacingMark)
}

/// The word that a text begins with.
fn first_word(text: &str) -> &str {
    let end = text.find(|c| !is_of_a_word(c)).unwrap_or(text.len());
    &text[..end]
}
