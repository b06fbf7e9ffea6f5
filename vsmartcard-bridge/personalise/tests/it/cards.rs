//! Cards that answer otherwise than a blank card must.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tillcard_personalise::test_root::emulator_batch;
use tillcard_personalise::{PersonaliseError, personalise};

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(5)
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
