//! Two applications in one card, with one NVM, one random source and one reset.

mod counter;

use apdu_dispatch::app::Interface;
use counter::Counter;
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_core::Rng;
use std::cell::RefCell;
use std::ops::Range;
use tillcard_applet::{ANSWER_MAX, Configuration, Response, Tillcard};
use tillcard_protocol::command::{
    CardKeys, GenerateCardKeys, GenerateKey, GetData, Select, State, StatusObject, Verify,
};
use tillcard_runtime::nvm::{NVM_SIZE, PAGE_SIZE, Ram, Region};
use tillcard_runtime::{Card, Shared};
use tillcard_testkit::random::Source;
use tillcard_testkit::torn::TornNvm;

/// The pages of the payment application: as many as a card has that holds nothing else.
const OURS: Range<u32> = 0..NVM_SIZE as u32;
/// The pages of the counter.
const THEIRS: Range<u32> = NVM_SIZE as u32..(NVM_SIZE + 4 * PAGE_SIZE) as u32;
const SIZE: usize = NVM_SIZE + 4 * PAGE_SIZE;

const SELECT_COUNTER: &[u8] = b"\x00\xA4\x04\x00\x08\xF0COUNTER\x00";
const INCREMENT: &[u8] = &[0x00, 0x10, 0, 0];
const COUNT: &[u8] = &[0x00, 0x12, 0, 0, 0];
const RANDOM: &[u8] = &[0xB0, 0x14, 0, 0, 0];
const COMMANDS: &[u8] = &[0x00, 0x16, 0, 0, 0];

/// An NVM that records which addresses are accessed.
#[derive(Clone)]
struct Watched {
    nvm: Ram<SIZE>,
    accesses: Vec<Range<u32>>,
}

impl Watched {
    fn note(&mut self, offset: u32, length: usize) {
        self.accesses.push(offset..offset + length as u32);
    }
}

impl ErrorType for Watched {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Watched {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.note(offset, bytes.len());
        self.nvm.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        SIZE
    }
}

impl NorFlash for Watched {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = PAGE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.note(from, (to - from) as usize);
        self.nvm.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.note(offset, bytes.len());
        self.nvm.write(offset, bytes)
    }
}

type Nvm = TornNvm<Watched>;
type Part<'a> = Region<Shared<'a, Nvm>>;
type TwoApplications<'a> = Card<
    (
        Tillcard<Part<'a>, Shared<'a, Source>>,
        Counter<Part<'a>, Shared<'a, Source>>,
    ),
    ANSWER_MAX,
>;

/// What the applications share.
struct Hardware {
    nvm: RefCell<Nvm>,
    rng: RefCell<Source>,
}

impl Hardware {
    fn new(nvm: &Ram<SIZE>, cut_after: Option<u64>) -> Self {
        let watched = Watched {
            nvm: nvm.clone(),
            accesses: Vec::new(),
        };
        let nvm = match cut_after {
            Some(bytes) => TornNvm::cut_after(watched, bytes),
            None => TornNvm::counting(watched),
        };
        let mut rng = ChaCha20Rng::seed_from_u64(11);
        let good = Source::new(move |bytes| {
            rng.fill_bytes(bytes);
            Ok(())
        });
        Self {
            nvm: RefCell::new(nvm),
            rng: RefCell::new(good),
        }
    }

    fn part(&self, addresses: Range<u32>) -> Part<'_> {
        Region::new(Shared::new(&self.nvm), addresses).unwrap()
    }

    fn ours(&self) -> Tillcard<Part<'_>, Shared<'_, Source>> {
        let rng = Shared::new(&self.rng);
        Tillcard::new(self.part(OURS), rng, Configuration::ANY_NETWORK)
    }

    fn theirs(&self) -> Counter<Part<'_>, Shared<'_, Source>> {
        Counter::new(self.part(THEIRS), Shared::new(&self.rng))
    }

    fn card(&self) -> TwoApplications<'_> {
        Card::new((self.ours(), self.theirs()))
    }

    /// The addresses that were accessed since this was asked last.
    fn accesses(&self) -> Vec<Range<u32>> {
        let mut nvm = self.nvm.borrow_mut();
        std::mem::take(&mut nvm.inner_mut().accesses)
    }

    fn image(self) -> Ram<SIZE> {
        self.nvm.into_inner().into_inner().nvm
    }
}

fn send(card: &mut TwoApplications<'_>, apdu: &[u8]) -> (Vec<u8>, u16) {
    let mut response = Response::new();
    card.transmit(Interface::Contact, apdu, &mut response);
    let (data, status) = response.split_last_chunk::<2>().unwrap();
    (data.to_vec(), u16::from_be_bytes(*status))
}

fn done(card: &mut TwoApplications<'_>, apdu: &[u8]) -> Vec<u8> {
    let (data, status) = send(card, apdu);
    assert_eq!(status, 0x9000, "{apdu:02X?}");
    data
}

/// The state of our application, and the public keys that it would certify.
fn our_state(card: &mut TwoApplications<'_>) -> State {
    done(card, Select::to_apdu().as_bytes());
    let status = done(card, GetData::Status.to_apdu().as_bytes());
    StatusObject::parse(&status).unwrap().state
}

fn their_count(card: &mut TwoApplications<'_>) -> u8 {
    done(card, SELECT_COUNTER);
    done(card, COUNT)[0]
}

#[test]
fn each_is_selected_by_its_name() {
    let hardware = Hardware::new(&Ram::default(), None);
    let mut card = hardware.card();
    assert_eq!(send(&mut card, COUNT).1, 0x6985, "none is selected");
    done(&mut card, SELECT_COUNTER);
    assert_eq!(send(&mut card, Verify::query().as_bytes()).1, 0x6D00);
    assert_eq!(send(&mut card, &[0x84, 0x12, 0, 0, 0]).1, 0x6882);
    assert_eq!(our_state(&mut card), State::Factory);
    assert_eq!(send(&mut card, RANDOM).1, 0x6E00, "the other's class");
    // A part of a name will do, and a name that nobody has changes nothing.
    done(&mut card, b"\x00\xA4\x04\x00\x05\xF0COUN\x00");
    done(&mut card, COUNT);
    assert_eq!(
        send(&mut card, b"\x00\xA4\x04\x00\x05\xF0NONE\x00").1,
        0x6A82
    );
    assert_eq!(done(&mut card, COMMANDS), [2]);
    card.reset();
    assert_eq!(send(&mut card, COUNT).1, 0x6985, "none is selected");
}

#[test]
fn selecting_the_other_ends_the_session() {
    let hardware = Hardware::new(&Ram::default(), None);
    let mut card = hardware.card();
    done(&mut card, SELECT_COUNTER);
    done(&mut card, COUNT);
    done(&mut card, Select::to_apdu().as_bytes());
    // The share of the account key in the making is volatile.
    done(&mut card, GenerateKey::to_apdu().as_bytes());
    done(&mut card, SELECT_COUNTER);
    assert_eq!(done(&mut card, COMMANDS), [1]);
    done(&mut card, Select::to_apdu().as_bytes());
    let issue = issue_with_a_made_key();
    assert_eq!(send(&mut card, &issue).1, 0x6985);
}

/// ISSUE of the made form, which needs a share; its other contents aren't looked at before that.
fn issue_with_a_made_key() -> Vec<u8> {
    let objects = [
        (0x80, 1),
        (0x81, 32),
        (0x82, 32),
        (0x83, 35),
        (0x84, 8),
        (0x85, 48),
        (0x86, 1),
    ];
    let mut data = Vec::new();
    for (tag, length) in objects {
        data.extend([tag, length]);
        data.resize(data.len() + usize::from(length), 0);
    }
    [&[0x80, 0x10, 0, 0, data.len() as u8][..], &data, &[0]].concat()
}

#[test]
fn neither_reaches_into_the_other_s_region() {
    let hardware = Hardware::new(&Ram::default(), None);
    let inside = |region: &Range<u32>, accesses: &[Range<u32>]| {
        assert!(!accesses.is_empty());
        for access in accesses {
            assert!(
                region.start <= access.start && access.end <= region.end,
                "{access:X?}"
            );
        }
    };
    // Opening an application reads its region.
    let _ = hardware.ours();
    inside(&OURS, &hardware.accesses());
    let _ = hardware.theirs();
    inside(&THEIRS, &hardware.accesses());
    let mut card = hardware.card();
    // So often that both journals go round their pages.
    for _ in 0..20 {
        done(&mut card, Select::to_apdu().as_bytes());
        hardware.accesses();
        for _ in 0..40 {
            done(&mut card, GenerateCardKeys::to_apdu().as_bytes());
        }
        inside(&OURS, &hardware.accesses());
        done(&mut card, SELECT_COUNTER);
        hardware.accesses();
        for _ in 0..10 {
            done(&mut card, INCREMENT);
        }
        inside(&THEIRS, &hardware.accesses());
    }
    assert_eq!(their_count(&mut card), 200);
}

/// A card whose both applications remember something.
fn used() -> Ram<SIZE> {
    let hardware = Hardware::new(&Ram::default(), None);
    let mut card = hardware.card();
    done(&mut card, Select::to_apdu().as_bytes());
    done(&mut card, GenerateCardKeys::to_apdu().as_bytes());
    done(&mut card, SELECT_COUNTER);
    for _ in 0..3 {
        done(&mut card, INCREMENT);
    }
    drop(card);
    hardware.image()
}

/// The bytes of a region.
fn bytes(nvm: &Ram<SIZE>, region: &Range<u32>) -> Vec<u8> {
    nvm.as_bytes()[region.start as usize..region.end as usize].to_vec()
}

/// Cuts the power after every byte that a command writes; what `check` finds then, by whether the
/// command was answered.
fn cut_everywhere(
    select: &[u8],
    command: &[u8],
    untouched: &Range<u32>,
    mut check: impl FnMut(&mut TwoApplications<'_>, bool),
) {
    let start = used();
    for cut in 1.. {
        let hardware = Hardware::new(&start, None);
        let mut card = hardware.card();
        done(&mut card, select);
        hardware.nvm.borrow_mut().start_counting(Some(cut));
        let is_done = send(&mut card, command).1 == 0x9000;
        drop(card);
        let left = hardware.image();
        assert_eq!(bytes(&left, untouched), bytes(&start, untouched));
        let hardware = Hardware::new(&left, None);
        check(&mut hardware.card(), is_done);
        if is_done {
            assert!(cut > 10, "{cut} bytes");
            return;
        }
    }
}

#[test]
fn a_power_cut_in_either_leaves_both_whole() {
    let keys = GenerateCardKeys::to_apdu();
    cut_everywhere(
        Select::to_apdu().as_bytes(),
        keys.as_bytes(),
        &THEIRS,
        |card, _| {
            assert_eq!(our_state(card), State::Factory);
            let keys = done(card, keys.as_bytes());
            assert!(CardKeys::parse(&keys).is_ok());
            assert_eq!(their_count(card), 3);
        },
    );
    cut_everywhere(SELECT_COUNTER, INCREMENT, &OURS, |card, is_done| {
        let count = their_count(card);
        assert!(count == 4 || count == 3 && !is_done);
        done(card, INCREMENT);
        assert_eq!(their_count(card), count + 1);
        assert_eq!(our_state(card), State::Factory);
    });
}

#[test]
fn both_draw_from_one_source_and_stop_with_it() {
    let hardware = Hardware::new(&Ram::default(), None);
    let mut card = hardware.card();
    done(&mut card, SELECT_COUNTER);
    let first = done(&mut card, RANDOM);
    assert_ne!(done(&mut card, RANDOM), first);
    done(&mut card, Select::to_apdu().as_bytes());
    done(&mut card, GenerateKey::to_apdu().as_bytes());
    *hardware.rng.borrow_mut() = Source::new(|bytes| {
        bytes.fill(0x55);
        Ok(())
    });
    card.reset();
    done(&mut card, SELECT_COUNTER);
    assert_eq!(send(&mut card, RANDOM).1, 0x6400);
    done(&mut card, Select::to_apdu().as_bytes());
    assert_eq!(send(&mut card, GenerateKey::to_apdu().as_bytes()).1, 0x6400);
}
