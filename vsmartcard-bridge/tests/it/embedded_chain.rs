//! `--chain embedded`, where the program that serves the chain isn't what it should be.

use crate::support::program::{Emulator, Ended};

fn with_program(program: &str) -> Ended {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["--chain", "embedded", "--card", "ok", "--", "true"];
    let mut command = Emulator::command(home.path(), arguments);
    Emulator::run(command.env("TILLCARD", program)).end()
}

#[test]
fn a_program_that_is_not_there_or_serves_nothing_is_one_clear_line() {
    for (program, told) in [
        ("/nonexistent", "install it"),
        ("/bin/true", "served no chain"),
    ] {
        let ended = with_program(program);
        assert_eq!(ended.status.code(), Some(1));
        let line = ended.stderr.trim_end();
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(
            line.starts_with("tillcard-emu: error[embedded-chain]: "),
            "{line}"
        );
        assert!(line.contains(told), "{line}");
    }
}
