//! The typed session in a secure channel with the real card, in process.

use std::cell::RefCell;
use std::rc::Rc;

use crate::card_support::{
    Authority, Between, Middle, PIN, TestCard, TestOwner, blank_card, fresh_card, issue, payee, pin,
};
use bitcoin::{Amount, Network, OutPoint, ScriptBuf, TxOut};
use tillcard_client::FeeRate;
use tillcard_client::account::CardChain;
use tillcard_client::card::{
    self, AgreementKey, CardError, CardKey, Issued, PaymentOrder, Policy, Session, SessionId,
    UNKNOWN_CARD,
};
use tillcard_client::genuine::{Checker, check_proof};
use tillcard_client::transport::{Transport, TransportError};
use tillcard_client::vetting::{Trust, Vetting};

/// Somebody who sees all, and changes an answer.
#[derive(Default)]
struct Watcher {
    seen: Vec<Vec<u8>>,
    change: Option<Change>,
}

type Change = Box<dyn FnMut(&[u8], &mut Vec<u8>)>;
type Shim = Between<Watcher>;

impl Middle for Watcher {
    fn answer(&mut self, card: &mut TestCard, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut answer = card.transmit(command)?;
        self.seen.push(command.to_vec());
        if let Some(change) = &mut self.change {
            change(command, &mut answer);
        }
        self.seen.push(answer.clone());
        Ok(answer)
    }
}

impl Shim {
    fn changes(&self, change: impl FnMut(&[u8], &mut Vec<u8>) + 'static) {
        self.middle.borrow_mut().change = Some(Box::new(change));
    }
}

/// An issued card behind a shim, its owner, and a channel to it.
fn in_channel(seed: u64) -> (TestOwner, Shim, Session<Shim, Issued>) {
    let shim = Shim::new(fresh_card(seed), Watcher::default());
    let (owner, mut session) = issue(shim.clone());
    session
        .open_channel(&owner.card_keys.agreement)
        .expect("this card");
    shim.middle.borrow_mut().seen.clear();
    (owner, shim, session)
}

fn order(amount: u64) -> PaymentOrder {
    let rate = FeeRate::from_sat_per_kvb(2_000);
    PaymentOrder::new(Amount::from_sat(amount), rate, payee(0x44)).expect("an identity")
}

/// A transaction that is streamed in several pieces.
fn enter_coin(
    owner: &TestOwner,
    session: Session<Shim, Issued>,
) -> (Session<Shim, Issued>, OutPoint) {
    let mut funding = owner.funding(0, 60_000);
    funding.output.extend((0..20).map(|_| TxOut {
        value: Amount::from_sat(1_000),
        script_pubkey: ScriptBuf::from_bytes(vec![0x51; 34]),
    }));
    let authority = owner.authority();
    let mut card = session.as_owner(&authority);
    let entered = card.enter_coin(&funding, 1, CardChain::Receive, 0);
    assert_eq!(entered, Ok(Amount::from_sat(60_000)));
    (card.leave(), OutPoint::new(funding.compute_txid(), 1))
}

#[test]
fn all_of_it_goes_through_the_channel_and_tells_nothing() {
    let (owner, shim, session) = in_channel(1);
    let (session, coin) = enter_coin(&owner, session);
    let (_, session) = session.query_tries().expect("tries");
    let failed = session.verify(&pin(b"9999")).err().expect("a wrong PIN");
    assert_eq!(failed.error, CardError::WrongPin { tries_left: 2 });
    let session = failed.session.verify(&pin(PIN)).expect("the PIN");
    let session = session.preview(order(21_000)).expect("a preview");
    assert_eq!(session.preview().outpoints, [coin]);
    let (payment, session) = session.pay().expect("paid");
    let authority = owner.authority();
    let mut card = session.as_owner(&authority);
    assert_eq!(card.read_coins().expect("coins").header.payments, 1);
    card.read_account(Network::Regtest, &owner.owner_key.x_only_public_key().0)
        .expect("an answer in parts");

    let seen = &shim.middle.borrow().seen;
    for command in seen.iter().step_by(2) {
        let get_response = command[..2] == [0x00, 0xC0];
        assert!(
            get_response || [0x04, 0x84].contains(&command[0]),
            "{command:02X?}"
        );
        assert!(command.len() <= 261, "a short one");
    }
    let all = seen.concat();
    let has = |part: &[u8]| all.windows(part.len()).any(|window| window == part);
    for secret in [
        &pin(PIN).as_bytes()[..],
        &pin(b"9999").as_bytes()[..],
        &payment[4..40],
        owner.script(0, 0).as_bytes(),
        &owner.account.account_key().serialize(),
        payee(0x44).as_bytes(),
    ] {
        assert!(!has(secret), "{secret:02X?}");
    }
}

#[test]
fn a_changed_bit_anywhere_is_found_out() {
    for at in [0, 7, 20, 30] {
        let (owner, shim, session) = in_channel(2);
        let authority = owner.authority();
        let mut card = session.as_owner(&authority);
        shim.changes(move |command, answer| {
            if command[1] == 0x84 {
                answer[at] ^= 0x40;
            }
        });
        let error = card.read_limits().unwrap_err();
        let challenge = CardError::NotProven {
            command: "GET CHALLENGE",
        };
        assert_eq!(error, challenge, "byte {at}");
        let sent = shim.middle.borrow().seen.len();
        assert_eq!(card.read_limits().unwrap_err(), CardError::ChannelEnded);
        assert_eq!(shim.middle.borrow().seen.len(), sent);
    }
}

#[test]
fn what_was_changed_on_the_way_to_the_card_is_not_done() {
    let (_, shim, session) = in_channel(3);
    // The shim sends the same command again by itself, and its answer in the place of the next.
    let (_, session) = session.query_tries().expect("tries");
    let last = shim.middle.borrow().seen[0].clone();
    let answer = shim.card.borrow_mut().transmit(&last).expect("an answer");
    assert_eq!(answer, [0x69, 0x82], "it closes the channel");
    let failed = session.query_tries().err().expect("no channel");
    assert_eq!(failed.error.status(), Some(0x6982));
}

#[test]
fn another_card_does_not_open_the_channel() {
    let (owner, _) = issue(fresh_card(4));
    let (_, mut session) = issue(fresh_card(5));
    let error = session
        .open_channel(&owner.card_keys.agreement)
        .unwrap_err();
    assert_eq!(error, CardError::NotThisCard);
    let failed = session.verify(&pin(PIN)).err().expect("nothing is sent");
    assert_eq!(failed.error, CardError::ChannelEnded);
    let mut session = failed.session;
    session.close_channel().expect("a plain session");
    assert!(session.verify(&pin(PIN)).is_ok());
}

#[test]
fn a_strict_card_takes_no_pin_in_a_plain_session() {
    let (owner, _, session) = in_channel(6);
    let authority = owner.authority();
    let mut card = session.as_owner(&authority);
    let strict = Policy {
        plain_sessions: false,
        statements: true,
    };
    card.set_policy(strict).expect("set");
    assert_eq!(card.read_limits().expect("limits").1, strict);
    let mut session = card.leave();
    assert_eq!(session.policy(), strict);
    session.close_channel().expect("a plain session");
    let failed = session.verify(&pin(PIN)).err().expect("refused");
    assert_eq!(failed.error, CardError::ChannelDemanded);
    let mut card = failed.session.as_owner(&authority);
    assert_eq!(
        card.set_pin(&pin(b"1234")).unwrap_err().status(),
        Some(0x6982)
    );
    let mut session = card.leave();
    let (tries, _) = {
        session
            .open_channel(&owner.card_keys.agreement)
            .expect("this card");
        session.query_tries().expect("tries")
    };
    assert_eq!(tries, 3, "no try was used up");
}

#[test]
fn a_card_that_forgot_its_owner_keeps_its_keys() {
    let (owner, shim, session) = in_channel(7);
    let authority = owner.authority();
    let session = session.as_owner(&authority).factory_reset();
    let mut session = session.map_err(|failed| failed.error).expect("reset");
    assert!(session.is_protected(), "the channel stands");
    let mut challenge = [7; 32];
    let proof = session.prove_genuine(&challenge).expect("a proof");
    let identity = owner.card_keys.identity.0;
    check_proof(&identity, &session.id(), &challenge, &proof).expect("the same key");
    challenge[0] ^= 1;
    assert!(check_proof(&identity, &session.id(), &challenge, &proof).is_err());

    let (again, session) = issue(shim.clone());
    assert_eq!(again.card_keys, owner.card_keys);
    let authority = again.authority();
    session
        .as_owner(&authority)
        .terminate()
        .map_err(|failed| failed.error)
        .expect("its end");
    assert_eq!(card::open(shim).err(), Some(CardError::Terminated));
}

#[test]
fn an_owner_who_knows_nothing_of_his_card_reads_its_account() {
    let (owner, _, session) = in_channel(8);
    let public = owner.owner_key.x_only_public_key().0;
    let lost = Authority(owner.owner_key, UNKNOWN_CARD);
    let mut card = session.as_owner(&lost);
    let issued = card.read_account(Network::Regtest, &public).expect("his");
    assert_eq!(
        (issued.account, issued.card_keys),
        (owner.account, Some(owner.card_keys))
    );
    assert_eq!(card.read_limits().unwrap_err().status(), Some(0x6982));
}

fn vetting(unverified: bool, network: Network) -> Vetting {
    let checker = Checker::new(network).expect("the test root");
    Vetting {
        checker,
        unverified,
    }
}

#[test]
fn a_card_is_met_by_its_certificates() {
    let mut session = card::open(fresh_card(9)).unwrap().factory().unwrap();
    let standing = vetting(false, Network::Regtest)
        .vet(&mut session)
        .expect("genuine");
    let Trust::Certified {
        keys,
        vouched: Some(vouched),
    } = standing
    else {
        panic!("vouched for");
    };
    assert!(vouched.is_test);
    assert_eq!(vouched.key, keys.identity.0);
    assert_eq!(session.channel_key(), Some(&keys.agreement));

    // Nobody vouches for a test card on mainnet; it can be taken all the same.
    session.close_channel().unwrap();
    assert!(vetting(false, Network::Bitcoin).vet(&mut session).is_err());
    let standing = vetting(true, Network::Bitcoin)
        .vet(&mut session)
        .expect("taken");
    assert_eq!(
        standing,
        Trust::Certified {
            keys,
            vouched: None
        }
    );
}

#[test]
fn a_proof_of_another_card_is_found_out() {
    // The shim has a genuine card of its own, and gives its certificates and proofs.
    let shim = Shim::new(fresh_card(10), Watcher::default());
    let other = card::open(fresh_card(11)).unwrap().factory().unwrap();
    let answers = Rc::new(RefCell::new(other.into_transport()));
    for instruction in [0xCA, 0x88] {
        let answers = Rc::clone(&answers);
        let plain = move |command: &[u8], answer: &mut Vec<u8>| {
            let is_asked = match instruction {
                0xCA => [[0x00, 0xCA], [0x00, 0xC0]].contains(&[command[0], command[1]]),
                _ => command[..2] == [0x80, 0x88],
            };
            if is_asked {
                *answer = answers.borrow_mut().transmit(command).expect("an answer");
            }
        };
        let mut session = card::open(shim.clone()).unwrap().factory().unwrap();
        shim.changes(plain);
        let failed = vetting(false, Network::Regtest).vet(&mut session);
        assert!(failed.is_err(), "{instruction:02X}: {failed:?}");
        assert_eq!(session.id(), SessionId::Plain, "no channel");
        shim.changes(|_, _| ());
    }
}

#[test]
fn a_card_without_certificates_has_no_channel() {
    let mut session = card::open(blank_card(1)).unwrap().factory().unwrap();
    assert_eq!(session.certificates(CardKey::Identity), Ok(None));
    let standing = vetting(false, Network::Regtest).vet(&mut session);
    assert_eq!(standing.expect("a card"), Trust::Uncertified);
    let refused = session.open_channel(&AgreementKey([2; 33])).unwrap_err();
    assert_eq!(refused.status(), Some(0x6985));
    let (owner, mut session) = issue(session.into_transport());
    session
        .open_channel(&owner.card_keys.agreement)
        .expect("its own keys now");
}
