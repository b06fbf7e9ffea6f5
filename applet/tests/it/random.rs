//! A card whose random source fails gives nothing that depends on one
//! (`[RND-1]`).

use crate::support::signing::Built;
use crate::support::sweep::remembered;
use crate::support::*;
use rand_core::Rng;
use std::cell::Cell;
use std::rc::Rc;
use tillcard_applet::{Card, Configuration};
use tillcard_protocol::command::{
    GenerateKey, GetAncestor, GetChallenge, GetData, Pay, Preview, ReceiveScript, Select, Sign,
    State, StatusObject, Verify,
};
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::random::{Failed, Source};

/// How a source does.
#[derive(Clone, Copy)]
enum Mode {
    Good,
    /// Gives the same byte for ever.
    Stuck,
    /// Says that it failed.
    Failing,
}

/// A card with power, its source in this mode, and the switch.
fn card(nvm: RamNvm, mode: Mode) -> (Card<RamNvm, Source>, Rc<Cell<Mode>>) {
    let mode = Rc::new(Cell::new(mode));
    let (mut good, now) = (rng(7), mode.clone());
    let source = Source::new(move |bytes| {
        match now.get() {
            Mode::Good => good.fill_bytes(bytes),
            Mode::Stuck => bytes.fill(0x5A),
            Mode::Failing => return Err(Failed),
        }
        Ok(())
    });
    let mut card = Card::new(nvm, source, Configuration::ANY_NETWORK);
    assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
    (card, mode)
}

#[test]
fn no_keys_from_a_source_that_fails_its_test() {
    for bad in [Mode::Stuck, Mode::Failing] {
        let (mut card, mode) = card(RamNvm::default(), bad);
        let generate = GenerateKey::to_apdu();
        assert_eq!(send(&mut card, generate.as_bytes()).1, 0x6400);
        // A source that recovers stays untrusted, whatever is selected.
        mode.set(Mode::Good);
        assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
        assert_eq!(send(&mut card, generate.as_bytes()).1, 0x6400);
        let (answer, status) = send(&mut card, GetData::Status.to_apdu().as_bytes());
        assert_eq!(status, 0x9000);
        assert_eq!(StatusObject::parse(&answer).unwrap().state, State::Factory);
        card.reset();
        assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
        assert_eq!(send(&mut card, generate.as_bytes()).1, 0x9000);
        assert_eq!(send(&mut card, issue_apdu(LIMITS).as_bytes()).1, 0x9000);
    }
}

/// The source is good when the card commits itself, and gone when it is issued.
#[test]
fn an_issue_that_fails_changes_nothing() {
    let (mut card, mode) = card(RamNvm::default(), Mode::Good);
    assert_eq!(send(&mut card, GenerateKey::to_apdu().as_bytes()).1, 0x9000);
    mode.set(Mode::Failing);
    let before = card.nvm().clone();
    assert_eq!(send(&mut card, issue_apdu(LIMITS).as_bytes()).1, 0x6400);
    assert_eq!(card.nvm().as_bytes(), before.as_bytes());
}

#[test]
fn nothing_is_paid_with_a_source_that_fails_its_test() {
    let (mut good, owner) = funded(1, &[50_000, 40_000]);
    assert_eq!(owner.verify(&mut good, PIN), 0x9000);
    let milk = p2wpkh(1);
    let (paid, status) = pay(&mut good, request(&milk, 10_000));
    assert_eq!(status, 0x9000);
    let paid: bitcoin::Transaction = bitcoin::consensus::deserialize(&paid).unwrap();
    let nvm = good.into_nvm();

    let (mut card, mode) = card(nvm, Mode::Stuck);
    let verify = Verify::to_apdu(&pin(PIN));
    let other = request(&milk, 45_000);
    let pay = Pay::to_apdu(other).unwrap();
    let before = remembered(card.nvm().clone());
    assert_eq!(
        send(&mut card, GetChallenge::to_apdu().as_bytes()).1,
        0x6400
    );
    assert_eq!(send(&mut card, verify.as_bytes()).1, 0x9000);
    assert_eq!(
        send(&mut card, ReceiveScript::to_apdu().as_bytes()).1,
        0x9000
    );
    assert_eq!(send(&mut card, pay.as_bytes()).1, 0x6400);
    let again = Pay::to_apdu(request(&milk, 10_000)).unwrap();
    assert_eq!(send(&mut card, again.as_bytes()).1, 0x6400);
    assert_eq!(remembered(card.nvm().clone()), before);

    // PREVIEW needs nothing random, GET ANCESTOR signs.
    let preview = Preview::to_apdu(request(&milk, 60_000)).unwrap();
    let txid = bitcoin::hashes::Hash::to_byte_array(paid.compute_txid());
    let ancestor = GetAncestor(txid).to_apdu();
    assert_eq!(send(&mut card, verify.as_bytes()).1, 0x9000);
    assert_eq!(send(&mut card, preview.as_bytes()).1, 0x9000);
    assert_eq!(send(&mut card, ancestor.as_bytes()).1, 0x6400);
    assert_eq!(remembered(card.nvm().clone()), before);

    mode.set(Mode::Good);
    card.reset();
    assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
    assert_eq!(send(&mut card, verify.as_bytes()).1, 0x9000);
    assert_eq!(send(&mut card, preview.as_bytes()).1, 0x9000);
    assert_eq!(send(&mut card, ancestor.as_bytes()).1, 0x9000);
    assert_eq!(send(&mut card, again.as_bytes()).1, 0x9000);
}

/// A source that fails between power-ups costs the answer, not the memory.
#[test]
fn a_signature_that_fails() {
    let (good, owner) = funded(2, &[]);
    let built = Built::random(&mut rng(3), 2, 1, 1_000);
    let (mut card, mode) = card(good.into_nvm(), Mode::Good);
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    mode.set(Mode::Failing);
    let sign = Sign::input(0);
    assert_eq!(send(&mut card, sign.as_bytes()), (Vec::new(), 0x6400));
    assert_eq!(send(&mut card, sign.as_bytes()).1, 0x6985);
    mode.set(Mode::Good);
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(send(&mut card, sign.as_bytes()).1, 0x9000);
}
