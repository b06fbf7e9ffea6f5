//! What is done with a result: a laboratory signs it, and others check that.

use super::terminal::{conclude, print, tell};
use std::path::Path;
use std::process::ExitCode;
use tillcard_conform::failure::{Code, Failure};
use tillcard_conform::report::Folder;
use tillcard_conform::signature;

/// Exit code when a result isn't what was signed.
const NOT_SIGNED: u8 = 1;
/// Exit code when nothing could be signed or checked.
const NO_ANSWER: u8 = 2;

/// Makes the page of a folder's report.
///
/// # Errors
/// When the report or its trace can't be read, or the page not written.
pub fn page(folder: &Path) -> Result<ExitCode, Failure> {
    let folder = Folder::there(folder);
    folder.write_page(&folder.begun()?.report)?;
    Ok(ExitCode::SUCCESS)
}

/// Signs the report of a folder.
pub fn sign(folder: &Path, key: &Path) -> ExitCode {
    match signature::sign(folder, key) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

/// Checks the signature of a folder's report, and says what it vouches for.
pub fn verify(folder: &Path, key: &Path) -> ExitCode {
    match signature::verify(folder, key) {
        Ok(vouched) => {
            let trace = if vouched.trace {
                "the trace is the signed one"
            } else {
                "there is no trace"
            };
            print(&format!(
                "The report is signed by the key {}; {trace}.\n",
                vouched.key
            ));
            conclude(&vouched.report);
            ExitCode::SUCCESS
        }
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    tell(&failure.to_string());
    ExitCode::from(match failure.code {
        Code::BadSignature => NOT_SIGNED,
        _ => NO_ANSWER,
    })
}
