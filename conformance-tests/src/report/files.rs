//! The report on disk: whole at any moment, whatever ends the run.

use super::{Begun, Evidence, Report, junit, page};
use crate::card::Owner;
use crate::failure::{Code, Failure};
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Whoever may read what this person writes may read the report; the umask takes away from that.
const READABLE: u32 = 0o666;

/// The folder with `report.json`, `junit.xml`, `trace.jsonl` and `report.html`.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder, if it isn't there.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|e| not_written(path, e))?;
        Ok(Self(path.to_owned()))
    }

    /// A folder that is there.
    #[must_use]
    pub fn there(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Where the trace goes.
    #[must_use]
    pub fn trace(&self) -> PathBuf {
        self.0.join("trace.jsonl")
    }

    /// Where it goes who owns the cards.
    #[must_use]
    pub fn owners(&self) -> PathBuf {
        self.0.join("owners")
    }

    /// The run that this folder holds, to go on with it.
    ///
    /// # Errors
    /// When there is none, or one of another suite.
    pub fn begun(&self) -> Result<Begun, Failure> {
        let path = self.0.join("report.json");
        let nothing =
            |why: String| Code::NothingToResume.because(format!("{}: {why}", path.display()));
        let text = fs::read_to_string(&path).map_err(|e| nothing(e.to_string()))?;
        let report: Report = serde_json::from_str(&text).map_err(|e| nothing(e.to_string()))?;
        if report.suite != env!("CARGO_PKG_VERSION") {
            return Err(nothing(format!(
                "it is of version {} of the suite",
                report.suite
            )));
        }
        let owners = fs::read_to_string(self.owners()).unwrap_or_default();
        let owners = owners.lines().filter_map(Owner::read).collect();
        Ok(Begun { report, owners })
    }

    /// Writes the report as a page, with what stands in the trace.
    ///
    /// # Errors
    /// When the trace can't be read, or the page not written.
    pub fn write_page(&self, report: &Report) -> Result<(), Failure> {
        let trace = self.trace();
        let evidence = match trace.exists() {
            true => Evidence::of(&trace, |case| report.passed(case))
                .map_err(|e| Code::Unreadable.because(format!("{}: {e}", trace.display())))?,
            false => Evidence::default(),
        };
        replace(&self.0.join("report.html"), &page(report, &evidence))
    }

    /// Writes the report, in place of the one there. A reader of the files sees either whole.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn write(&self, report: &Report) -> Result<(), Failure> {
        let json = self.0.join("report.json");
        let text = serde_json::to_string_pretty(report).map_err(|e| not_written(&json, e))?;
        replace(&json, &(text + "\n"))?;
        let xml = self.0.join("junit.xml");
        let text = junit(report).map_err(|e| not_written(&xml, e))?;
        replace(&xml, &text)
    }
}

/// Puts a text into a file, at one stroke.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    tempfile::Builder::new()
        .permissions(Permissions::from_mode(READABLE))
        .tempfile_in(folder)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            // Before it takes the other's place, so that a power cut leaves one of both.
            file.as_file().sync_all()?;
            Ok(file.persist(path)?)
        })
        .map(drop)
        .map_err(|e| not_written(path, e))
}

fn not_written(path: &Path, why: impl std::fmt::Display) -> Failure {
    Code::ReportNotWritten.because(format!("{}: {why}", path.display()))
}
