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
    /// [`OwnerError::NoRandomness`] when there are none.
    pub fn generate(count: WordCount) -> Result<Self, OwnerError> {
        let mut entropy = Zeroizing::new([0u8; 32]);
        let used = match count {
            WordCount::Twelve => &mut entropy[..16],
            WordCount::TwentyFour => &mut entropy[..],
        };
        getrandom::fill(used).map_err(|_| OwnerError::NoRandomness)?;
        Self::from_entropy(used)
    }

    fn from_entropy(entropy: &[u8]) -> Result<Self, OwnerError> {
        Mnemonic::from_entropy_in(Language::English, entropy)
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

    /// Entropy, words, and the seed with the passphrase `TREZOR`: some of the vectors to which BIP39
    /// refers (`vectors.json` of python-mnemonic), of the two lengths that a backup has.
    const VECTORS: [(&str, &str, &str); 6] = [
        (
            "00000000000000000000000000000000",
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon \
             abandon abandon about",
            "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d1\
             8264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
        ),
        (
            "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
            "legal winner thank year wave sausage worth useful legal winner thank yellow",
            "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe12961065\
             59a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607",
        ),
        (
            "c0ba5a8e914111210f2bd131f3d5e08d",
            "scheme spot photo card baby mountain device kick cradle pact join borrow",
            "ea725895aaae8d4c1cf682c1bfd2d358d52ed9f0f0591131b559e2724bb234fca05aa9c02c5740\
             7e04ee9dc3b454aa63fbff483a8b11de949624b9f1831a9612",
        ),
        (
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo \
             zoo zoo zoo zoo vote",
            "dd48c104698c30cfe2b6142103248622fb7bb0ff692eebb00089b32d22484e1613912f0a5b6944\
             07be899ffd31ed3992c456cdf60f5d4564b8ba3f05a69890ad",
        ),
        (
            "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c",
            "hamster diagram private dutch cause delay private meat slide toddler razor \
             book happy fancy gospel tennis maple dilemma loan word shrug inflict delay \
             length",
            "64c87cde7e12ecf6704ab95bb1408bef047c22db4cc7491c4271d170a1b213d20b385bc1588d9c\
             7b38f1b39d415665b8a9030c9ec653d75e65f847d8fc1fc440",
        ),
        (
            "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
            "void come effort suffer camp survey warrior heavy shoot primary clutch crush \
             open amazing screen patrol group space point ten exist slush involve unfold",
            "01f5bced59dec48e362f2c45b5de68b9fd6c92c6634f44d6d40aab69056506f0e35524a518034d\
             dc1192e1dacd32c1ed3eaa3c3b131c88ed8e7e54c49a5d0998",
        ),
    ];

    #[test]
    fn words_and_seed_are_those_of_the_standard() {
        for (entropy, phrase, seed) in VECTORS {
            let words = Words::from_entropy(&hex::decode(entropy).unwrap()).unwrap();
            assert_eq!(*words.phrase(), phrase);
            let read = Words::parse(phrase).unwrap();
            assert_eq!(hex::encode(read.0.to_entropy()), entropy);
            // As `seed` asks for it, which has no passphrase.
            assert_eq!(hex::encode(read.0.to_seed_normalized("TREZOR")), seed);
        }
    }

    #[test]
    fn a_word_that_breaks_the_checksum_is_refused() {
        for (_, phrase, _) in VECTORS {
            let (first, _) = phrase.rsplit_once(' ').unwrap();
            let mistaken = format!("{first} abandon");
            let refused = Words::parse(&mistaken).err().expect(phrase).to_string();
            assert!(refused.contains("checksum"), "{phrase}: {refused}");
        }
    }

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
