//! Insertions, removals, resets and dying programs, in a random order, with two programs at work.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use tillcard_emu::tray::Tray;
use tillcard_protocol::command::{Select, Verify};

use crate::support::DEADLINE;
use crate::support::pcsc_client::{PcscClient, RESET, SHARED};

const READER: &str = "Counter 1";

/// The cards, and what each says of its PIN: it keeps saying so.
const CARDS: [(&str, [u8; 2]); 3] = [
    ("ok", [0x63, 0xC3]),
    ("last-try", [0x63, 0xC1]),
    ("pin-blocked", [0x69, 0x83]),
];

/// Without a selected application.
const NOT_SELECTED: [u8; 2] = [0x69, 0x85];

/// What a process has of the system's.
#[derive(Debug)]
struct Holdings {
    threads: u64,
    files: usize,
    /// In KiB.
    memory: u64,
}

impl Holdings {
    fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let field = |name: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Self {
            threads: field("Threads:"),
            files: fs::read_dir("/proc/self/fd").unwrap().count(),
            memory: field("VmRSS:"),
        }
    }

    /// Waits until threads and files are those of before: programs that died are noticed in a moment.
    fn settle(before: &Self) -> Self {
        let began = Instant::now();
        loop {
            let now = Self::now();
            if (now.threads, now.files) == (before.threads, before.files) {
                return now;
            }
            assert!(began.elapsed() < DEADLINE, "{now:?} after {before:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// So many random events; returns when everything was found as it was before.
pub fn storm(events: u64) {
    let tray = Tray::open(None, 0).unwrap();
    tray.add_reader(READER).unwrap();
    for (card, _) in CARDS {
        tray.describe(card).unwrap();
    }
    // What grows once only has grown before memory is looked at.
    let at_rest = Holdings::now();
    blow(&tray, events / 10, 1);
    let before = Holdings::settle(&at_rest);
    let counted = blow(&tray, events, 2);
    assert!(counted > 0, "no program got an answer");
    let after = Holdings::settle(&before);
    assert!(
        after.memory <= before.memory + 16 * 1024,
        "{after:?} after {before:?}"
    );
    println!("{events} events, {counted} answers: {before:?} before, {after:?} after");
    // Each card is what it was.
    for (card, says) in CARDS {
        tray.insert(READER, card).unwrap();
        let mut client = PcscClient::new(tray.socket_path(), 4);
        assert_eq!(ask(&mut client), Some(says), "{card}");
        drop(client);
        tray.remove(READER).unwrap();
    }
}

/// Lets random events happen; how many answers two programs got meanwhile.
fn blow(tray: &Tray, events: u64, seed: u64) -> u64 {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let (is_over, answers) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    answers.fetch_add(work(tray), Ordering::Relaxed);
                }
            });
        }
        let mut present = None;
        for _ in 0..events {
            match rng.next_u32() % 4 {
                0 | 1 if present.is_none() => {
                    let (card, _) = CARDS[rng.next_u32() as usize % CARDS.len()];
                    tray.insert(READER, card).unwrap();
                    present = Some(card);
                }
                0 | 1 => assert_eq!(tray.remove(READER).unwrap().as_deref(), present.take()),
                2 => reset(tray),
                _ => die(tray, rng.next_u32() % 3),
            }
            assert_eq!(tray.readers()[0].card.as_deref(), present);
        }
        tray.remove(READER).unwrap();
        is_over.store(true, Ordering::Relaxed);
    });
    answers.into_inner()
}

/// A program that comes, asks the card a few things, and goes. How many answers it got.
fn work(tray: &Tray) -> u64 {
    let mut client = PcscClient::new(tray.socket_path(), 4);
    (0..5).filter(|_| ask(&mut client).is_some()).count() as u64
}

/// What the card says of its PIN, if there is a card all the while. Every answer must be one that a card of
/// these gives.
fn ask(client: &mut PcscClient) -> Option<[u8; 2]> {
    let card = client.connect(READER, SHARED).ok()?;
    let selected = client.transmit(card, Select::to_apdu().as_bytes());
    let tries = client.transmit(card, Verify::query().as_bytes());
    client.disconnect(card, 0);
    let says: [u8; 2] = tries.ok()?.try_into().unwrap();
    assert!(selected.unwrap().ends_with(&[0x90, 0x00]));
    // Another program's reset between the two takes the application away.
    let known = says == NOT_SELECTED || CARDS.iter().any(|(_, known)| *known == says);
    assert!(known, "{says:02X?}");
    Some(says)
}

/// A program that resets the card under the others.
fn reset(tray: &Tray) {
    let mut client = PcscClient::new(tray.socket_path(), 4);
    if let Ok(card) = client.connect(READER, SHARED) {
        client.reconnect(card, SHARED, RESET);
    }
}

/// A program that ends in the middle: connected, in a transaction, or with a command under way.
fn die(tray: &Tray, when: u32) {
    let mut client = PcscClient::new(tray.socket_path(), 4);
    if let Ok(card) = client.connect(READER, SHARED) {
        match when {
            0 => {}
            1 => {
                client.begin(card);
            }
            _ => client.send_command(card, Select::to_apdu().as_bytes(), 65_548),
        }
    }
}
