//! Writes whose end is lost, or can't be relied upon: `[NVM-5]`.

use crate::support::sweep::remembered;
use crate::support::*;
use rand_chacha::ChaCha20Rng;
use tillcard_applet::{Card, Configuration};
use tillcard_protocol::command::Select;
use tillcard_runtime::journal::{Error, Journal};
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::faults::{Flip, FlippedNvm, LossyNvm, WeakNvm};

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

/// The same with an end that reads right at one time and wrong at the next, or the other way round.
#[test]
fn no_pin_is_compared_on_a_weak_end() {
    let (card, owner) = funded(97, &[100_000]);
    let start = card.into_nvm();
    for word in ENDS {
        for is_wrong_at_first in [false, true] {
            let mut card = on(WeakNvm::new(start.clone()));
            card.nvm_mut().weaken(word.into(), is_wrong_at_first);
            let tried = compared(&mut card, &owner, |_, _| {});
            assert_eq!(
                tried, 0,
                "words of {word}, wrong at first: {is_wrong_at_first}"
            );
        }
    }
}

/// A card's memory, and a wrong PIN at which the journal goes on to another page: the number of
/// its bursts.
fn turning_a_page(nvm: RamNvm, owner: &Owner) -> (RamNvm, usize) {
    let mut card = selected(LossyNvm::new(nvm));
    for _ in 0..5_000 {
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        card.nvm_mut().lose(0);
        let before = card.nvm().inner().clone();
        assert_eq!(owner.verify(&mut card, "000000"), 0x63C2);
        let bursts = card.nvm().bursts();
        if bursts > 1 {
            return (before, bursts);
        }
    }
    panic!("the journal stays on its page")
}

/// The end of any one burst lost, while a page is made ready too: a PIN that is compared has used
/// its try.
#[test]
fn no_lost_burst_gives_a_try_back() {
    let (card, owner) = funded(100, &[100_000]);
    let (start, bursts) = turning_a_page(card.into_nvm(), &owner);
    for number in 0..bursts {
        for lost in ENDS {
            let mut card = selected(LossyNvm::new(start.clone()));
            card.nvm_mut().lose_of(number, lost.into());
            let status = owner.verify(&mut card, "000000");
            assert!(matches!(status, 0x63C2 | 0x6581), "{status:04X}");
            let mut card = selected(card.into_nvm().into_inner());
            let next = owner.verify(&mut card, "000000");
            let place = format!("{lost} lost of burst {number} of {bursts}");
            if status == 0x63C2 {
                assert_eq!(next, 0x63C1, "{place}");
            } else {
                assert!(matches!(next, 0x63C1 | 0x63C2), "{next:04X}, {place}");
            }
        }
    }
}

/// A bit of a commit that reads otherwise than it was written: no PIN is compared.
#[test]
fn each_bit_of_a_commit_is_read_back() {
    let (card, owner) = funded(101, &[100_000]);
    let start = card.into_nvm();
    let mut card = selected(start.clone());
    assert_eq!(owner.verify(&mut card, "000000"), 0x63C2);
    let written = card.into_nvm();
    let pairs = start.as_bytes().iter().zip(written.as_bytes());
    let addresses: Vec<usize> = (pairs.enumerate())
        .filter(|(_, (before, after))| before != after)
        .map(|(address, _)| address)
        .collect();
    assert!(addresses.len() > 8, "a record and its mark");
    for address in addresses {
        for bit in 0..8 {
            let mut card = selected(FlippedNvm::new(start.clone()));
            card.nvm_mut().flip(Some(Flip {
                address: address as u32,
                bit,
                nth: None,
            }));
            let status = owner.verify(&mut card, "000000");
            assert_eq!(status, 0x6581, "bit {bit} of the byte at {address}");
        }
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

/// A journal whose commit isn't there is good for nothing before it is opened again.
#[test]
fn a_journal_that_lost_a_commit_is_opened_again() {
    let mut journal = Journal::<_, 4>::open(LossyNvm::new(RamNvm::default()));
    journal.nvm_mut().lose(1);
    let mut transaction = journal.begin(1, 3).unwrap();
    transaction.put(0, b"new").unwrap();
    assert_eq!(transaction.commit(), Err(Error::Nvm));
    journal.nvm_mut().lose(0);
    assert_eq!(journal.check(), Err(Error::Nvm));
    assert!(journal.begin(1, 3).is_err());
    journal.reopen();
    assert_eq!(journal.contains(0), Ok(false));
}
