//! Writes whose end is lost, or can't be relied upon: `[NVM-5]`.

use crate::support::sweep::remembered;
use crate::support::*;
use rand_chacha::ChaCha20Rng;
use tillcard_applet::{Card, Configuration};
use tillcard_protocol::command::Select;
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::faults::{LossyNvm, WeakNvm};

/// Wrong PINs that are tried, the power failing after each.
const TRIES: usize = 300;

/// Bytes that are lost at the end of each burst, or are weak.
const ENDS: [u8; 6] = [1, 2, 4, 8, 16, 64];

fn on<N: embedded_storage::nor_flash::NorFlash>(nvm: N) -> Card<N, ChaCha20Rng> {
    Card::new(nvm, rng(96), Configuration::ANY_NETWORK)
}

/// Tries wrong PINs, and counts those that were compared: the card said that they are wrong.
fn compared<N: embedded_storage::nor_flash::NorFlash>(
    card: &mut Card<N, ChaCha20Rng>,
    owner: &Owner,
    before_each: impl Fn(usize, &mut Card<N, ChaCha20Rng>),
) -> usize {
    (0..TRIES)
        .filter(|number| {
            before_each(*number, card);
            card.reset();
            send(card, Select::to_apdu().as_bytes());
            let status = owner.verify(card, "000000");
            assert!(
                matches!(status, 0x63C0..=0x63C2 | 0x6581 | 0x6983),
                "{status:04X}"
            );
            status & 0xFFF0 == 0x63C0
        })
        .count()
}

/// With the end of each commit lost, no PIN is compared; where the loss comes and goes, three at
/// most.
#[test]
fn no_pin_is_compared_for_nothing() {
    let (card, owner) = funded(96, &[100_000]);
    let start = card.into_nvm();
    for lost in ENDS {
        let mut card = on(LossyNvm::new(start.clone()));
        card.nvm_mut().lose(lost.into());
        assert_eq!(compared(&mut card, &owner, |_, _| {}), 0, "{lost} lost");
        card.nvm_mut().lose(0);
        card.reset();
        send(&mut card, Select::to_apdu().as_bytes());
        assert_eq!(owner.verify(&mut card, PIN), 0x9000, "{lost} lost");

        let mut card = on(LossyNvm::new(start.clone()));
        let comes_and_goes = |number: usize, card: &mut Card<LossyNvm<RamNvm>, _>| {
            card.nvm_mut()
                .lose(if number % 3 == 2 { 0 } else { lost.into() });
        };
        assert_eq!(
            compared(&mut card, &owner, comes_and_goes),
            3,
            "{lost} lost"
        );
    }
}

/// The same with an end that reads right at one time and wrong at the next.
#[test]
fn a_weak_end_gives_no_try_back() {
    let (card, owner) = funded(97, &[100_000]);
    let start = card.into_nvm();
    for word in ENDS {
        let mut card = on(WeakNvm::new(start.clone()));
        card.nvm_mut().weaken(word.into());
        let tried = compared(&mut card, &owner, |_, _| {});
        assert!(tried <= 3, "{tried} compared with words of {word}");
    }
}

/// A payment whose commit isn't there isn't signed for.
#[test]
fn no_signature_without_its_debit() {
    let (card, owner) = funded(98, &[100_000]);
    let start = card.into_nvm();
    let milk = p2wpkh(3);
    for lost in ENDS {
        let mut card = selected(LossyNvm::new(start.clone()));
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        card.nvm_mut().lose(lost.into());
        let paid = pay(&mut card, request(&milk, 50_000));
        assert_eq!(paid, (Vec::new(), 0x6581), "{lost} lost");
        let nvm = card.into_nvm().into_inner();
        let mut expected = remembered(start.clone());
        // The right PIN set the tries back.
        expected.tries = Some(3);
        assert_eq!(remembered(nvm.clone()), expected, "{lost} lost");
        let mut card = selected(nvm);
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        assert_eq!(pay(&mut card, request(&milk, 50_000)).1, 0x9000);
    }
}
