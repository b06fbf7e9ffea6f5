//! Cards that come, go and die at random, through pcscd, while two programs use them.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Context, Disposition, Protocols, ShareMode, State};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use tillcard_protocol::command::{GetData, Select};

use crate::support::DEADLINE;
use crate::support::reader::{self, NAME};

const EVENTS: u32 = 200;

/// Threads of pcscd, and its memory in KiB.
fn pcscd() -> (u64, u64) {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let status = processes
        .filter_map(|entry| fs::read_to_string(entry.path().join("status")).ok())
        .find(|status| status.starts_with("Name:\tpcscd\n"))
        .expect("pcscd runs");
    let field = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    (field("Threads:"), field("VmRSS:"))
}

/// What pcscd has when it has noticed that programs left: no more threads than so many.
fn settled(threads: u64) -> (u64, u64) {
    let began = Instant::now();
    loop {
        let now = pcscd();
        if now.0 <= threads {
            return now;
        }
        assert!(began.elapsed() < DEADLINE, "{now:?} after {threads}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The card's status object, as a program reads it that comes and goes.
fn ask(context: &Context) -> Option<Vec<u8>> {
    let card = context
        .connect(NAME, ShareMode::Shared, Protocols::T1)
        .ok()?;
    let selected = reader::try_transmit(&card, Select::to_apdu().as_bytes());
    let status = reader::try_transmit(&card, GetData::Status.to_apdu().as_bytes());
    let _ = card.disconnect(Disposition::LeaveCard);
    selected.ok().and(status.ok())
}

fn reset(context: &Context) {
    if let Ok(card) = context.connect(NAME, ShareMode::Shared, Protocols::T1) {
        let _ = card.disconnect(Disposition::ResetCard);
    }
}

#[test]
#[ignore = "takes minutes; `make soak` runs it"]
fn two_hundred_events_leave_everything_as_it_was() {
    let _reader = reader::lock();
    let home = tempfile::tempdir().unwrap();
    let emulator = reader::insert(home.path(), &[]);
    let context = reader::client();
    let before = ask(&context).expect("a card's status");
    reader::remove(emulator);
    let (threads, memory) = pcscd();
    let (is_over, answers) = (AtomicBool::new(false), AtomicU64::new(0));
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..2 {
            let tell = tell.clone();
            let (is_over, answers) = (&is_over, &answers);
            // As programs do, one context for all their life.
            let context = reader::client();
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    answers.fetch_add(u64::from(ask(&context).is_some()), Ordering::Relaxed);
                }
                tell.send(()).unwrap();
            });
        }
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut present = None;
        for _ in 0..EVENTS {
            present = match (rng.next_u32() % 4, present) {
                (3, present) => {
                    reset(&context);
                    present
                }
                (_, None) => Some(reader::insert(home.path(), &[])),
                (0, Some(emulator)) => {
                    emulator.signal("KILL");
                    emulator.end();
                    reader::wait_for(State::EMPTY);
                    None
                }
                (_, Some(emulator)) => {
                    reader::remove(emulator);
                    None
                }
            };
        }
        if let Some(emulator) = present {
            reader::remove(emulator);
        }
        is_over.store(true, Ordering::Relaxed);
        for _ in 0..2 {
            told.recv_timeout(DEADLINE).expect("both programs end");
        }
    });
    let emulator = reader::insert(home.path(), &[]);
    assert_eq!(ask(&context), Some(before), "the card is what it was");
    reader::remove(emulator);
    let (threads_after, memory_after) = settled(threads);
    let answers = answers.into_inner();
    println!(
        "{EVENTS} events through pcscd, {answers} answers: {threads} threads and {memory} KiB before, \
         {threads_after} and {memory_after} after"
    );
    assert!(answers > 0);
    assert!(memory_after <= memory + 4 * 1024);
}
