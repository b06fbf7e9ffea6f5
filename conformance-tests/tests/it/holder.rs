//! Programs that hold a card in a reader: run as they are written, and ended with the card, and
//! with the suite.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tillcard_conform::card_under_test::FreshCards;

/// How long anything here may take.
const LIMIT: Duration = Duration::from_secs(30);

/// `tillcard-conform`.
fn holder() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_tillcard-conform"))
}

/// Waits for something, with a limit.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < until, "{what}: not within {LIMIT:?}");
        thread::yield_now();
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Whether there is a process; a zombie is none.
fn runs(pid: &str) -> bool {
    let status = text(&PathBuf::from(format!("/proc/{}/stat", pid.trim())));
    let state = status.rsplit(')').next().map(str::trim_start);
    state.is_some_and(|state| !state.is_empty() && !state.starts_with('Z'))
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A command line whose `$D` is the place.
    fn line(&self, line: &str) -> String {
        line.replace("$D", &self.0.path().display().to_string())
    }
}

fn insert(line: &str, seed: u64) -> tillcard_conform::holder::Held {
    match FreshCards::shell(line, holder()) {
        FreshCards::Program(program) => program.insert(seed).unwrap(),
        _ => panic!("a command line is a program"),
    }
}

#[test]
fn a_command_is_run_as_it_is_written() {
    let place = Place::new();
    let line = place.line("echo load $TILLCARD_SEED > $D/load && (echo $$ > $D/hold; sleep 600)");
    let held = insert(&line, 42);
    wait_until("the command after &&", || {
        !text(&place.file("hold")).is_empty()
    });
    assert_eq!(text(&place.file("load")), "load 42\n");
    let shell = text(&place.file("hold"));
    assert!(runs(&shell));
    drop(held);
    assert!(!runs(&shell), "it ends with the card");
}

#[test]
fn all_that_a_command_started_ends_with_the_card() {
    let place = Place::new();
    let line =
        place.line("sleep 600 & echo $! > $D/background; sh -c 'echo $$ > $D/inner; sleep 600'");
    let held = insert(&line, 1);
    wait_until("both", || {
        !text(&place.file("background")).is_empty() && !text(&place.file("inner")).is_empty()
    });
    let pids = [text(&place.file("background")), text(&place.file("inner"))];
    assert!(pids.iter().all(|pid| runs(pid)));
    drop(held);
    assert!(!pids.iter().any(|pid| runs(pid)), "{pids:?}");
}

#[test]
fn a_command_that_ignores_sigterm_is_killed() {
    let place = Place::new();
    let line = place.line("trap '' TERM; echo $$ > $D/pid; while :; do sleep 600; done");
    let held = insert(&line, 1);
    wait_until("the command", || !text(&place.file("pid")).is_empty());
    let pid = text(&place.file("pid"));
    drop(held);
    assert!(!runs(&pid));
}

#[test]
fn a_command_that_ends_by_itself_is_told() {
    let place = Place::new();
    let line = place.line("sleep 600 & echo $! > $D/left; exit 7");
    let mut held = insert(&line, 1);
    let mut status = None;
    wait_until("its end", || {
        status = held.ended();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(7));
    assert!(!runs(&text(&place.file("left"))), "what it left behind");
    let mut held = insert("exec /no/such/program", 1);
    wait_until("its end", || held.ended().is_some());
}

#[test]
fn a_program_ends_when_who_started_it_is_killed() {
    let place = Place::new();
    // A shell stands for the suite here: it alone holds the other end of the holder's input. The
    // suite itself is killed in `tests/pcsc`.
    let line = place.line(
        "mkfifo $D/input; \"$0\" hold sh -c 'echo $$ > $D/pid; sleep 600' < $D/input & \
         exec 3> $D/input; wait",
    );
    let mut suite = Command::new("sh")
        .args(["-c", &line])
        .arg(holder())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the program", || !text(&place.file("pid")).is_empty());
    let pid = text(&place.file("pid"));
    suite.kill().unwrap();
    suite.wait().unwrap();
    wait_until("the program's end", || !runs(&pid));
}
