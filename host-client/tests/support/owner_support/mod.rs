//! What the owner's tests share: a chain with a miner, an emulated card, and the stories that every
//! chain must accept.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "each test program uses its own part of this"
)]

pub(crate) mod card;
pub(crate) mod stories;

use bitcoin::{Address, Amount, Network, Transaction};
use tillcard::chain::{Chain, FeeRate};
use tillcard::owner::{CardRecord, Limits, NewCard, Owner, RestoreReport, WordCount, Words};
use tillcard_client::account::{IssuedCard, Provenance};

use crate::chain_support::Payer;
use card::Card;

pub(crate) const RATE: FeeRate = FeeRate::from_sat_per_kvb(2_000);

/// A regtest chain that mines when asked.
pub(crate) trait Regtest {
    fn chain(&self) -> &dyn Chain;

    fn mine(&self, blocks: u32, address: &Address);

    /// Mines a block that pays nobody of interest.
    fn confirm(&self) {
        self.mine(1, &Payer::new(0x21).address());
    }
}

/// An owner in a folder of his own, with the words that the test keeps.
pub(crate) struct Someone {
    pub(crate) owner: Owner,
    pub(crate) words: Words,
    pub(crate) folder: tempfile::TempDir,
}

impl Someone {
    /// A new owner with one mature coinbase.
    pub(crate) fn with_funds(regtest: &dyn Regtest) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let words = Words::generate(WordCount::Twelve).expect("words");
        let mut owner = Owner::create(
            &folder.path().join("owner"),
            Network::Regtest,
            &words,
            regtest.chain(),
        )
        .expect("a new owner");
        let address = owner.next_address().expect("an address");
        regtest.mine(1, &address);
        regtest.mine(100, &Payer::new(0x21).address());
        let mut someone = Self {
            owner,
            words,
            folder,
        };
        someone.sync(regtest);
        assert!(someone.owner.balance().confirmed > Amount::ZERO);
        someone
    }

    pub(crate) fn sync(&mut self, regtest: &dyn Regtest) {
        self.owner
            .sync(regtest.chain(), &mut |_, _| ())
            .expect("the chain answers");
    }

    /// A new card of this owner's.
    pub(crate) fn issue(
        &mut self,
        regtest: &dyn Regtest,
        backup_on_chain: bool,
    ) -> (Card, CardRecord) {
        let number = self.owner.next_card_number().expect("a number");
        self.issue_number(regtest, number, backup_on_chain)
    }

    /// A new card of this owner's, of this number.
    pub(crate) fn issue_number(
        &mut self,
        regtest: &dyn Regtest,
        number: u32,
        backup_on_chain: bool,
    ) -> (Card, CardRecord) {
        let leaf_key = self.owner.leaf_key(number).expect("a leaf key");
        let card = Card::new(0x31 + u8::try_from(number).expect("few cards"), leaf_key);
        let limit = Amount::from_sat(1_000_000);
        let record = self
            .owner
            .add_card(
                NewCard {
                    number,
                    label: format!("test card {number}").into(),
                    issued: IssuedCard {
                        account: card.account.clone(),
                        provenance: Provenance::Made,
                        card_keys: None,
                    },
                    limits: Limits {
                        per_payment: limit,
                        cumulative: limit,
                        fee_cap: limit,
                        highest_fee_rate: FeeRate::CAP,
                        least_coin: Amount::from_sat(330),
                        ..Limits::DEFAULT
                    },
                    backup_on_chain,
                },
                regtest.chain(),
            )
            .expect("a new card");
        (card, record)
    }

    /// An empty folder beside the owner's.
    pub(crate) fn other_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("restored")
    }

    /// The owner that words and chain bring back in an empty folder, and what was said of it.
    pub(crate) fn restored(&self, regtest: &dyn Regtest) -> (Owner, RestoreReport) {
        Owner::restore(
            &self.other_folder(),
            self.owner.network(),
            &self.words,
            regtest.chain(),
            0,
            &mut |_, _| (),
        )
        .expect("a restore")
    }
}

/// The fee of a transaction whose inputs are worth `paid_in`.
pub(crate) fn fee(transaction: &Transaction, paid_in: Amount) -> Amount {
    let paid_out: Amount = transaction.output.iter().map(|output| output.value).sum();
    paid_in - paid_out
}
