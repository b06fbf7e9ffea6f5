//! The owner's folder: what is kept, who may read it, and what happens when things go wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::chain_support::{Payer, coinbase};
use crate::embedded::Embedded;
use crate::owner_support::{RATE, Regtest, Someone};
use bitcoin::{Amount, Block, BlockHash, Network, OutPoint, Script, Transaction, Txid};
use tillcard::chain::{
    Chain, ChainError, FeeRate, MempoolEntry, OutputState, Reach, SourceProgress, Tip,
};
use tillcard::owner::{CardRecord, Owner, OwnerError, SweepOptions, WordCount, Words};
use tillcard_client::advice::Explain;

/// A chain whose mempool can't be asked; or one that hasn't come as far as others.
struct Faulty<'a> {
    chain: &'a dyn Chain,
    lag: Option<u32>,
}

impl<'a> Faulty<'a> {
    fn mute(chain: &'a dyn Chain) -> Self {
        Self { chain, lag: None }
    }

    /// It lacks so many blocks, and its mempool is empty.
    fn behind(chain: &'a dyn Chain, lag: u32) -> Self {
        Self {
            chain,
            lag: Some(lag),
        }
    }

    fn fault<T>(&self) -> Result<T, ChainError> {
        Err(ChainError::Unavailable {
            url: "http://127.0.0.1:1".into(),
            cause: "a test".into(),
        })
    }

    /// What a node that lags answers to a question for the mempool.
    fn nothing<T: Default>(&self) -> Result<T, ChainError> {
        match self.lag {
            None => self.fault(),
            Some(_) => Ok(T::default()),
        }
    }
}

impl Chain for Faulty<'_> {
    fn network(&self) -> Result<Network, ChainError> {
        self.chain.network()
    }

    fn tip(&self) -> Result<Tip, ChainError> {
        let height = self.source_progress()?.blocks;
        let hash = self.chain.block_hash(height)?.expect("a block");
        Ok(Tip { height, hash })
    }

    fn source_progress(&self) -> Result<SourceProgress, ChainError> {
        let headers = self.chain.tip()?.height;
        Ok(SourceProgress {
            blocks: headers - self.lag.unwrap_or(0),
            headers,
            is_loading: false,
            tip_time: None,
        })
    }

    fn block_hash(&self, height: u32) -> Result<Option<BlockHash>, ChainError> {
        match height <= self.source_progress()?.blocks {
            true => self.chain.block_hash(height),
            false => Ok(None),
        }
    }

    fn block(&self, hash: &BlockHash) -> Result<Block, ChainError> {
        self.chain.block(hash)
    }

    fn broadcast(&self, _: &Transaction) -> Result<Txid, ChainError> {
        self.fault()
    }

    fn output(&self, outpoint: &OutPoint) -> Result<OutputState, ChainError> {
        self.chain.output(outpoint)
    }

    fn mempool(&self) -> Result<Vec<Txid>, ChainError> {
        self.nothing()
    }

    fn mempool_transaction(&self, _: &Txid) -> Result<Option<Transaction>, ChainError> {
        self.nothing()
    }

    fn mempool_entry(&self, _: &Txid) -> Result<Option<MempoolEntry>, ChainError> {
        self.nothing()
    }

    fn mempool_spender(&self, _: &OutPoint) -> Result<Option<Txid>, ChainError> {
        self.nothing()
    }

    fn estimate_fee_rate(&self, blocks: u16) -> Result<FeeRate, ChainError> {
        self.chain.estimate_fee_rate(blocks)
    }
}

fn new_owner(folder: &Path, chain: &dyn Chain) -> Result<Owner, OwnerError> {
    let words = Words::generate(WordCount::TwentyFour).expect("words");
    Owner::create(folder, Network::Regtest, &words, chain)
}

#[test]
fn words_are_for_this_user_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let regtest = Embedded::start();
    let home = folder.path().join("owner");
    let owner = new_owner(&home, regtest.chain()).expect("a new owner");
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&home), 0o700);
    assert_eq!(mode(&home.join("words")), 0o600);
    owner.leaf_key(0).expect("a key");

    fs::set_permissions(home.join("words"), fs::Permissions::from_mode(0o644)).expect("opened");
    let error = owner.leaf_key(0).expect_err("exposed words").message();
    assert!(error.contains("chmod 600"), "{error}");
}

#[test]
fn words_stand_nowhere_else() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let (_, record) = someone.issue(&regtest, true);
    someone
        .owner
        .top_up(
            regtest.chain(),
            record.number,
            Amount::from_sat(50_000),
            RATE,
        )
        .expect("a top-up");
    let home = someone.folder.path().join("owner");
    let phrase = someone.words.phrase();
    let mut holders = Vec::new();
    let mut folders = vec![home];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).expect("a file");
            let contains = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
            if contains(phrase.as_bytes()) || contains(b"tprv") {
                holders.push(path.file_name().expect("a name").to_owned());
            }
        }
    }
    assert_eq!(holders, ["words"]);
}

#[test]
fn nothing_is_overwritten_or_opened_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let regtest = Embedded::start();
    let home = folder.path();
    assert!(matches!(Owner::open(home), Err(OwnerError::NoOwner(_))));
    let owner = new_owner(home, regtest.chain()).expect("a new owner");
    assert!(matches!(
        new_owner(home, regtest.chain()),
        Err(OwnerError::FolderTaken(_))
    ));
    assert!(matches!(Owner::open(home), Err(OwnerError::InUse(_))));
    drop(owner);
    Owner::open(home).expect("the owner again");
}

#[test]
fn damaged_files_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let regtest = Embedded::start();
    let home = folder.path();
    drop(new_owner(home, regtest.chain()).expect("a new owner"));
    for name in ["owner.json", "wallet.sqlite"] {
        let path = home.join(name);
        let kept = fs::read(&path).expect("a file");
        fs::write(&path, b"rubbish that is no database and no JSON").expect("damage");
        let error = Owner::open(home).err().expect("damage is seen").to_string();
        assert!(error.contains(name) && error.contains("damaged"), "{error}");
        fs::write(&path, kept).expect("repair");
    }
    let owner = Owner::open(home).expect("the owner again");
    fs::write(home.join("cards/0.json"), b"{}").expect("damage");
    let error = owner.cards().expect_err("damage is seen").to_string();
    assert!(error.contains("0.json"), "{error}");
}

#[test]
fn a_restore_that_fails_can_be_tried_again() {
    let regtest = Embedded::start();
    let someone = Someone::with_funds(&regtest);
    let folder = someone.other_folder();
    let restore = |chain: &dyn Chain| {
        let network = Network::Regtest;
        Owner::restore(&folder, network, &someone.words, chain, 0, &mut |_, _| ())
    };
    let error = restore(&Faulty::mute(regtest.chain()))
        .err()
        .expect("a fault");
    assert!(matches!(error, OwnerError::Chain(_)), "{error}");
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 0);
    let (owner, _) = restore(regtest.chain()).expect("a restore");
    assert_eq!(owner.balance(), someone.owner.balance());
}

#[test]
fn a_refused_top_up_leaves_no_trace_and_an_unsent_one_is_sent_again() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let (_, record) = someone.issue(&regtest, true);
    let before = someone.owner.card(0).expect("the card");
    let amount = Amount::from_sat(50_000);

    let too_cheap = FeeRate::from_sat_per_kvb(50);
    let refused = someone
        .owner
        .top_up(regtest.chain(), record.number, amount, too_cheap);
    assert!(matches!(
        refused,
        Err(OwnerError::Chain(ChainError::Rejected { .. }))
    ));
    assert_eq!(someone.owner.card(0).expect("the card"), before);

    let unsent = someone
        .owner
        .top_up(&Faulty::mute(regtest.chain()), record.number, amount, RATE);
    let unsent = unsent.expect_err("no node");
    assert!(matches!(unsent, OwnerError::TopUpUnsent { .. }));
    let message = unsent.message();
    assert!(
        message.contains("tillcard owner topup without --amount"),
        "{message}"
    );
    let stored = someone.owner.card(0).expect("the card");
    let top_up = stored.pending_top_ups().next().expect("kept").clone();
    assert_eq!(
        regtest.chain().output(&top_up.outpoint()).expect("state"),
        OutputState::SpentOrUnknown
    );
    let resent = someone.owner.resend_top_ups(regtest.chain(), 0);
    assert!(resent.expect("sent").is_empty());
    assert!(matches!(
        regtest.chain().output(&top_up.outpoint()).expect("state"),
        OutputState::Unspent { .. }
    ));
}

#[test]
fn ten_top_ups_wait_for_the_card_at_most() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let (_, record) = someone.issue(&regtest, true);
    let mut top_up = || {
        let amount = Amount::from_sat(10_000);
        someone
            .owner
            .top_up(regtest.chain(), record.number, amount, RATE)
    };
    for _ in 0..10 {
        top_up().expect("a top-up");
    }
    assert!(matches!(
        top_up(),
        Err(OwnerError::TooManyPendingTopUps(10))
    ));
}

#[test]
fn addresses_stay_within_reach_of_a_restore() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let mut given = Vec::new();
    for _ in 0..40 {
        given.push(someone.owner.next_address().expect("an address"));
    }
    let last = given.last().expect("an address");
    regtest.mine(1, last);
    someone.sync(&regtest);
    assert_ne!(&someone.owner.next_address().expect("an address"), last);
    let (restored, _) = someone.restored(&regtest);
    assert_eq!(restored.balance(), someone.owner.balance());
}

#[test]
fn a_reorganisation_is_followed() {
    let (regtest, other) = (Embedded::start(), Embedded::start());
    let mut someone = Someone::with_funds(&regtest);
    let height = regtest.chain().tip().expect("tip").height;
    for height in 1..=height {
        let hash = regtest.chain().block_hash(height).expect("hash");
        let block = regtest.chain().block(&hash.expect("a block"));
        other
            .regtest
            .submit_block(&block.expect("a block"))
            .expect("valid");
    }
    let funds = someone.owner.balance();

    // Someone pays in the branch that loses, from a coin that the other branch spends otherwise.
    let payer = Payer::new(0x21);
    let coin = coinbase(regtest.chain(), 2);
    let address = someone.owner.next_address().expect("an address");
    let payment = payer.pay(&coin, address.script_pubkey(), 70_000, RATE);
    regtest.chain().broadcast(&payment).expect("a payment");
    regtest.confirm();
    someone.sync(&regtest);
    let with_payment = funds.confirmed + Amount::from_sat(70_000);
    assert_eq!(someone.owner.balance().confirmed, with_payment);

    let elsewhere = payer.pay(&coin, payer.script(), 70_000, RATE);
    other
        .chain()
        .broadcast(&elsewhere)
        .expect("another payment");
    let nobody: &Script = &Payer::new(3).script();
    for hash in other.regtest.mine(2, nobody).expect("mined") {
        let block = other.chain().block(&hash).expect("a block");
        // The first is a branch of equal work, the second wins.
        let _ = regtest.regtest.submit_block(&block);
    }
    assert_eq!(
        regtest.chain().tip().expect("tip"),
        other.chain().tip().expect("tip")
    );
    someone.sync(&regtest);
    assert_eq!(someone.owner.balance(), funds);
}

#[test]
fn what_left_the_mempool_is_no_money() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let funds = someone.owner.balance();
    let address = someone.owner.next_address().expect("an address");
    let coin = coinbase(regtest.chain(), 2);
    regtest.confirm();
    let payment = Payer::new(0x21).pay(&coin, address.script_pubkey(), 70_000, RATE);
    regtest.chain().broadcast(&payment).expect("a payment");
    someone.sync(&regtest);
    assert_eq!(
        someone.owner.balance().unconfirmed,
        Amount::from_sat(70_000)
    );

    let regtest = regtest.forget_mempool();
    someone.sync(&regtest);
    assert_eq!(someone.owner.balance(), funds);
}

const SWEEP: SweepOptions = SweepOptions {
    fee_rate: RATE,
    replace_unconfirmed: false,
};

/// A card with 160,000 sat in a block, which its owner has lost.
fn lost_card(someone: &mut Someone, regtest: &Embedded) -> CardRecord {
    let (_, record) = someone.issue(regtest, true);
    let (amount, number) = (Amount::from_sat(160_000), record.number);
    let sent = someone.owner.top_up(regtest.chain(), number, amount, RATE);
    sent.expect("a top-up");
    regtest.confirm();
    record
}

/// What a node hasn't seen isn't said to be so.
#[test]
fn a_node_that_lags_is_not_believed_about_what_it_does_not_know() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let number = lost_card(&mut someone, &regtest).number;
    let lagging = Faulty::behind(regtest.chain(), 1);
    let swept = someone.owner.block(&lagging, number, SWEEP, &mut |_, _| ());
    let swept = swept.expect("what it knows");
    assert!(swept.transactions.is_empty());
    assert!(
        matches!(swept.reach, Reach::Behind(_)),
        "it doesn't know more"
    );
    let folder = someone.other_folder();
    let restored = Owner::restore(
        &folder,
        Network::Regtest,
        &someone.words,
        &lagging,
        0,
        &mut |_, _| (),
    );
    assert!(matches!(
        restored.err(),
        Some(OwnerError::Chain(ChainError::Behind(_)))
    ));

    let swept = someone
        .owner
        .block(regtest.chain(), number, SWEEP, &mut |_, _| ())
        .expect("a sweep");
    assert_eq!(swept.transactions.len(), 1);
    assert_eq!(swept.reach, Reach::Complete);
}

/// A folder that can't be written stops no sweep of a lost card.
#[test]
fn a_card_is_blocked_by_a_folder_that_can_t_be_written() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let record = lost_card(&mut someone, &regtest);
    // In the place of the card's file stands a folder, which no file replaces.
    let file = someone.folder.path().join("owner/cards/0.json");
    let text = fs::read(&file).expect("a card's file");
    let mut in_the_way = |height: u32, _: u32| {
        if height == record.birthday && !file.is_dir() {
            fs::remove_file(&file).expect("removed");
            fs::create_dir(&file).expect("in the way");
        }
    };
    let blocked = someone
        .owner
        .block(regtest.chain(), 0, SWEEP, &mut in_the_way);
    let told = blocked.expect_err("a file that isn't written").message();
    assert!(told.contains("error[sent-unnoted]"), "{told}");
    assert_eq!(regtest.chain().mempool().expect("a mempool").len(), 1);
    fs::remove_dir(&file).expect("removed");
    fs::write(&file, text).expect("repaired");
    regtest.confirm();
    someone.sync(&regtest);
    let again = someone
        .owner
        .block(regtest.chain(), 0, SWEEP, &mut |_, _| ());
    assert!(again.expect("nothing is left").transactions.is_empty());
}
