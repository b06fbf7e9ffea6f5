//! What an owner can still do after something went wrong: an answer was lost, or his folder.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::card_support::{PIN, TestCard, blank_card, fresh_card, pin};
use crate::embedded::Embedded;
use crate::owner_support::{RATE, Regtest, Someone};
use bitcoin::{Amount, Network};
use tillcard::owner::{CardRecord, Limits, NewCard, OWNER_KEYS, Owner, OwnerError};
use tillcard_client::account::Leaf;
use tillcard_client::card::{self, CardError, IssueOrder, Issued, Policy, Session};
use tillcard_client::transport::{Transport, TransportError};

const ISSUE: u8 = 0x10;
const CHANGE_OWNER_KEY: u8 = 0x4C;

/// When a card leaves the reader.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    BeforeItHears,
    BeforeItIsHeard,
}

/// A card that several sessions, one after the other, are held with; it leaves at a command.
#[derive(Clone)]
struct Shared {
    card: Rc<RefCell<TestCard>>,
    tear: Rc<Cell<Option<(u8, Leaves)>>>,
}

impl Shared {
    fn fresh(seed: u64) -> Self {
        Self::new(fresh_card(seed))
    }

    fn new(card: TestCard) -> Self {
        Self {
            card: Rc::new(RefCell::new(card)),
            tear: Rc::default(),
        }
    }

    /// The card leaves at the next command of this instruction.
    fn tear(&self, instruction: u8, leaves: Leaves) {
        self.tear.set(Some((instruction, leaves)));
    }

    fn session(&self) -> Session<Self, Issued> {
        let opened = card::open(self.clone()).expect("a card");
        opened.issued().expect("an issued one")
    }
}

impl Transport for Shared {
    fn atr(&self) -> &[u8] {
        &tillcard_applet::ATR
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let tear = self.tear.get().filter(|(code, _)| *code == command[1]);
        let mut card = self.card.borrow_mut();
        let Some((_, leaves)) = tear else {
            return card.transmit(command);
        };
        self.tear.set(None);
        if let Leaves::BeforeItIsHeard = leaves {
            card.transmit(command)?;
        }
        card.power_cut()?;
        Err(TransportError::CardRemoved)
    }

    fn apdus(&self) -> u64 {
        self.card.borrow().apdus()
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.card.borrow_mut().reset()
    }

    fn power_cut(&mut self) -> Result<(), TransportError> {
        self.card.borrow_mut().power_cut()
    }

    fn disconnect(self) -> Result<(), TransportError> {
        Ok(())
    }
}

/// How a card is issued.
#[derive(Clone, Copy)]
struct Kind {
    import: bool,
    leaf_delay: Option<u16>,
}

const MADE: Kind = Kind {
    import: false,
    leaf_delay: Some(0),
};

/// Issues the card as `tillcard owner issue` does.
fn try_issue(
    owner: &mut Owner,
    regtest: &dyn Regtest,
    card: &Shared,
    kind: Kind,
) -> Result<CardRecord, CardError> {
    let number = owner.next_card_number().expect("a number");
    let imported = owner.imported_key(number).expect("a key").account_key();
    let leaf_key = owner.leaf_key(number).expect("a key");
    let order = IssueOrder {
        network: Network::Regtest,
        owner_key: owner.owner_key(number).expect("a key").public(),
        leaf: kind
            .leaf_delay
            .map_or(Leaf::None, |delay| Leaf::with_delay(leaf_key, delay)),
        import: kind.import.then_some(&imported),
        pin: &pin(PIN),
        limits: card::Limits::from(&Limits::DEFAULT),
        policy: Policy::default(),
    };
    let session = card::open(card.clone())?.factory()?.prepare(&order)?;
    let new_card = NewCard {
        number,
        label: "milk money".into(),
        issued: session.expected(),
        limits: Limits::DEFAULT,
        backup_on_chain: true,
    };
    let expected = owner.expect_card(new_card, regtest.chain());
    let (issued, _) = session.issue()?;
    let record = owner.confirm_card(expected.expect("written down"), issued.card_keys);
    Ok(record.expect("a new card"))
}

fn adopt(
    owner: &mut Owner,
    regtest: &dyn Regtest,
    card: &Shared,
) -> Result<CardRecord, OwnerError> {
    let adopted = owner.adopt(card.session(), 0, regtest.chain(), &mut |_, _| ());
    adopted.map(|(record, _)| record)
}

/// The owner can command the card, by what the folder knows.
fn obeys(owner: &Owner, number: u32, card: &Shared) -> bool {
    let record = owner.card(number).expect("a card");
    let authority = owner.authority(&record).expect("a key");
    card.session().as_owner(&authority).read_limits().is_ok()
}

#[test]
fn a_card_whose_answer_was_lost_is_adopted() {
    let regtest = Embedded::start();
    for kind in [
        MADE,
        Kind {
            leaf_delay: Some(144),
            ..MADE
        },
        Kind {
            import: true,
            leaf_delay: None,
        },
    ] {
        let mut someone = Someone::with_funds(&regtest);
        let card = Shared::fresh(1);
        card.tear(ISSUE, Leaves::BeforeItIsHeard);
        let lost = try_issue(&mut someone.owner, &regtest, &card, kind).unwrap_err();
        assert_eq!(lost, CardError::Transport(TransportError::CardRemoved));
        assert!(someone.owner.cards().expect("cards").is_empty());
        assert_eq!(someone.owner.next_card_number().expect("a number"), 1);
        drop(someone.owner);
        let folder = someone.folder.path().join("owner");
        someone.owner = Owner::open(&folder).expect("the owner again");

        let adopted = adopt(&mut someone.owner, &regtest, &card).expect("ours");
        assert_eq!((adopted.number, &*adopted.label), (0, "milk money"));
        assert!(adopted.identity_key.is_some() && adopted.agreement_key.is_some());
        assert_eq!(adopted.account.leaf().delay(), kind.leaf_delay.unwrap_or(0));
        assert_eq!(someone.owner.card(0).expect("known"), adopted);
        assert!(!folder.join("cards/0.expected.json").exists());
        let again = adopt(&mut someone.owner, &regtest, &card).expect("ours still");
        assert_eq!(again, adopted);

        // It takes coins.
        let amount = Amount::from_sat(50_000);
        let top_up = someone.owner.top_up(regtest.chain(), 0, amount, RATE);
        let top_up = top_up.expect("a top-up");
        let authority = someone.owner.authority(&adopted).expect("a key");
        let entered = card.session().as_owner(&authority).enter_coin(
            &top_up.transaction,
            top_up.vout,
            tillcard_client::account::CardChain::Receive,
            top_up.index,
        );
        assert_eq!(entered, Ok(amount));
    }
}

#[test]
fn a_card_that_never_heard_of_it_is_still_a_fresh_one() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let card = Shared::fresh(2);
    card.tear(ISSUE, Leaves::BeforeItHears);
    try_issue(&mut someone.owner, &regtest, &card, MADE).unwrap_err();
    let record = try_issue(&mut someone.owner, &regtest, &card, MADE).expect("issued");
    assert_eq!(record.number, 1, "the number may be another card's");
    assert!(obeys(&someone.owner, 1, &card));
}

#[test]
fn a_card_with_a_key_from_the_words_is_adopted_by_the_words() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let card = Shared::fresh(3);
    let kind = Kind {
        import: true,
        leaf_delay: Some(144),
    };
    let record = try_issue(&mut someone.owner, &regtest, &card, kind).expect("issued");
    let (mut restored, report) = someone.restored(&regtest);
    assert!(report.cards.is_empty(), "nobody ever paid it");
    let adopted = adopt(&mut restored, &regtest, &card).expect("ours");
    assert_eq!(adopted.account, record.account);
    assert_eq!(adopted.identity_key, record.identity_key);
    assert_eq!(adopted.agreement_key, record.agreement_key);
    assert_eq!(adopted.limits, record.limits);
    assert!(obeys(&restored, 0, &card));
}

#[test]
fn a_stranger_s_card_is_not_adopted() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let mut stranger = Someone::with_funds(&regtest);
    let card = Shared::fresh(4);
    for import in [false, true] {
        let kind = Kind { import, ..MADE };
        let card = match import {
            true => Shared::fresh(5),
            false => card.clone(),
        };
        try_issue(&mut stranger.owner, &regtest, &card, kind).expect("issued");
        let refused = adopt(&mut someone.owner, &regtest, &card).unwrap_err();
        assert!(matches!(refused, OwnerError::NotOurs), "{refused}");
        assert!(someone.owner.cards().expect("cards").is_empty());
    }
}

#[test]
fn limits_are_read_from_the_card_after_a_restore() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let card = Shared::fresh(6);
    let record = try_issue(&mut someone.owner, &regtest, &card, MADE).expect("issued");
    let amount = Amount::from_sat(50_000);
    let top_up = someone.owner.top_up(regtest.chain(), 0, amount, RATE);
    top_up.expect("a top-up");
    regtest.confirm();
    let (mut restored, _) = someone.restored(&regtest);
    let mut found = restored.card(0).expect("found");
    assert_eq!(found.limits, None);
    restored
        .meet(&mut found, card.session())
        .expect("this card");
    assert_eq!(found.limits, record.limits);
    assert_eq!(restored.card(0).expect("known"), found, "written down");

    let other = Shared::fresh(7);
    try_issue(&mut someone.owner, &regtest, &other, MADE).expect("issued");
    let refused = restored.meet(&mut found, other.session()).err();
    assert!(matches!(refused, Some(OwnerError::AnotherCard(0))));
}

#[test]
fn a_torn_change_of_the_owner_key_locks_nobody_out() {
    let regtest = Embedded::start();
    for leaves in [Leaves::BeforeItHears, Leaves::BeforeItIsHeard] {
        let mut someone = Someone::with_funds(&regtest);
        let card = Shared::fresh(8);
        let mut record = try_issue(&mut someone.owner, &regtest, &card, MADE).expect("issued");
        card.tear(CHANGE_OWNER_KEY, leaves);
        let torn = someone.owner.rotate_key(&mut record, card.session());
        let torn = torn.err().expect("torn");
        assert!(matches!(torn, OwnerError::OwnerKeyUncertain(_)), "{torn}");
        let old_is_obeyed = obeys(&someone.owner, 0, &card);
        assert_eq!(old_is_obeyed, matches!(leaves, Leaves::BeforeItHears));

        // What the folder knows is enough.
        drop(someone.owner);
        let folder = someone.folder.path().join("owner");
        someone.owner = Owner::open(&folder).expect("the owner again");
        let mut record = someone.owner.card(0).expect("a card");
        let met = someone.owner.meet(&mut record, card.session());
        met.expect("this card");
        assert!(obeys(&someone.owner, 0, &card));
        let rotated = someone.owner.rotate_key(&mut record, card.session());
        rotated.expect("rotated");
        assert!(obeys(&someone.owner, 0, &card));
    }
}

#[test]
fn a_restore_finds_the_owner_key_in_force() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let card = Shared::fresh(9);
    let mut record = try_issue(&mut someone.owner, &regtest, &card, MADE).expect("issued");
    for _ in 1..OWNER_KEYS {
        let rotated = someone.owner.rotate_key(&mut record, card.session());
        rotated.expect("rotated");
    }
    let refused = someone.owner.rotate_key(&mut record, card.session()).err();
    assert!(matches!(refused, Some(OwnerError::OwnerKeysUsedUp(0))));
    assert!(obeys(&someone.owner, 0, &card));

    let amount = Amount::from_sat(50_000);
    let top_up = someone.owner.top_up(regtest.chain(), 0, amount, RATE);
    top_up.expect("a top-up");
    regtest.confirm();
    let (mut restored, _) = someone.restored(&regtest);
    assert!(!obeys(&restored, 0, &card), "the words alone don't tell");
    let mut found = restored.card(0).expect("found");
    restored
        .meet(&mut found, card.session())
        .expect("this card");
    assert!(obeys(&restored, 0, &card));
}

#[test]
fn a_card_whose_key_nobody_wrote_down_is_adopted_by_the_words() {
    let regtest = Embedded::start();
    for card in [Shared::fresh(10), Shared::new(blank_card(10))] {
        let mut someone = Someone::with_funds(&regtest);
        let record = try_issue(&mut someone.owner, &regtest, &card, MADE).expect("issued");
        let (mut restored, report) = someone.restored(&regtest);
        assert!(report.cards.is_empty(), "nobody ever paid it");
        let adopted = restored.adopt(card.session(), 0, regtest.chain(), &mut |_, _| ());
        let (adopted, session) = adopted.expect("ours");
        assert!(session.is_protected());
        assert_eq!(adopted.account, record.account);
        assert_eq!(adopted.agreement_key, record.agreement_key);
        assert!(obeys(&restored, 0, &card));
    }
}

/// A card's file, changed as if another version, or a vandal, had written it.
fn rewrite(
    someone: &Someone,
    change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>),
) {
    let path = someone.folder.path().join("owner/cards/0.json");
    let text = std::fs::read_to_string(&path).expect("a card's file");
    let mut card = serde_json::from_str(&text).expect("JSON");
    change(&mut card);
    let text = serde_json::to_string(&card).expect("JSON");
    std::fs::write(path, text).expect("a card's file");
}

#[test]
fn a_folder_of_an_older_version_learns_the_keys_of_its_cards() {
    let regtest = Embedded::start();
    for card in [Shared::fresh(11), Shared::new(blank_card(11))] {
        let mut someone = Someone::with_funds(&regtest);
        let record = try_issue(&mut someone.owner, &regtest, &card, MADE).expect("issued");
        rewrite(&someone, |card| {
            card.remove("agreement_key").expect("a key");
        });
        let mut old = someone.owner.card(0).expect("readable");
        assert_eq!(old.agreement_key, None);
        let session = someone
            .owner
            .meet(&mut old, card.session())
            .expect("this card");
        assert!(session.is_protected());
        assert_eq!(old, record);
        assert_eq!(someone.owner.card(0).expect("written down"), record);

        // What is known of a card stays true of it.
        let other = record.account.account_key().to_string();
        rewrite(&someone, |card| {
            card.remove("agreement_key").expect("a key");
            card.insert("identity_key".into(), other.into());
        });
        let mut changed = someone.owner.card(0).expect("readable");
        let refused = someone.owner.meet(&mut changed, card.session()).err();
        assert!(matches!(
            refused,
            Some(OwnerError::Card(CardError::IssueRecord(_)))
        ));
    }
}

#[test]
fn cards_are_told_apart_by_their_channels() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let cards = [Shared::fresh(12), Shared::fresh(13)];
    let [mut first, second] = cards
        .each_ref()
        .map(|card| try_issue(&mut someone.owner, &regtest, card, MADE).expect("issued"));
    let (is_it, session) = someone
        .owner
        .recognise(&mut first, cards[1].session())
        .expect("an answer");
    assert!(!is_it && !session.is_protected());
    let mut second = second;
    let (is_it, session) = someone
        .owner
        .recognise(&mut second, session)
        .expect("an answer");
    assert!(is_it && session.is_protected());
}
