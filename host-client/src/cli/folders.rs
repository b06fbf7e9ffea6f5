//! Where the user's data lives (XDG Base Directory Specification 0.8).

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use super::Failure;

/// `tillcard/NAME` below `$XDG_DATA_HOME`, else below `$HOME/.local/share`.
pub(super) fn data_folder(name: &str) -> Result<PathBuf, Failure> {
    below(env::var_os("XDG_DATA_HOME"), env::var_os("HOME"))
        .map(|data| data.join(name))
        .ok_or_else(|| {
            Failure::new(
                "neither XDG_DATA_HOME nor HOME names a folder for the data: give one with --folder",
            )
        })
}

fn below(data: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    // The specification has relative paths ignored.
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let data = data.and_then(absolute);
    let data = data.or_else(|| Some(home.and_then(absolute)?.join(".local/share")))?;
    Some(data.join("tillcard"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_follows_the_specification() {
        let some = |path: &str| Some(OsString::from(path));
        assert_eq!(below(some("/d"), some("/h")), Some("/d/tillcard".into()));
        let in_home = Some(PathBuf::from("/h/.local/share/tillcard"));
        for data in [None, some("relative"), some("")] {
            assert_eq!(below(data, some("/h")), in_home);
        }
        assert_eq!(below(None, None), None);
    }
}
