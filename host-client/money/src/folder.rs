//! Folders of a story.

use tempfile::TempDir;

/// A folder that is gone when the computer is, where there is such a place: the model asks what is
/// written, not whether a disk keeps it.
pub(crate) fn folder() -> TempDir {
    const MEMORY: &str = "/dev/shm";
    let folder = tempfile::tempdir_in(MEMORY).or_else(|_| tempfile::tempdir());
    folder.expect("a temporary folder")
}
