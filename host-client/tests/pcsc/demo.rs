//! How the demonstration ends when it isn't let play: nothing of it may stay behind.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::reader_support::{DEADLINE, FIRST, Inserted, Tillcard, empty_readers, readers};
use rustix::process::{Pid, Signal, kill_process};

/// The program that `TILLCARD_BIN_DIR` has, beside its emulator.
fn program() -> PathBuf {
    let folder = env::var_os("TILLCARD_BIN_DIR").map(PathBuf::from).expect(
        "TILLCARD_BIN_DIR must name the folder with tillcard and tillcard-emu; `make test` builds \
         them and sets it",
    );
    let program = folder.join("tillcard");
    for program in [&program, &folder.join("tillcard-emu")] {
        assert!(program.is_file(), "{} isn't there", program.display());
    }
    program
}

/// A demonstration in pcscd's reader, whose temporary folders are in `tmp`.
fn demo(tmp: &Path) -> Command {
    let mut command = in_own_reader(tmp);
    command.arg("--pcscd");
    command
}

/// One in a reader of the emulator's own.
fn in_own_reader(tmp: &Path) -> Command {
    let mut command = Command::new(program());
    command
        .arg("demo")
        .env("TMPDIR", tmp)
        .env_remove("XDG_RUNTIME_DIR")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Reads the demonstration's lines until one has `text`.
fn play_until(demo: &mut Child, text: &str) {
    let out = demo.stdout.take().expect("its output");
    let mut lines = BufReader::new(out).lines().map_while(Result::ok);
    if !lines.any(|line| line.contains(text)) {
        let mut said = String::new();
        let mut err = demo.stderr.take().expect("its errors");
        err.read_to_string(&mut said).expect("text");
        panic!("the demonstration never came to “{text}”: {said}");
    }
    // It may go on talking: nobody listens, and that is no reason to end.
}

/// Processes whose parent is `pid`, zombies left out.
fn children(pid: u32) -> Vec<u32> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").map_while(Result::ok) {
        let Some(child) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // After the name in parentheses: state and parent (proc(5)).
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let mut fields = rest.split_whitespace();
        let (state, parent) = (fields.next(), fields.next());
        if parent == Some(&pid.to_string()) && state != Some("Z") {
            children.push(child);
        }
    }
    children
}

fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').map_or("", |(_, rest)| rest).trim();
    !state.is_empty() && !state.starts_with('Z')
}

fn leftovers(tmp: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(tmp).expect("the temporary folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    // The lock's file is the user's, and stays.
    let is_lock = |path: &Path| path.extension().is_some_and(|ext| ext == "lock");
    paths.filter(|path| !is_lock(path)).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_interrupted_demonstration_leaves_nothing() {
    // While there is only a card; while a till waits for the PIN; at the end.
    for moment in ["A fresh card is put in", "asks 21,000 sat", "Blocked"] {
        let _readers = empty_readers();
        for demo in [demo, in_own_reader] {
            let tmp = tempfile::tempdir().unwrap();
            let mut playing = demo(tmp.path()).spawn().unwrap();
            play_until(&mut playing, moment);
            let started = children(playing.id());
            let pid = Pid::from_raw(i32::try_from(playing.id()).unwrap()).unwrap();
            kill_process(pid, Signal::INT).unwrap();
            let output = playing.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
            assert_eq!(
                leftovers(tmp.path()),
                Vec::<PathBuf>::new(),
                "at “{moment}”"
            );
            assert!(!started.iter().any(|pid| is_running(*pid)), "at “{moment}”");
        }
    }
}

#[test]
fn demonstrations_in_readers_of_their_own_run_side_by_side() {
    let tmp = tempfile::tempdir().unwrap();
    let both = [0, 1].map(|_| in_own_reader(tmp.path()).spawn().unwrap());
    for one in both {
        let output = one.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    assert_eq!(leftovers(tmp.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_second_demonstration_is_refused() {
    let _readers = empty_readers();
    let tmp = tempfile::tempdir().unwrap();
    let mut first = demo(tmp.path()).spawn().unwrap();
    play_until(&mut first, "A private chain");
    let second = demo(tmp.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(stderr(&second).lines().count(), 1, "{}", stderr(&second));
    assert!(stderr(&second).contains("another demo is running"));
    let first = first.wait_with_output().unwrap();
    assert!(first.status.success(), "{}", stderr(&first));
    assert_eq!(leftovers(tmp.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_card_in_the_reader_is_told() {
    let _readers = empty_readers();
    let inserted = Inserted::put(Tillcard::fresh(1), FIRST);
    drop(readers(None).wait_for_card(Some(DEADLINE)));
    let tmp = tempfile::tempdir().unwrap();
    let output = demo(tmp.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("a card is in the virtual reader already"),
        "{}",
        stderr(&output)
    );
    assert_eq!(leftovers(tmp.path()), Vec::<PathBuf>::new());
    inserted.take_out();
}

#[test]
fn without_the_service_it_says_so() {
    let tmp = tempfile::tempdir().unwrap();
    let output = demo(tmp.path())
        .arg("--json")
        // Where libpcsclite looks for the service.
        .env("PCSCLITE_CSOCK_NAME", tmp.path().join("nobody"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("the PC/SC service isn't running"));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], false);
    assert!(report["error"].as_str().unwrap().contains("PC/SC"));
    assert_eq!(leftovers(tmp.path()), Vec::<PathBuf>::new());
}
