//! A full disk under a real program.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A library that is preloaded into the program.
pub(crate) struct FullDisk(PathBuf);

impl FullDisk {
    /// Compiles it into `folder`.
    pub(crate) fn build(folder: &Path) -> Self {
        let library = folder.join("full_disk.so");
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/full_disk/full_disk.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]);
        let compiled = compiler.arg(&library).arg(source).arg("-ldl").status();
        assert!(compiled.expect("a C compiler").success());
        Self(library)
    }

    /// Has the program's disk be full from this write to a file on, counted from 1.
    pub(crate) fn under(&self, command: &mut Command, from: usize) {
        command.env("LD_PRELOAD", &self.0);
        command.env("TILLCARD_DISK_FULL_FROM", from.to_string());
    }
}
