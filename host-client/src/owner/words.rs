//! The backup words (BIP39), from which everything of the owner's comes.

use bip39::{Language, Mnemonic};
use zeroize::Zeroizing;

use super::OwnerError;

/// How many words a new backup has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordCount {
    /// 128 bits of entropy.
    Twelve,
    /// 256 bits of entropy.
    TwentyFour,
}

/// BIP39 words in English, without a passphrase. Whoever knows them owns all the coins: there is
/// no `Debug`, and the memory is wiped when the value goes.
pub struct Words(Mnemonic);

impl Words {
    /// New words from the operating system's random bytes.
    ///
    /// # Errors
    /// [`OwnerError::Random`] when there are none.
    pub fn generate(count: WordCount) -> Result<Self, OwnerError> {
        let mut entropy = Zeroizing::new([0u8; 32]);
        let used = match count {
            WordCount::Twelve => &mut entropy[..16],
            WordCount::TwentyFour => &mut entropy[..],
        };
        getrandom::fill(used).map_err(OwnerError::Random)?;
        Mnemonic::from_entropy_in(Language::English, used)
            .map(Self)
            .map_err(|error| OwnerError::Words(error.to_string()))
    }

    /// Reads words that were written down: 12 or 24 of them, however spaced, in any case.
    ///
    /// # Errors
    /// [`OwnerError::Words`] says what is wrong, without repeating a word.
    pub fn parse(text: &str) -> Result<Self, OwnerError> {
        let mut normal = Zeroizing::new(String::with_capacity(text.len()));
        let mut count = 0;
        for word in text.split_whitespace() {
            if count > 0 {
                normal.push(' ');
            }
            normal.push_str(&Zeroizing::new(word.to_ascii_lowercase()));
            count += 1;
        }
        if count != 12 && count != 24 {
            return Err(OwnerError::Words(format!(
                "{count} words where 12 or 24 are needed"
            )));
        }
        Mnemonic::parse_in_normalized(Language::English, &normal)
            .map(Self)
            .map_err(|error| {
                OwnerError::Words(match error {
                    bip39::Error::UnknownWord(place) => {
                        format!("word number {} isn't in BIP39's English list", place + 1)
                    }
                    bip39::Error::InvalidChecksum => {
                        "the checksum is wrong; a word is mistaken or out of place".into()
                    }
                    other => other.to_string(),
                })
            })
    }

    /// The words, to be shown once and written down on paper.
    pub fn phrase(&self) -> Zeroizing<String> {
        let mut phrase = Zeroizing::new(String::with_capacity(24 * 9));
        for (place, word) in self.0.words().enumerate() {
            if place > 0 {
                phrase.push(' ');
            }
            phrase.push_str(word);
        }
        phrase
    }

    /// BIP39's seed, without a passphrase.
    pub(super) fn seed(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.0.to_seed_normalized(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABANDON: &str = "abandon abandon abandon abandon abandon abandon abandon abandon \
                           abandon abandon abandon about";

    #[test]
    fn the_seed_is_that_of_bip39() {
        // BIP39's first vector, without its passphrase (as BIP84 and BIP86 use it).
        let words = Words::parse(ABANDON).unwrap();
        assert!(hex::encode(*words.seed()).starts_with("5eb00bbddcf069084889a8ab9155568165f5c4"));
    }

    #[test]
    fn new_words_can_be_read_back() {
        for (count, number) in [(WordCount::Twelve, 12), (WordCount::TwentyFour, 24)] {
            let words = Words::generate(count).unwrap();
            let phrase = words.phrase();
            assert_eq!(phrase.split(' ').count(), number);
            let untidy = phrase.to_uppercase().replace(' ', "\n  ");
            assert_eq!(*Words::parse(&untidy).unwrap().seed(), *words.seed());
        }
    }

    #[test]
    fn mistakes_are_named_without_repeating_words() {
        let complaint = |text: &str| Words::parse(text).err().unwrap().to_string();
        assert!(complaint("abandon about").contains("2 words where 12 or 24"));
        assert!(complaint(&ABANDON.replace("about", "abandon")).contains("checksum"));
        let unknown = complaint(&ABANDON.replace("about", "satoshee"));
        assert!(unknown.contains("word number 12"), "{unknown}");
        assert!(!unknown.contains("satoshee"));
    }
}
