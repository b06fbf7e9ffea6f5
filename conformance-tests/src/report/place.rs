//! When and where a run is.

use chrono::{SecondsFormat, Utc};

/// The time, in the form of RFC 3339.
pub(super) fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The operating system: its distribution's name, kernel and processor.
pub(super) fn host() -> String {
    let kernel = rustix::system::uname();
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let distribution = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map_or("", |name| name.trim_matches('"'));
    let parts = [kernel.sysname(), kernel.release(), kernel.machine()];
    let parts = parts.map(|part| part.to_string_lossy().into_owned());
    format!("{distribution} ({})", parts.join(" "))
        .trim_start()
        .to_owned()
}
