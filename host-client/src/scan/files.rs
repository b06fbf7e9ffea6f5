//! The files below a folder.

use std::fs;
use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use super::{Finding, Secrets};

/// What a search through files came to.
#[derive(Default)]
pub struct Searched {
    /// Files that were read.
    pub files: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// Looks for secrets in every regular file below `folder`, and in the files' names. Links aren't
/// followed.
///
/// # Errors
/// When a file or folder can't be read: a search with holes proves nothing.
pub fn search_folder(folder: &Path, secrets: &Secrets) -> io::Result<Searched> {
    let mut searched = Searched::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            let shown = path.display();
            let name = entry.file_name();
            let in_name = secrets.search(name.as_encoded_bytes(), |_| format!("the name {shown}"));
            searched.findings.extend(in_name);
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let bytes = Zeroizing::new(fs::read(&path)?);
                searched.files += 1;
                searched.bytes += bytes.len() as u64;
                let place = |offset| format!("{shown} at byte {offset}");
                searched.findings.extend(secrets.search(&bytes, place));
            }
        }
    }
    Ok(searched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_names_are_searched_all_the_way_down() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("secret.txt"), "...12345678...").unwrap();
        fs::write(deep.join("x12345678"), "nothing").unwrap();
        fs::write(folder.path().join("c"), "nothing either").unwrap();
        let mut secrets = Secrets::default();
        secrets.add_pin("PIN", "12345678");
        let searched = search_folder(folder.path(), &secrets).unwrap();
        assert_eq!(searched.files, 3);
        assert_eq!(searched.findings.len(), 2);
        assert!(search_folder(&folder.path().join("missing"), &secrets).is_err());
    }
}
