//! Secrets, the forms in which a program may hold them, and the search for these.

use memchr::memmem::Finder;
use zeroize::Zeroizing;

/// Digits of a PIN below which a chance hit must be expected: 4 bytes of BCD come up by chance in
/// one of 40 scans of 100 MB.
const MIN_DIGITS: usize = 8;

/// One form of one secret.
struct Form {
    secret: String,
    form: &'static str,
    bytes: Zeroizing<Vec<u8>>,
}

/// What to look for. Deliberately without `Debug`.
#[derive(Default)]
pub struct Secrets {
    forms: Vec<Form>,
}

/// A secret that was found. It tells which one and where, not what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The secret's name.
    pub secret: String,
    /// The form in which it was found.
    pub form: &'static str,
    /// Where: a region of memory and an address, or a file and an offset.
    pub place: String,
}

impl Secrets {
    /// Adds a key or a seed: as it is, in the other byte order, and both in hex of either case.
    pub fn add_bytes(&mut self, name: &str, secret: &[u8]) {
        let forward = Zeroizing::new(secret.to_vec());
        let mut backward = forward.clone();
        backward.reverse();
        for (bytes, [raw, lower, upper]) in [
            (forward, ["raw", "hex", "upper-case hex"]),
            (
                backward,
                ["reversed", "reversed hex", "reversed upper-case hex"],
            ),
        ] {
            let hex_lower = Zeroizing::new(hex::encode(&*bytes));
            let hex_upper = Zeroizing::new(hex::encode_upper(&*bytes));
            self.add_form(name, lower, hex_lower.as_bytes());
            self.add_form(name, upper, hex_upper.as_bytes());
            self.add_form(name, raw, &bytes);
        }
    }

    /// Adds text: as it is and in UTF-16.
    pub fn add_text(&mut self, name: &str, secret: &str) {
        self.add_form(name, "text", secret.as_bytes());
        let wide: Zeroizing<Vec<u8>> = Zeroizing::new(
            secret
                .encode_utf16()
                .flat_map(|unit| unit.to_le_bytes())
                .collect(),
        );
        self.add_form(name, "UTF-16", &wide);
    }

    /// Adds a PIN of at least 8 decimal digits: in ASCII, as values 0 to 9, in packed BCD.
    ///
    /// # Panics
    /// When there are fewer digits, since a scan would find them by chance, or anything else but
    /// digits: both are mistakes in the program that scans.
    pub fn add_pin(&mut self, name: &str, digits: &str) {
        assert!(
            digits.len() >= MIN_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()),
            "a PIN to be looked for has at least {MIN_DIGITS} digits"
        );
        self.add_text(name, digits);
        let values: Zeroizing<Vec<u8>> =
            Zeroizing::new(digits.bytes().map(|digit| digit - b'0').collect());
        self.add_form(name, "digit values", &values);
        // Of an odd number of digits the last one shares its byte with something unknown.
        let packed: Zeroizing<Vec<u8>> = Zeroizing::new(
            values
                .chunks_exact(2)
                .map(|pair| pair[0] << 4 | pair[1])
                .collect(),
        );
        self.add_form(name, "BCD", &packed);
    }

    fn add_form(&mut self, name: &str, form: &'static str, bytes: &[u8]) {
        self.forms.push(Form {
            secret: name.to_owned(),
            form,
            bytes: Zeroizing::new(bytes.to_vec()),
        });
    }

    /// How many forms are looked for.
    pub fn forms(&self) -> usize {
        self.forms.len()
    }

    /// Looks for all forms in `bytes`; `place` names the place of an offset.
    pub fn search(&self, bytes: &[u8], place: impl Fn(usize) -> String) -> Vec<Finding> {
        let mut findings = Vec::new();
        for form in &self.forms {
            for offset in Finder::new(&*form.bytes).find_iter(bytes) {
                findings.push(Finding {
                    secret: form.secret.clone(),
                    form: form.form,
                    place: place(offset),
                });
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(secrets: &Secrets, bytes: &[u8]) -> Vec<&'static str> {
        let findings = secrets.search(bytes, |offset| offset.to_string());
        findings.iter().map(|finding| finding.form).collect()
    }

    #[test]
    fn keys_are_found_in_every_form() {
        let mut secrets = Secrets::default();
        secrets.add_bytes("key", &[0xAB, 0xCD, 0xEF]);
        for (bytes, form) in [
            (&b"..\xAB\xCD\xEF.."[..], "raw"),
            (b"..\xEF\xCD\xAB..", "reversed"),
            (b"abcdef", "hex"),
            (b"ABCDEF", "upper-case hex"),
            (b"efcdab", "reversed hex"),
            (b"EFCDAB", "reversed upper-case hex"),
        ] {
            assert_eq!(found(&secrets, bytes), [form]);
        }
        assert!(found(&secrets, b"\xAB\xCD").is_empty());
    }

    #[test]
    fn pins_are_found_in_every_form() {
        let mut secrets = Secrets::default();
        secrets.add_pin("PIN", "12345678");
        assert_eq!(found(&secrets, b"x12345678x"), ["text"]);
        assert_eq!(
            found(&secrets, b"1\x002\x003\x004\x005\x006\x007\x008\x00"),
            ["UTF-16"]
        );
        assert_eq!(found(&secrets, &[1, 2, 3, 4, 5, 6, 7, 8]), ["digit values"]);
        let block = [0x28, 0x12, 0x34, 0x56, 0x78, 0xFF, 0xFF, 0xFF];
        assert_eq!(found(&secrets, &block), ["BCD"]);
        assert!(found(&secrets, b"1234 5678").is_empty());
    }

    #[test]
    fn findings_tell_where_and_not_what() {
        let mut secrets = Secrets::default();
        secrets.add_text("words", "abandon ability");
        let findings = secrets.search(b"..abandon ability", |offset| format!("byte {offset}"));
        let [finding] = &findings[..] else {
            panic!("one finding");
        };
        assert_eq!(finding.place, "byte 2");
        assert!(!format!("{finding:?}").contains("abandon"));
    }
}
