//! How fresh cards come to their keys and certificates.

mod support;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use support::contacts::Contacts;
use support::owner::Owner;
use tillcard_applet::nvm::{RamNvm, TornNvm};
use tillcard_emu::inprocess::TearableCard;
use tillcard_emu::nvm::Store;
use tillcard_emu::personalise::test_root::emulator_batch;
use tillcard_emu::personalise::{PersonaliseError, personalise};
use tillcard_emu::{EmulatedCard, Seed};
use tillcard_protocol::command::{CardKey, GetData, Select};
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
    let mut card = EmulatedCard::ephemeral(Seed::Number(1)).unwrap();
    assert_eq!(card.apdus(), 0, "nobody asked it anything");
    assert_eq!(
        card.send(&GetData::Status.to_apdu()).1,
        0x6985,
        "no application is selected"
    );
    let [identity, agreement] = certificates(&mut card).unwrap();
    assert!(identity.starts_with(&batch) && agreement.starts_with(&batch));
    assert_ne!(identity, agreement);

    let again = certificates(&mut EmulatedCard::ephemeral(Seed::Number(1)).unwrap());
    assert_eq!(
        again.unwrap(),
        [identity.clone(), agreement.clone()],
        "same seed"
    );
    let other = certificates(&mut EmulatedCard::ephemeral(Seed::Number(2)).unwrap()).unwrap();
    let serials = [&identity, &agreement, &other[0], &other[1]].map(|bundle| {
        let card = Certificate::from_der(&bundle[batch.len()..]).unwrap();
        card.tbs_certificate().serial_number().clone()
    });
    for (at, serial) in serials.iter().enumerate() {
        assert!(!serials[..at].contains(serial), "{serial} is there twice");
    }
    let mut tearable = TearableCard::ephemeral(Seed::Number(1)).unwrap();
    assert_eq!(tearable.bytes_changed(), 0);
    tearable.connect();
    assert!(certificates(&mut tearable).is_some());
}

#[test]
fn a_blank_card_is_personalised_once() {
    let mut card = EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap();
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
    let mut card = EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap();
    Owner::issue(&mut card);
    let personalised = personalise(
        |command: &[u8]| card.exchange(command),
        &emulator_batch().unwrap(),
        &mut rng(),
    );
    assert!(matches!(personalised, Err(PersonaliseError::NotBlank)));

    let mut again = EmulatedCard::personalised(card.into_nvm(), rng()).unwrap();
    assert_eq!(certificates(&mut again), None);
}

#[test]
fn the_stores_cards_are_personalised_when_they_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let open = |name: &str| EmulatedCard::persistent(&store, name, Seed::Number(1)).unwrap();
    let open_as_is =
        |name: &str| EmulatedCard::persistent_as_is(&store, name, Seed::Number(1)).unwrap();

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
    let tearable = |nvm| EmulatedCard::new(nvm, rng());
    let personalise = |card: &mut EmulatedCard<TornNvm<RamNvm>>| {
        personalise(|command: &[u8]| card.exchange(command), &batch, &mut rng())
    };
    let mut whole = tearable(TornNvm::counting(RamNvm::default()));
    whole.nvm_mut().start_counting(None);
    personalise(&mut whole).unwrap();
    let bytes = whole.nvm_mut().changed();
    // Some cuts in every command; where in its bytes is the applet's business.
    for cut in (0..bytes).step_by(61) {
        let mut card = tearable(TornNvm::cut_after(RamNvm::default(), cut));
        personalise(&mut card).unwrap_err();
        let nvm = card.into_nvm().into_inner();
        let mut mended = EmulatedCard::personalised(nvm, rng()).unwrap();
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
    let mut card = EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap();
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

#[test]
fn bad_cards_are_told_of() {
    fn with(answers: &[&[u8]]) -> PersonaliseError {
        let mut answers = answers.iter();
        let card = |_: &[u8]| answers.next().map(|answer| answer.to_vec()).ok_or("gone");
        personalise(card, &emulator_batch().unwrap(), &mut rng()).unwrap_err()
    }
    let select = |capabilities: u8| {
        let mut answer = b"\x6F\x17\x84\x09\xF0TILLCARD\xA5\x0A\x80\x02\x00\x03\x81\x04".to_vec();
        answer.extend_from_slice(&[0, 0, 0, capabilities, 0x90, 0x00]);
        answer
    };
    assert!(matches!(with(&[]), PersonaliseError::NoContact(_)));
    assert!(matches!(
        with(&[&[0x90]]),
        PersonaliseError::Malformed("SELECT")
    ));
    assert!(matches!(
        with(&[&[0x6A, 0x82]]),
        PersonaliseError::Refused {
            command: "SELECT",
            status: 0x6A82
        }
    ));
    assert!(matches!(
        with(&[&select(0x7F)]),
        PersonaliseError::NoOwnKeys
    ));
    let factory = [0x80, 0x01, 0x00, 0x90, 0x00];
    let stuck = [&select(0xFF)[..], &factory, &[0x61, 0x10], &[0x61, 0x10]];
    assert!(matches!(
        with(&stuck),
        PersonaliseError::Malformed("GET DATA")
    ));
    let no_keys = [&select(0xFF)[..], &factory, &[0x6A, 0x88], &[0x90, 0x00]];
    assert!(matches!(
        with(&no_keys),
        PersonaliseError::Malformed("GENERATE ASYMMETRIC KEY PAIR")
    ));
}
