//! Which card is tested, how it comes into the reader, and that it leaves it.

use rustix::process::{Pid, Signal, kill_process};
use std::ffi::CString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::Report;

/// The reader.
pub const READER: &str = "Virtual PCD 00 00";
/// How long anything here may take.
const LIMIT: Duration = Duration::from_secs(60);

fn emulator() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_tillcard-conform")).with_file_name("tillcard-emu");
    assert!(program.is_file(), "cargo build -p tillcard-emu");
    program
}

/// An emulator with a card in the reader, which leaves the reader with this.
pub struct Inserted(Child);

impl Inserted {
    fn new(seed: u64) -> Self {
        let mut emulator = Command::new(emulator());
        emulator
            .args(["--ephemeral", "--seed", &seed.to_string()])
            .stdout(Stdio::null());
        Self(emulator.spawn().unwrap())
    }

    /// One whose card a client of pcscd can connect to.
    pub fn noticed(seed: u64) -> Self {
        let mut inserted = Self::new(seed);
        let mut since = Instant::now();
        let context = pcsc::Context::establish(pcsc::Scope::User).unwrap();
        let reader = CString::new(READER).unwrap();
        wait_until("a card to connect to", || {
            let card = context.connect(&reader, pcsc::ShareMode::Shared, pcsc::Protocols::ANY);
            if card.is_err() && since.elapsed() > Duration::from_secs(5) {
                // pcscd 1.9.9 doesn't announce the card that follows one which left together with
                // its client; it announces the next.
                inserted.leave();
                inserted = Self::new(seed);
                since = Instant::now();
            }
            card.is_ok()
        });
        inserted
    }

    fn is_there(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    fn leave(&mut self) {
        if self.is_there() {
            signal(self.0.id(), Signal::TERM);
            let _ = self.0.wait();
        }
    }
}

impl Drop for Inserted {
    fn drop(&mut self) {
        self.leave();
    }
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < until, "{what}: not within {LIMIT:?}");
        thread::yield_now();
    }
}

/// The suite with a report in this folder. It has no terminal.
fn suite(folder: &Path, target: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tillcard-conform"));
    command
        .args(["run", "--target", target, "--report"])
        .arg(folder)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// The report in a folder.
pub fn report(folder: &Path) -> Report {
    let json = fs::read_to_string(folder.join("report.json")).unwrap();
    serde_json::from_str(&json).unwrap()
}

fn ran(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// The verdict of each case, and its reason.
fn verdicts(report: &Report) -> Vec<(Verdict, &str)> {
    (report.cases.iter())
        .map(|case| (case.verdict, case.reason.as_deref().unwrap_or_default()))
        .collect()
}

/// Parent and state of a process.
fn stat(pid: u32) -> Option<(u32, char)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((fields.next()?.parse().ok()?, state))
}

fn runs(pid: u32) -> bool {
    stat(pid).is_some_and(|(_, state)| state != 'Z')
}

/// The emulator that a suite started: the child of its child.
fn emulator_of(suite: u32) -> Option<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .find(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            let holder = stat(*pid).map(|(parent, _)| parent);
            let above = holder.and_then(stat).map(|(parent, _)| parent);
            name.trim() == "tillcard-emu" && above == Some(suite)
        })
}

/// A suite with its own emulator, which it is using; and the emulator's process id.
fn with_own_emulator(
    folder: &Path,
    more: &[&str],
) -> (Child, BufReader<std::process::ChildStderr>, u32) {
    let mut suite = suite(folder, "emulator-pcsc", more).spawn().unwrap();
    let mut told = BufReader::new(suite.stderr.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    assert!(line.contains("PASS"), "{line}");
    // The line comes first, then the report.
    wait_until("the case's report", || !report(folder).cases.is_empty());
    let mut emulator = None;
    wait_until("the emulator", || {
        emulator = emulator_of(suite.id());
        emulator.is_some()
    });
    (suite, told, emulator.unwrap())
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn the_own_emulator_ends_with_the_suite() {
    for how in [Signal::INT, Signal::TERM, Signal::KILL] {
        let folder = tempfile::tempdir().unwrap();
        let (mut suite, told, emulator) = with_own_emulator(folder.path(), &[]);
        signal(suite.id(), how);
        suite.wait().unwrap();
        drop(told);
        wait_until("the emulator's end", || !runs(emulator));
        let report = report(folder.path());
        assert!(!report.complete && !report.cases.is_empty());
        assert_eq!(report.reader.as_deref(), Some(READER));
        assert_eq!(report.emulator, Some(report.suite));
    }
}

#[test]
fn a_card_that_hangs_is_an_error_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let more = ["--card-timeout", "3", "--filter", "FRM"];
    let (mut suite, told, emulator) = with_own_emulator(folder.path(), &more);
    signal(emulator, Signal::STOP);
    let lines: Vec<String> = told.lines().map(Result::unwrap).collect();
    assert_eq!(suite.wait().unwrap().code(), Some(1), "{lines:#?}");
    let report = report(folder.path());
    assert!(report.complete);
    let silent = |reason: &str| reason.contains("[card-silent]");
    let errors: Vec<&str> = (verdicts(&report).into_iter())
        .filter(|(verdict, _)| *verdict == Verdict::Error)
        .map(|(_, reason)| reason)
        .collect();
    assert!(
        matches!(errors[..], [reason] if silent(reason)),
        "{errors:?}"
    );
    assert!(!runs(emulator));
}

#[test]
fn the_card_in_the_reader_that_was_named_is_tested() {
    let mut own = Inserted::noticed(77);
    let folder = tempfile::tempdir().unwrap();
    let target = format!("pcsc:{READER}");
    // The first case needs no other card, and the last one would need one that nobody can be asked
    // for.
    let more = [
        "--filter",
        "TC-ISS-02",
        "--filter",
        "TC-ISS-05",
        "--sacrificial",
        "--sample",
        "S",
    ];
    let (code, told) = ran(&mut suite(folder.path(), &target, &more));
    let report = report(folder.path());
    let [(first, why), (second, nobody), (proof, _)] = verdicts(&report)[..] else {
        panic!("{told}");
    };
    assert_eq!((proof, first, why), (Verdict::Pass, Verdict::Pass, ""));
    assert_eq!(second, Verdict::Error);
    assert!(nobody.ends_with("[no-terminal]"), "{nobody}");
    assert_eq!(code, Some(3));
    assert_eq!(
        (report.reader.as_deref(), report.emulator),
        (Some(READER), None)
    );
    assert!(own.is_there(), "the card is left there");
    // It is no card to be used up unless that is said.
    let (code, told) = ran(&mut suite(
        folder.path(),
        &target,
        &["--filter", "TC-ISS-04"],
    ));
    assert!(code == Some(1) && told.contains("--sacrificial"), "{told}");
}

#[test]
fn a_command_brings_the_cards() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("seeds");
    let emulator = emulator();
    let line = format!(
        "echo $TILLCARD_SEED >> {} && {} --ephemeral --seed $TILLCARD_SEED",
        log.display(),
        emulator.display()
    );
    let more = [
        "--fresh-card-command",
        &line,
        "--sacrificial",
        "--sample",
        "S",
        "--filter",
        "TC-ISS-01",
        "--filter",
        "TC-INF-01",
    ];
    let (code, told) = ran(&mut suite(folder.path(), &format!("pcsc:{READER}"), &more));
    assert_eq!(code, Some(0), "{told}");
    let report = report(folder.path());
    let seeds = fs::read_to_string(&log).unwrap();
    assert_eq!(seeds.lines().count(), report.cards as usize);
    assert!(report.cards >= 2 && report.emulator.is_none());
    // One that ends at once brings none.
    let more = ["--fresh-card-command", "exit 7", "--filter", "TC-ISS-02"];
    let (code, told) = ran(&mut suite(folder.path(), &format!("pcsc:{READER}"), &more));
    assert!(
        code == Some(3) && told.contains("ended (exit status: 7)"),
        "{told}"
    );
    assert!(told.contains("[no-card]"), "{told}");
}

#[test]
fn a_card_that_was_issued_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let line = format!("{} --data {}", emulator().display(), data.display());
    let target = format!("pcsc:{READER}");
    let more = [
        "--fresh-card-command",
        &line,
        "--sacrificial",
        "--sample",
        "S",
        "--filter",
        "TC-ISS-04",
    ];
    let first = ran(&mut suite(folder.path(), &target, &more));
    let (code, told) = ran(&mut suite(folder.path(), &target, &more));
    assert_eq!(code, Some(3), "{first:?} {told}");
    let ended = report(folder.path()).ended.unwrap();
    assert_eq!(ended.code, "already-issued");
    assert!(
        ended
            .reason
            .contains("this card is issued already: network"),
        "{}",
        ended.reason
    );
}
