//! What the till makes of channels, certificates and statements.

use bitcoin::Network;
use tillcard::till::{Decline, Event, Missing};
use tillcard_client::advice::Explain;
use tillcard_client::card::{CardError, Policy};

use super::{Kind, Mischief, PAY, PIN, Scene, VERIFY};
use crate::owner_support::Regtest;

/// Somebody between card and reader changes the payment: the till doesn't take it, and has the card
/// give it again in a channel of its own.
pub(crate) fn a_changed_answer_is_not_believed(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    scene.purse.expect(Mischief::Forged);
    let told = scene.pay(&[PIN]);
    told.settled();
    let reason = CardError::NotProven { command: "PAY" }.to_string();
    assert!(told.events.contains(&Event::CardLost { reason }));
    let channels = told.events.iter().filter(|event| **event == Event::Channel);
    assert_eq!(channels.count(), 2, "in a channel of its own");
    assert_eq!((scene.purse.count(VERIFY), scene.purse.count(PAY)), (1, 2));
}

/// A card that nobody vouches for gets no PIN, unless both sides allow that.
pub(crate) fn cards_without_certificates(regtest: &dyn Regtest) {
    let plain = Kind::plain();
    let mut scene = Scene::issued(regtest, Network::Regtest, plain);
    scene.top_up(60_000);
    let told = scene.pay(&[PIN]);
    assert!(matches!(told.declined(), Decline::Uncertified));
    assert!(told.declined().message().contains("--plain"));
    assert_eq!(scene.purse.count(VERIFY), 0, "no PIN");
    scene.plain = true;
    let told = scene.pay(&[PIN]);
    told.settled();
    assert!(told.events.contains(&Event::PlainSession));
    assert!(!told.events.contains(&Event::Channel));

    let strict = Kind {
        policy: Policy::default(),
        ..Kind::plain()
    };
    let mut scene = Scene::issued(regtest, Network::Regtest, strict);
    scene.top_up(60_000);
    scene.plain = true;
    let told = scene.pay(&[PIN]);
    assert!(matches!(
        told.declined(),
        Decline::Card(CardError::ChannelDemanded)
    ));
    assert_eq!(scene.purse.count(VERIFY), 0, "no PIN");
}

/// What the till says of the statement on a payment of such a card, whose coin is one block deep.
fn weighed(regtest: &dyn Regtest, kind: Kind) -> Event {
    let mut scene = Scene::issued(regtest, Network::Regtest, kind);
    scene.top_up(60_000);
    scene.statement = true;
    let told = scene.pay(&[PIN]);
    told.settled();
    let mut weighed = told
        .events
        .iter()
        .filter(|event| matches!(event, Event::SingleSigner { .. } | Event::NoPromise { .. }));
    let event = weighed.next().expect("told").clone();
    assert!(weighed.next().is_none(), "once");
    event
}

/// A statement promises something if all of section 7.8 holds, and else the till says what doesn't.
pub(crate) fn what_a_statement_is_worth(regtest: &dyn Regtest) {
    let kind = |leaf_delay| Kind {
        leaf_delay: Some(leaf_delay),
        policy: Policy {
            plain_sessions: false,
            statements: true,
        },
        ..Kind::default()
    };
    let before = regtest.chain().tip().unwrap().height;
    let Event::SingleSigner { block } = weighed(regtest, kind(144)) else {
        panic!("all holds");
    };
    let after = regtest.chain().tip().unwrap().height;
    // The coin's block and two for the payment were the last.
    assert!(before < after);
    assert_eq!(block, after - 2 - 1 + 144, "the leaf opens one block later");

    let missing = |kind| match weighed(regtest, kind) {
        Event::NoPromise { missing } => missing,
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(kind(0)), Missing::NoDelay);
    assert!(
        matches!(missing(kind(6)), Missing::TooDeep { .. }),
        "five are left"
    );
    assert_eq!(missing(Kind::default()), Missing::NotGiven);
    let imported = Kind {
        import: true,
        ..kind(144)
    };
    assert_eq!(missing(imported), Missing::ImportedKey);
}
