//! What an owner can still do after something went wrong: an answer was lost, or his folder.

use crate::card_support::blank_card;
use crate::embedded::Embedded;
use crate::owner_held::{Kind, Leaves, MADE, Shared, adopt, adopt_with, issue, obeys};
use crate::owner_support::{RATE, Regtest, Someone};
use bitcoin::Amount;
use tillcard::owner::{AdoptTerms, OWNER_KEYS, Owner, OwnerError};
use tillcard_client::card::CardError;

const ISSUE: u8 = 0x10;
const CHANGE_OWNER_KEY: u8 = 0x4C;

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
        let lost = issue(&mut someone.owner, &regtest, card.clone(), kind).unwrap_err();
        assert!(matches!(lost, OwnerError::IssueUncertain(_)), "{lost}");
        assert!(someone.owner.cards().expect("cards").is_empty());
        assert_eq!(someone.owner.next_card_number().expect("a number"), 1);
        drop(someone.owner);
        let folder = someone.folder.path().join("owner");
        someone.owner = Owner::open(&folder).expect("the owner again");

        let adopted = adopt(&mut someone.owner, &regtest, card.clone()).expect("ours");
        assert_eq!(
            (adopted.number, adopted.label.as_given()),
            (0, "milk money")
        );
        assert!(adopted.identity_key.is_some() && adopted.agreement_key.is_some());
        assert_eq!(adopted.account.leaf().delay(), kind.leaf_delay.unwrap_or(0));
        assert_eq!(someone.owner.card(0).expect("known"), adopted);
        assert!(!folder.join("cards/0.expected.json").exists());
        let again = adopt(&mut someone.owner, &regtest, card.clone()).expect("ours still");
        assert_eq!(again, adopted);

        // It takes coins.
        let amount = Amount::from_sat(50_000);
        let top_up = someone.owner.top_up(regtest.chain(), 0, amount, RATE);
        let top_up = top_up.expect("a top-up");
        let mut visit = someone.owner.visit(Some(0), card.clone()).expect("at home");
        let mut read = Amount::ZERO;
        let entered = someone
            .owner
            .enter_top_ups(&mut visit, &[top_up], &mut |_, amount| read = amount);
        entered.expect("entered");
        assert_eq!(read, amount);
    }
}

#[test]
fn a_card_that_never_heard_of_it_is_still_a_fresh_one() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let card = Shared::fresh(2);
    card.tear(ISSUE, Leaves::BeforeItHears);
    issue(&mut someone.owner, &regtest, card.clone(), MADE).unwrap_err();
    let record = issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued");
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
    let record = issue(&mut someone.owner, &regtest, card.clone(), kind).expect("issued");
    let (mut restored, report) = someone.restored(&regtest);
    assert!(report.cards.is_empty(), "nobody ever paid it");
    let adopted = adopt(&mut restored, &regtest, card.clone()).expect("ours");
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
        issue(&mut stranger.owner, &regtest, card.clone(), kind).expect("issued");
        let refused = adopt(&mut someone.owner, &regtest, card.clone()).unwrap_err();
        assert!(matches!(refused, OwnerError::NotOurs), "{refused}");
        assert!(someone.owner.cards().expect("cards").is_empty());
    }
}

#[test]
fn a_card_is_adopted_after_a_restore_before_anything_is_asked_of_it() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let card = Shared::fresh(6);
    let record = issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued");
    let amount = Amount::from_sat(50_000);
    let top_up = someone.owner.top_up(regtest.chain(), 0, amount, RATE);
    top_up.expect("a top-up");
    regtest.confirm();
    let (mut restored, _) = someone.restored(&regtest);
    let mut found = restored.card(0).expect("found");
    assert_eq!(found.limits, None);
    let unknown = restored.meet(&mut found, card.session()).err();
    assert!(matches!(unknown, Some(OwnerError::KeysUnknown(0))));
    let adopted = adopt(&mut restored, &regtest, card.clone()).expect("ours");
    assert_eq!(adopted.limits, record.limits);
    assert_eq!(restored.card(0).expect("known"), adopted, "written down");
    let mut known = adopted.clone();
    restored
        .meet(&mut known, card.session())
        .expect("this card");
    assert_eq!(known, adopted);

    let other = Shared::fresh(7);
    issue(&mut someone.owner, &regtest, other.clone(), MADE).expect("issued");
    let refused = restored.meet(&mut known, other.session()).err();
    assert!(matches!(refused, Some(OwnerError::AnotherCard(0))));
}

#[test]
fn a_torn_change_of_the_owner_key_locks_nobody_out() {
    let regtest = Embedded::start();
    for leaves in [Leaves::BeforeItHears, Leaves::BeforeItIsHeard] {
        let mut someone = Someone::with_funds(&regtest);
        let card = Shared::fresh(8);
        let mut record = issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued");
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
    let mut record = issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued");
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
    adopt(&mut restored, &regtest, card.clone()).expect("this card");
    assert!(obeys(&restored, 0, &card));
}

#[test]
fn a_card_whose_key_nobody_wrote_down_is_adopted_by_the_words() {
    let regtest = Embedded::start();
    for (card, certified) in [
        (Shared::fresh(10), true),
        (Shared::of(blank_card(10)), false),
    ] {
        let mut someone = Someone::with_funds(&regtest);
        let record = issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued");
        let (mut restored, report) = someone.restored(&regtest);
        assert!(report.cards.is_empty(), "nobody ever paid it");
        let by_proof = adopt(&mut restored, &regtest, card.clone());
        let adopted = match certified {
            true => by_proof,
            false => {
                assert!(matches!(by_proof, Err(OwnerError::Uncertified)));
                let trusting = AdoptTerms {
                    uncertified: true,
                    ..AdoptTerms::default()
                };
                adopt_with(&mut restored, &regtest, card.clone(), trusting)
            }
        };
        let adopted = adopted.expect("ours");
        assert_eq!(
            (adopted.certified, record.certified),
            (certified, certified)
        );
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
    for card in [Shared::fresh(11), Shared::of(blank_card(11))] {
        let mut someone = Someone::with_funds(&regtest);
        let record = issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued");
        rewrite(&someone, |card| {
            card.remove("agreement_key").expect("a key");
            card.remove("certified").expect("a flag");
        });
        let mut old = someone.owner.card(0).expect("readable");
        let unknown = someone.owner.meet(&mut old, card.session()).err();
        assert!(matches!(unknown, Some(OwnerError::KeysUnknown(0))));
        // The identity key that the folder knows vouches for a card without certificates too.
        let adopted = adopt(&mut someone.owner, &regtest, card.clone()).expect("this card");
        assert_eq!(adopted, record);
        assert_eq!(someone.owner.card(0).expect("written down"), record);

        // What is known of a card stays true of it.
        let other = record.account.account_key().to_string();
        rewrite(&someone, |card| {
            card.remove("agreement_key").expect("a key");
            card.insert("identity_key".into(), other.into());
        });
        let refused = adopt(&mut someone.owner, &regtest, card.clone());
        assert!(matches!(
            refused,
            Err(OwnerError::Card(CardError::IssueRecord(_)))
        ));
    }
}

#[test]
fn a_card_that_has_shown_certificates_is_never_asked_without() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let card = Shared::of(blank_card(14));
    issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued");
    rewrite(&someone, |card| {
        card.remove("agreement_key").expect("a key");
        card.insert("certified".into(), true.into());
    });
    let trusting = AdoptTerms {
        uncertified: true,
        number: Some(0),
        ..AdoptTerms::default()
    };
    let refused = adopt_with(&mut someone.owner, &regtest, card, trusting);
    assert!(matches!(refused, Err(OwnerError::NotOurs)));
}

#[test]
fn cards_are_told_apart_by_their_channels() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let cards = [Shared::fresh(12), Shared::fresh(13)];
    let [mut first, second] = cards
        .each_ref()
        .map(|card| issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued"));
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

/// Words and chain find cards by numbers far apart, and none of the next cards gets a number that one
/// may have which nobody ever paid.
#[test]
fn card_numbers_are_searched_with_a_gap() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    for number in [0, 19, 39] {
        someone.issue_number(&regtest, number, true);
        let amount = Amount::from_sat(20_000);
        let top_up = someone.owner.top_up(regtest.chain(), number, amount, RATE);
        top_up.expect("a top-up");
    }
    regtest.confirm();
    let unpaid = Shared::fresh(15);
    let record = issue(&mut someone.owner, &regtest, unpaid.clone(), MADE).expect("issued");
    assert_eq!(record.number, 40);

    let (mut restored, report) = someone.restored(&regtest);
    let numbers: Vec<u32> = report.cards.iter().map(|card| card.number).collect();
    assert_eq!(numbers, [0, 19, 39]);
    assert!(restored.next_card_number().expect("a number") > 40);
    let adopted = adopt(&mut restored, &regtest, unpaid).expect("ours");
    assert_eq!((adopted.number, adopted.account), (40, record.account));
}

/// A card beyond the gap is adopted by its number.
#[test]
fn a_card_is_adopted_by_its_number() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    someone.issue_number(&regtest, 24, false);
    let card = Shared::fresh(16);
    let record = issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued");
    assert_eq!(record.number, 25);
    let (mut restored, report) = someone.restored(&regtest);
    assert!(report.cards.is_empty());
    let sought = adopt(&mut restored, &regtest, card.clone());
    assert!(matches!(sought, Err(OwnerError::NotOurs)));
    let by_number = AdoptTerms {
        number: Some(25),
        ..AdoptTerms::default()
    };
    let adopted = adopt_with(&mut restored, &regtest, card, by_number).expect("ours");
    assert_eq!((adopted.number, adopted.account), (25, record.account));
}
