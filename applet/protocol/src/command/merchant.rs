//! What a merchant may be called (`[PAY-9]`).

/// Whether this is well-formed UTF-8 (RFC 3629) in which nothing moves, hides, overprints or ends
/// what stands beside it on a screen: no control characters, no line or paragraph separators,
/// nothing of zero width that changes direction or joins, no marks over or through letters, no tags,
/// and not the quotation mark with which a claim ends.
pub fn is_printable(merchant: &[u8]) -> bool {
    core::str::from_utf8(merchant).is_ok_and(|text| !text.chars().any(is_forbidden))
}

fn is_forbidden(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1F}'
            | '\u{7F}'..='\u{9F}'
            | '\u{300}'..='\u{36F}'
            | '\u{61C}'
            | '\u{1AB0}'..='\u{1AFF}'
            | '\u{1DC0}'..='\u{1DFF}'
            | '\u{200B}'..='\u{200F}'
            | '\u{201D}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{20D0}'..='\u{20FF}'
            | '\u{FE20}'..='\u{FE2F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::is_printable;

    #[test]
    fn names_of_shops() {
        for name in [
            "",
            "Café Müller",
            "角の店 №7",
            "🥛",
            "\u{A0}\u{2010}\u{202F}",
        ] {
            assert!(is_printable(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn edges_of_what_is_forbidden() {
        let ranges = [
            (0x00, 0x1F),
            (0x7F, 0x9F),
            (0x300, 0x36F),
            (0x61C, 0x61C),
            (0x1AB0, 0x1AFF),
            (0x1DC0, 0x1DFF),
            (0x200B, 0x200F),
            (0x201D, 0x201D),
            (0x2028, 0x202E),
            (0x2060, 0x206F),
            (0x20D0, 0x20FF),
            (0xFE20, 0xFE2F),
            (0xFEFF, 0xFEFF),
            (0xFFF9, 0xFFFB),
            (0xE0000, 0xE0FFF),
        ];
        let mut buffer = [0; 4];
        for code in 0..=0x10FFFF {
            let Some(character) = char::from_u32(code) else {
                continue;
            };
            let forbidden = ranges.iter().any(|(a, b)| (*a..=*b).contains(&code));
            let text = character.encode_utf8(&mut buffer);
            assert_eq!(is_printable(text.as_bytes()), !forbidden, "U+{code:04X}");
        }
    }

    #[test]
    fn malformed_utf_8() {
        for bytes in [
            &[0x80u8][..],
            b"\xC0\xAF",
            b"\xED\xA0\x80",
            b"\xF4\x90\x80\x80",
            b"Caf\xC3",
            b"\xFF",
        ] {
            assert!(!is_printable(bytes), "{bytes:x?}");
        }
    }
}
