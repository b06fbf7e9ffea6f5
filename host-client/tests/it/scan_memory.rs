//! The memory scanner finds what is there, in another process, and nothing else.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use tillcard::scan::{Secrets, Snapshot};

/// A shell that reads one line into a variable, says so, and waits for the end of its input.
struct Shell(Child);

impl Shell {
    fn that_read(line: &str) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", "read secret; echo ready; read end"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut stdin = shell.stdin.take().expect("its input");
        writeln!(stdin, "{line}").expect("it reads");
        let mut ready = String::new();
        let stdout = shell.stdout.take().expect("its output");
        BufReader::new(stdout)
            .read_line(&mut ready)
            .expect("it answers");
        assert_eq!(ready, "ready\n");
        shell.stdin = Some(stdin);
        Self(shell)
    }

    /// Ends the shell's input, and waits for its end.
    fn end(mut self) -> bool {
        drop(self.0.stdin.take());
        let status = self.0.wait().expect("it ends");
        status.code().is_some()
    }
}

/// A number that is nowhere else, this process' own memory aside.
fn random_digits() -> String {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).expect("random bytes");
    bytes.iter().map(|b| char::from(b'0' + b % 10)).collect()
}

#[test]
fn a_planted_secret_is_found_and_another_is_not() {
    let (planted, other) = (random_digits(), random_digits());
    let shell = Shell::that_read(&planted);
    let mut secrets = Secrets::default();
    secrets.add_pin("planted", &planted);
    secrets.add_pin("other", &other);
    let snapshot = Snapshot::of_child(shell.0.id()).expect("a snapshot");
    assert!(snapshot.size() > 100_000, "a shell has more memory");
    let findings = snapshot.search(&secrets);
    assert!(findings.iter().any(|finding| finding.form == "text"));
    assert!(findings.iter().all(|finding| finding.secret == "planted"));
    assert!(shell.end(), "the process goes on after the snapshot");
}

/// A PIN whose packed BCD is letters, which a shell can read, and these letters.
fn random_pin_and_letters() -> (String, String) {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("random bytes");
    let letters = bytes.map(|b| [0x40, 0x60][usize::from(b >> 7)] + 1 + b % 9);
    let pin = letters.iter().map(|letter| format!("{letter:02x}"));
    (pin.collect(), letters.map(char::from).iter().collect())
}

/// The control of every search that finds nothing: a program that keeps a PIN is found out, in
/// whichever form it keeps it.
#[test]
fn a_pin_that_a_program_keeps_is_found() {
    let (pin, letters) = random_pin_and_letters();
    let mut secrets = Secrets::default();
    secrets.add_pin("PIN", &pin);
    for (kept, form) in [(&pin, "text"), (&letters, "BCD")] {
        let shell = Shell::that_read(kept);
        let snapshot = Snapshot::of_child(shell.0.id()).expect("a snapshot");
        let findings = snapshot.search(&secrets);
        assert!(!findings.is_empty(), "the PIN as {form}");
        assert!(findings.iter().all(|finding| finding.form == form));
        assert!(shell.end(), "the process goes on after the snapshot");
    }
}

#[test]
fn a_process_that_is_not_there_is_told() {
    let shell = Shell::that_read("nothing");
    let pid = shell.0.id();
    assert!(shell.end());
    let error = Snapshot::of_child(pid).err().expect("no process");
    assert!(error.to_string().contains(&pid.to_string()));
}
