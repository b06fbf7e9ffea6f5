//! Where the user's data lives (XDG Base Directory Specification 0.8).

use std::path::PathBuf;

use etcetera::BaseStrategy;
use etcetera::base_strategy::Xdg;

use super::CliError;

/// `tillcard/NAME` below `$XDG_DATA_HOME`, else below `$HOME/.local/share`.
pub(super) fn data_folder(name: &str) -> Result<PathBuf, CliError> {
    let strategy = Xdg::new().map_err(|_| CliError::NoDataFolder)?;
    Ok(strategy.data_dir().join("tillcard").join(name))
}
