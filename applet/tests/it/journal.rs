//! The journal by itself: against a plain map, with the power failing after
//! every byte, with every bit damaged, and beside a control that lacks the commit
//! mark and must be caught by the same sweep.

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tillcard_applet::persistent::KEYS;
use tillcard_runtime::journal::{self, Error, Key};
use tillcard_runtime::nvm::{NVM_SIZE, PAGE_SIZE, RamNvm};
use tillcard_testkit::torn::TornNvm;

type Journal<N> = journal::Journal<N, KEYS>;

/// Several records, changed together. An empty one is removed.
type Change = Vec<(Key, Vec<u8>)>;
type State = BTreeMap<Key, Vec<u8>>;

/// Something that keeps records.
trait Records: Sized {
    fn open(nvm: TornNvm<RamNvm>) -> Self;
    fn change(&mut self, change: &Change) -> Result<(), Error>;
    fn state(&mut self) -> Result<State, Error>;
    fn nvm(&mut self) -> &mut TornNvm<RamNvm>;
    fn close(self) -> TornNvm<RamNvm>;
}

impl Records for Journal<TornNvm<RamNvm>> {
    fn open(nvm: TornNvm<RamNvm>) -> Self {
        Journal::open(nvm)
    }

    fn change(&mut self, change: &Change) -> Result<(), Error> {
        let bytes = change.iter().map(|(_, data)| data.len()).sum();
        let mut transaction = self.begin(change.len(), bytes)?;
        for (key, data) in change {
            transaction.put(*key, data)?;
        }
        transaction.commit()
    }

    fn state(&mut self) -> Result<State, Error> {
        let mut buffer = [0; 255];
        (0..KEYS as Key)
            .filter_map(|key| {
                let read = self.read(key, &mut buffer).transpose()?;
                Some(read.map(|data| (key, data.to_vec())))
            })
            .collect()
    }

    fn nvm(&mut self) -> &mut TornNvm<RamNvm> {
        self.nvm_mut()
    }

    fn close(self) -> TornNvm<RamNvm> {
        self.into_nvm()
    }
}

/// The control: records like the journal's, each counting as soon as it stands
/// there whole, without a commit mark.
struct Unmarked {
    nvm: TornNvm<RamNvm>,
    end: u32,
    state: State,
}

impl Records for Unmarked {
    fn open(mut nvm: TornNvm<RamNvm>) -> Self {
        let mut bytes = vec![0; NVM_SIZE];
        nvm.read(0, &mut bytes).unwrap();
        let mut state = State::new();
        let mut end = 0;
        while let [k0, k1, length, rest @ ..] = &bytes[end..] {
            let key = Key::from_be_bytes([*k0, *k1]);
            let Some(data) = rest.get(..usize::from(*length)) else {
                break;
            };
            if usize::from(key) >= KEYS {
                break;
            }
            set(&mut state, key, data);
            end += 3 + data.len();
        }
        Self {
            nvm,
            end: end as u32,
            state,
        }
    }

    fn change(&mut self, change: &Change) -> Result<(), Error> {
        for (key, data) in change {
            let mut record = key.to_be_bytes().to_vec();
            record.push(data.len() as u8);
            record.extend_from_slice(data);
            self.nvm.write(self.end, &record).map_err(|_| Error::Nvm)?;
            self.end += record.len() as u32;
            set(&mut self.state, *key, data);
        }
        Ok(())
    }

    fn state(&mut self) -> Result<State, Error> {
        Ok(self.state.clone())
    }

    fn nvm(&mut self) -> &mut TornNvm<RamNvm> {
        &mut self.nvm
    }

    fn close(self) -> TornNvm<RamNvm> {
        self.nvm
    }
}

fn set(state: &mut State, key: Key, data: &[u8]) {
    if data.is_empty() {
        state.remove(&key);
    } else {
        state.insert(key, data.to_vec());
    }
}

fn changed(state: &State, change: &Change) -> State {
    let mut state = state.clone();
    for (key, data) in change {
        set(&mut state, *key, data);
    }
    state
}

/// Makes the changes `before`, then cuts `last` after every byte. Answers how
/// many positions there were, and at how many of them the state was neither old
/// nor new.
fn sweep<R: Records>(before: &[Change], last: &Change) -> (u64, u64) {
    let mut records = R::open(TornNvm::counting(RamNvm::default()));
    let mut old = State::new();
    for change in before {
        records.change(change).unwrap();
        old = changed(&old, change);
    }
    let new = changed(&old, last);
    let start = records.close().into_inner();
    let mut whole = R::open(TornNvm::counting(start.clone()));
    whole.change(last).unwrap();
    let positions = whole.close().changed();
    let mixed = (0..positions)
        .filter(|cut| {
            let mut records = R::open(TornNvm::counting(start.clone()));
            records.nvm().start_counting(Some(*cut));
            assert!(records.change(last).is_err());
            let nvm = records.close().into_inner();
            let found = R::open(TornNvm::counting(nvm)).state();
            found.as_ref() != Ok(&old) && found.as_ref() != Ok(&new)
        })
        .count();
    (positions, mixed as u64)
}

/// What a payment changes: coins, a bitmap, counters, a log entry.
fn payment(salt: u8) -> Change {
    vec![
        (36, vec![salt; 40]),
        (37, vec![]),
        (38, vec![]),
        (4, vec![salt; 32]),
        (3, vec![salt; 18]),
        (1036 + Key::from(salt % 64), vec![salt; 66]),
    ]
}

fn funding() -> Vec<Change> {
    vec![
        vec![(0, vec![1; 190]), (2, vec![3]), (3, vec![1; 18])],
        vec![
            (36, vec![1; 40]),
            (37, vec![2; 40]),
            (38, vec![3; 40]),
            (3, vec![2; 18]),
        ],
    ]
}

#[test]
fn a_payment_happens_wholly_or_not_at_all() {
    let (positions, mixed) = sweep::<Journal<_>>(&funding(), &payment(1));
    println!("journal: {positions} positions, {mixed} mixtures");
    assert!(positions > 180);
    assert_eq!(mixed, 0);
}

/// The control: the sweep sees what a missing commit mark does.
#[test]
fn the_sweep_catches_records_without_a_commit_mark() {
    let (positions, mixed) = sweep::<Unmarked>(&funding(), &payment(1));
    println!("without a commit mark: {positions} positions, {mixed} mixtures");
    assert!(mixed > positions / 2);
}

#[test]
fn a_payment_that_turns_a_page_happens_wholly_or_not_at_all() {
    let mut before = funding();
    for round in 0..400 {
        // Every change of page in two rounds of the log, cut in all places.
        before.push(payment((round % 200) as u8));
        if round % 12 == 10 {
            let (_, mixed) = sweep::<Journal<_>>(&before, &payment(201));
            assert_eq!(mixed, 0, "after {round} payments");
        }
    }
}

/// Power that fails again and again at the same place never uses the card up.
#[test]
fn repeated_cuts_wear_nothing_out() {
    let mut before = funding();
    before.extend((0..350).map(|i| payment(i as u8)));
    let mut journal = Journal::open(TornNvm::counting(RamNvm::default()));
    let mut state = State::new();
    for change in &before {
        Records::change(&mut journal, change).unwrap();
        state = changed(&state, change);
    }
    let start = journal.into_nvm().into_inner();
    for cut in (0..3_000).step_by(7) {
        let mut nvm = start.clone();
        for _ in 0..70 {
            let mut journal = Journal::open(TornNvm::cut_after(nvm, cut));
            let _ = Records::change(&mut journal, &payment(99));
            nvm = journal.into_nvm().into_inner();
        }
        let mut journal = Journal::open(TornNvm::counting(nvm));
        let found = journal.state().unwrap();
        assert!(found == state || found == changed(&state, &payment(99)));
        Records::change(&mut journal, &payment(100)).unwrap();
    }
}

/// A flipped bit is noticed, or changes nothing, or (in the last transaction,
/// which then looks torn) leaves the state before it. Never is anything else
/// read as good.
#[test]
fn damage_is_never_taken_for_good() {
    let mut journal = Journal::open(TornNvm::counting(RamNvm::default()));
    let mut states = vec![State::new()];
    for change in funding()
        .iter()
        .chain(&(0..40).map(payment).collect::<Vec<_>>())
    {
        Records::change(&mut journal, change).unwrap();
        states.push(changed(states.last().unwrap(), change));
    }
    let image = *journal.into_nvm().into_inner().as_bytes();
    let used = image.iter().rposition(|byte| *byte != 0xFF).unwrap();
    let last = &states[states.len() - 1];
    let before = &states[states.len() - 2];
    let mut refused = 0;
    for at in 0..=used {
        for bit in [0, 5] {
            let mut damaged = image;
            damaged[at] ^= 1 << bit;
            let mut journal = Journal::open(TornNvm::counting(RamNvm::from_bytes(damaged)));
            match journal.state() {
                Err(Error::Damaged) => refused += 1,
                Ok(state) => assert!(
                    state == *last || (state == *before && at + 200 > used),
                    "bit {bit} of byte {at} of {used}"
                ),
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    assert!(refused > used, "{refused} of {used}");
}

/// Two flipped bits, wherever the page's headers and the first transaction's header
/// stand: what was committed is never taken for what was never begun, nor for what
/// was torn.
#[test]
fn two_flipped_bits_in_headers_undo_nothing() {
    const HEADERS: usize = 2 * 16 + 4;
    let mut journal = Journal::open(TornNvm::counting(RamNvm::default()));
    for round in 0..4 {
        Records::change(&mut journal, &payment(round)).unwrap();
    }
    let whole = journal.state().unwrap();
    let image = *journal.into_nvm().into_inner().as_bytes();
    let bits: Vec<(usize, u8)> = (0..HEADERS)
        .flat_map(|at| [0, 3, 7].map(|bit| (at, bit)))
        .collect();
    for (first, a) in bits.iter().enumerate() {
        for b in &bits[first + 1..] {
            let mut damaged = image;
            for (at, bit) in [a, b] {
                damaged[*at] ^= 1 << bit;
            }
            let mut journal = Journal::open(TornNvm::counting(RamNvm::from_bytes(damaged)));
            match journal.state() {
                Err(Error::Damaged | Error::Version) => {}
                Ok(state) => assert!(state == whole, "{a:?} and {b:?}"),
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

#[test]
fn another_version_is_refused() {
    let mut journal = Journal::open(TornNvm::counting(RamNvm::default()));
    Records::change(&mut journal, &payment(1)).unwrap();
    let mut image = *journal.into_nvm().into_inner().as_bytes();
    image[2] ^= 0x55;
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&image[..12]);
    image[12..16].copy_from_slice(&crc.to_be_bytes());
    let journal = Journal::open(RamNvm::from_bytes(image));
    assert_eq!(journal.check(), Err(Error::Version));
}

/// Counts how often each page is erased.
struct WearNvm {
    inner: RamNvm,
    erased: [u32; NVM_SIZE / PAGE_SIZE],
}

impl embedded_storage::nor_flash::ErrorType for WearNvm {
    type Error = <RamNvm as embedded_storage::nor_flash::ErrorType>::Error;
}

impl ReadNorFlash for WearNvm {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.inner.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.inner.capacity()
    }
}

impl NorFlash for WearNvm {
    /// A flash that is written in words, for a change.
    const WRITE_SIZE: usize = 8;
    const ERASE_SIZE: usize = PAGE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.erased[from as usize / PAGE_SIZE] += 1;
        self.inner.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        embedded_storage::nor_flash::check_write(self, offset, bytes.len())?;
        self.inner.write(offset, bytes)
    }
}

/// A full card's records stay, however often the counters change, and all pages
/// wear alike.
#[test]
fn a_full_card_wears_evenly() {
    let mut journal = Journal::open(WearNvm {
        inner: RamNvm::default(),
        erased: [0; NVM_SIZE / PAGE_SIZE],
    });
    let put = |journal: &mut Journal<WearNvm>, key: Key, data: &[u8]| {
        let mut change = journal.begin(1, data.len()).unwrap();
        change.put(key, data).unwrap();
        change.commit().unwrap();
    };
    put(&mut journal, 0, &[7; 190]);
    for coin in 36..900 {
        put(&mut journal, coin, &[coin as u8; 40]);
    }
    for entry in 1036..KEYS as Key {
        put(&mut journal, entry, &[entry as u8; 66]);
    }
    for round in 0u32..20_000 {
        put(&mut journal, 2, &round.to_be_bytes());
    }
    let mut buffer = [0; 255];
    for coin in 36..900 {
        let data = journal.read(coin, &mut buffer).unwrap().unwrap();
        assert_eq!(data, [coin as u8; 40]);
    }
    let erased = journal.nvm().erased;
    let most = erased.iter().max().unwrap();
    let least = erased.iter().min().unwrap();
    println!("erased {least} to {most} times");
    assert!(most - least <= 1);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut journal = Journal::open(RamNvm::default());
    let mut key = 0;
    let full = loop {
        let written = journal.begin(1, 250).and_then(|mut change| {
            change.put(key, &[key as u8; 250])?;
            change.commit()
        });
        match written {
            Ok(()) => key += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(full, Error::Full);
    assert!(key > 200, "{key}");
    let mut buffer = [0; 255];
    for kept in 0..key {
        assert_eq!(
            journal.read(kept, &mut buffer).unwrap().unwrap(),
            [kept as u8; 250]
        );
    }
    assert!(!journal.contains(key).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Any changes, any cuts: the journal is the map, old or new.
    #[test]
    fn the_journal_is_a_map(
        steps in proptest::collection::vec(
            (
                proptest::collection::vec((0..40 as Key, proptest::collection::vec(any::<u8>(), 0..200)), 1..8),
                proptest::option::of(0u64..2_500),
            ),
            1..120,
        )
    ) {
        let mut nvm = RamNvm::default();
        let mut state = State::new();
        for (change, cut) in steps {
            let torn = match cut {
                Some(cut) => TornNvm::cut_after(nvm, cut),
                None => TornNvm::counting(nvm),
            };
            let mut journal = Journal::open(torn);
            let done = Records::change(&mut journal, &change);
            nvm = journal.into_nvm().into_inner();
            let found = Journal::open(TornNvm::counting(nvm.clone())).state().unwrap();
            let new = changed(&state, &change);
            if done.is_ok() {
                prop_assert_eq!(&found, &new);
            } else {
                prop_assert!(cut.is_some());
                prop_assert!(found == state || found == new);
            }
            state = found;
        }
    }

    /// No image panics, or is taken for good and then fails.
    #[test]
    fn no_image_panics(seed: u64, length in 0usize..4096) {
        use rand_chacha::rand_core::{Rng, SeedableRng};
        let mut image = [0xFF; NVM_SIZE];
        rand_chacha::ChaCha20Rng::seed_from_u64(seed).fill_bytes(&mut image[..length]);
        let mut journal = Journal::open(TornNvm::counting(RamNvm::from_bytes(image)));
        let _ = journal.state();
    }
}
