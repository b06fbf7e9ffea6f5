//! Certificate revocation lists (RFC 5280 §5).

use std::sync::Arc;

use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_cert::crl::CertificateList;
use x509_cert::der::{Decode, Encode};

use super::GenuineError;
use super::name::common_name;
use super::roots::is_pem;
use crate::Untrusted;

/// A list, unchecked as long as nobody's certificate is looked for in it.
pub(super) struct List {
    list: CertRevocationList<'static>,
    /// Whose list, in DER.
    issuer: Vec<u8>,
    name: Untrusted,
}

/// The lists that there are.
#[derive(Clone, Default)]
pub(super) struct Lists(Vec<Arc<List>>);

impl Lists {
    /// Takes in the lists in a file, in PEM or DER.
    ///
    /// # Errors
    /// [`GenuineError::NotAList`]; [`GenuineError::TwoLists`], since the first would hide what the
    /// second revokes.
    pub(super) fn add(&mut self, file: &[u8]) -> Result<(), GenuineError> {
        let lists = match is_pem(file) {
            true => CertificateRevocationListDer::pem_slice_iter(file)
                .collect::<Result<_, _>>()
                .map_err(not_a_list)?,
            false => vec![CertificateRevocationListDer::from(file.to_vec())],
        };
        if lists.is_empty() {
            return Err(not_a_list("there is none in it"));
        }
        for list in lists {
            let list = List::new(&list)?;
            if self.of(&list.issuer) {
                return Err(GenuineError::TwoLists(list.name));
            }
            self.0.push(Arc::new(list));
        }
        Ok(())
    }

    /// Whether there is one of this issuer (DER).
    pub(super) fn of(&self, issuer: &[u8]) -> bool {
        self.0.iter().any(|list| list.issuer == issuer)
    }

    /// As certificates are checked by them.
    pub(super) fn as_webpki(&self) -> Vec<&CertRevocationList<'static>> {
        self.0.iter().map(|list| &list.list).collect()
    }
}

impl List {
    fn new(der: &[u8]) -> Result<Self, GenuineError> {
        let list = OwnedCertRevocationList::from_der(der).map_err(not_a_list)?;
        let read: CertificateList = CertificateList::from_der(der).map_err(not_a_list)?;
        let issuer = read.tbs_cert_list.issuer;
        Ok(Self {
            list: list.into(),
            name: common_name(&issuer),
            issuer: issuer.to_der().map_err(not_a_list)?,
        })
    }
}

fn not_a_list(cause: impl ToString) -> GenuineError {
    GenuineError::NotAList(cause.to_string())
}
