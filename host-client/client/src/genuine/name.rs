//! Names in certificates, as people see them.

use x509_cert::name::Name;

/// The common name, or all of the name where it has none. Control characters are replaced by U+FFFD.
pub(super) fn shown_name(name: &Name) -> String {
    let shown = match name.common_name() {
        Ok(Some(common_name)) => common_name.value().into_owned(),
        _ => name.to_string(),
    };
    shown.replace(char::is_control, "\u{FFFD}")
}
