//! The log, which is off unless the user asks for it.

use std::env;
use std::io;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::CliError;

/// What is logged: a level (`debug`), or levels of parts (`tillcard_client=trace,tillcard=info`).
const VARIABLE: &str = "TILLCARD_LOG";

/// Begins to log on standard error, if the environment says so.
pub(super) fn begin() -> Result<(), CliError> {
    let wanted = env::var(VARIABLE).unwrap_or_default();
    if wanted.is_empty() {
        return Ok(());
    }
    let targets: Targets = wanted.parse().map_err(|_| CliError::LogFilter(wanted))?;
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(io::stderr);
    tracing_subscriber::registry()
        .with(lines)
        .with(targets)
        .init();
    Ok(())
}
