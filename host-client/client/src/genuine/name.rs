//! Names in certificates, as people see them.

use x509_cert::name::Name;

use crate::Untrusted;

/// The common name, or all of the name where it has none.
pub(super) fn common_name(name: &Name) -> Untrusted {
    match name.common_name() {
        Ok(Some(common_name)) => Untrusted::from(common_name.value().as_ref()),
        _ => name.to_string().into(),
    }
}
