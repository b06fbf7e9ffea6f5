//! How fresh cards come to their keys and certificates.

use crate::support::contacts::{Contacts, powered};
use crate::support::owner::Owner;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tillcard_emu::nvm::{PowerCutNvm, Store};
use tillcard_emu::{EmulatedCard, Seed};
use tillcard_personalise::test_root::emulator_batch;
use tillcard_personalise::{PersonaliseError, personalise};
use tillcard_protocol::command::{CardKey, GetData, Select};
use tillcard_runtime::nvm::RamNvm;
use x509_cert::Certificate;
use x509_cert::der::Decode;

const KEYS: [CardKey; 2] = [CardKey::Identity, CardKey::Agreement];

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(5)
}

/// What the card gives as its certificates; none before it is personalised.
fn certificates(card: &mut impl Contacts) -> Option<[Vec<u8>; 2]> {
    card.done(&Select::to_apdu());
    let answers = KEYS.map(|key| card.send(&GetData::Certificates(key).to_apdu()));
    match answers {
        [(identity, 0x9000), (agreement, 0x9000)] => Some([identity, agreement]),
        [(_, 0x6A88), (_, 0x6A88)] => None,
        other => panic!("{other:X?}"),
    }
}

fn batch_certificate() -> Vec<u8> {
    let batch = emulator_batch().unwrap();
    batch.authority().certificate_der().unwrap()
}

#[test]
fn a_fresh_card_is_one_of_the_emulators_batch() {
    let batch = batch_certificate();
    let mut card = powered(EmulatedCard::ephemeral(Seed::Number(1)).unwrap());
    assert_eq!(
        card.send(&GetData::Status.to_apdu()).1,
        0x6985,
        "no application is selected"
    );
    let [identity, agreement] = certificates(&mut card).unwrap();
    assert!(identity.starts_with(&batch) && agreement.starts_with(&batch));
    assert_ne!(identity, agreement);

    let again = certificates(&mut powered(
        EmulatedCard::ephemeral(Seed::Number(1)).unwrap(),
    ));
    assert_eq!(
        again.unwrap(),
        [identity.clone(), agreement.clone()],
        "same seed"
    );
    let other = certificates(&mut powered(
        EmulatedCard::ephemeral(Seed::Number(2)).unwrap(),
    ))
    .unwrap();
    let serials = [&identity, &agreement, &other[0], &other[1]].map(|bundle| {
        let card = Certificate::from_der(&bundle[batch.len()..]).unwrap();
        card.tbs_certificate().serial_number().clone()
    });
    for (at, serial) in serials.iter().enumerate() {
        assert!(!serials[..at].contains(serial), "{serial} is there twice");
    }
}

#[test]
fn a_blank_card_is_personalised_once() {
    let mut card = powered(EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap());
    assert_eq!(certificates(&mut card), None);
    let batch = emulator_batch().unwrap();
    let given = personalise(|command: &[u8]| card.exchange(command), &batch, &mut rng()).unwrap();
    let [identity, agreement] = certificates(&mut card).unwrap();
    assert_eq!(identity, [given.batch.clone(), given.identity].concat());
    assert_eq!(agreement, [given.batch, given.agreement].concat());

    let again = personalise(|command: &[u8]| card.exchange(command), &batch, &mut rng());
    assert!(matches!(again, Err(PersonaliseError::NotBlank)));
    assert_eq!(certificates(&mut card).unwrap(), [identity, agreement]);
}

#[test]
fn somebodys_card_is_left_alone() {
    let mut card = powered(EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap());
    Owner::issue(&mut card);
    let personalised = personalise(
        |command: &[u8]| card.exchange(command),
        &emulator_batch().unwrap(),
        &mut rng(),
    );
    assert!(matches!(personalised, Err(PersonaliseError::NotBlank)));

    let mut again = powered(EmulatedCard::personalised(card.into_nvm(), rng()).unwrap());
    assert_eq!(certificates(&mut again), None);
}

#[test]
fn the_stores_cards_are_personalised_when_they_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let seed = Seed::Number(1);
    let open = |name: &str| powered(EmulatedCard::persistent(&store, name, seed).unwrap());
    let open_as_is =
        |name: &str| powered(EmulatedCard::persistent_as_is(&store, name, seed).unwrap());

    let first = certificates(&mut open("a")).unwrap();
    assert_eq!(certificates(&mut open("a")).unwrap(), first);
    assert_eq!(certificates(&mut open_as_is("a")).unwrap(), first);
    assert_ne!(certificates(&mut open("b")).unwrap(), first);

    assert_eq!(certificates(&mut open_as_is("blank")), None);
    assert_eq!(certificates(&mut open_as_is("blank")), None);
    Owner::issue(&mut open_as_is("issued-blank"));
    assert_eq!(certificates(&mut open("issued-blank")), None);
    assert!(certificates(&mut open("blank")).is_some());
}

#[test]
fn a_torn_personalisation_begins_anew() {
    let batch = emulator_batch().unwrap();
    let tearable = || {
        let nvm = PowerCutNvm::new(RamNvm::default());
        let switch = nvm.switch();
        (powered(EmulatedCard::new(nvm, rng())), switch)
    };
    let personalise = |card: &mut EmulatedCard<PowerCutNvm<RamNvm>>| {
        personalise(|command: &[u8]| card.exchange(command), &batch, &mut rng())
    };
    let (mut whole, switch) = tearable();
    switch.mend();
    personalise(&mut whole).unwrap();
    let bytes = switch.changed();
    // Some cuts in every command; where in its bytes is the applet's business.
    for cut in (0..bytes).step_by(61) {
        let (mut card, switch) = tearable();
        switch.cut_after(cut);
        personalise(&mut card).unwrap_err();
        let nvm = card.into_nvm().into_inner();
        let mut mended = powered(EmulatedCard::personalised(nvm, rng()).unwrap());
        let [identity, agreement] = certificates(&mut mended).unwrap();
        assert!(
            identity.starts_with(&batch_certificate()),
            "cut after {cut}"
        );
        assert_ne!(identity, agreement);
    }
}

#[test]
fn a_card_that_gives_back_something_else_is_noticed() {
    let mut card = powered(EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap());
    let forgetful = |command: &[u8]| {
        let mut answer = card.exchange(command)?;
        if command[..4] == [0x00, 0xCA, 0xBF, 0x21] && answer.len() > 9 {
            answer[9] ^= 1;
        }
        Ok::<_, std::io::Error>(answer)
    };
    let personalised = personalise(forgetful, &emulator_batch().unwrap(), &mut rng());
    assert!(matches!(personalised, Err(PersonaliseError::NotStored)));
}
