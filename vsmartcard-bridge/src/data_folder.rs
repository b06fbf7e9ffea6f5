//! Where the user's cards are kept.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// `tillcard/emu` in the user's data folder (XDG Base Directory Specification 0.8): below
/// `$XDG_DATA_HOME`, else below `$HOME/.local/share`. None when the environment names neither.
#[must_use]
pub fn data_folder() -> Option<PathBuf> {
    below(env::var_os("XDG_DATA_HOME"), env::var_os("HOME"))
}

fn below(data: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    // The specification has relative paths ignored.
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let data = data.and_then(absolute);
    let data = data.or_else(|| Some(home.and_then(absolute)?.join(".local/share")))?;
    Some(data.join("tillcard/emu"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_follows_the_xdg_specification() {
        let path = |data: Option<&str>, home: Option<&str>| {
            below(data.map(Into::into), home.map(Into::into))
        };
        assert_eq!(path(Some("/d"), Some("/h")), Some("/d/tillcard/emu".into()));
        assert_eq!(
            path(None, Some("/h")),
            Some("/h/.local/share/tillcard/emu".into())
        );
        assert_eq!(
            path(Some("d"), Some("/h")),
            Some("/h/.local/share/tillcard/emu".into())
        );
        assert_eq!(
            path(Some(""), Some("/h")),
            Some("/h/.local/share/tillcard/emu".into())
        );
        assert_eq!(path(None, None), None);
    }
}
