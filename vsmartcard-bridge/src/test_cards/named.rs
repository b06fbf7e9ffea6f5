//! The test cards that have a name.

use super::{Scenario, TestCardError};

/// A test card by name: `catalogue/NAME.toml`.
#[derive(Clone, Copy)]
pub struct NamedCard {
    /// Its name: lower case, digits and hyphens.
    pub name: &'static str,
    toml: &'static str,
}

macro_rules! named {
    ($($name:literal),* $(,)?) => {
        /// All of them, in the order of the documentation.
        pub const NAMED_CARDS: &[NamedCard] = &[$(NamedCard {
            name: $name,
            toml: include_str!(concat!("catalogue/", $name, ".toml")),
        }),*];
    };
}

named![
    "ok",
    "channel-only",
    "pinless",
    "many-coins",
    "last-try",
    "pin-blocked",
    "empty",
    "insufficient",
    "too-fragmented",
    "over-limit",
    "cumulative-limit",
    "payments-limit",
    "low-fee-cap",
    "log-full",
    "phantom-change",
    "swept",
    "not-issued",
    "terminated",
    "other-network",
    "damaged",
    "uncertified",
    "counterfeit",
    "cloned-certificates",
    "revoked",
    "expired-certificate",
    "other-root",
    "old-protocol",
    "removed-mid-payment",
    "torn-before-debit",
    "torn-after-debit",
    "refuses-after-debit",
    "mute",
    "mute-after-debit",
    "garbage",
    "wrong-status-words",
    "cut-answers",
    "forgets-pin",
    "slow",
];

impl NamedCard {
    /// The card of this name, if there is one.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        NAMED_CARDS.iter().find(|card| card.name == name)
    }

    /// What it is.
    ///
    /// # Errors
    /// None: a test reads all of them.
    pub fn scenario(&self) -> Result<Scenario, TestCardError> {
        Scenario::read(self.toml)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_catalogue_is_a_named_card_that_can_be_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/test_cards/catalogue");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut named: Vec<String> = (NAMED_CARDS.iter())
            .map(|card| format!("{}.toml", card.name))
            .collect();
        named.sort();
        assert_eq!(files, named);
        for card in NAMED_CARDS {
            let scenario = card.scenario().unwrap();
            assert!(scenario.about.ends_with('.'), "{}", card.name);
        }
    }
}
