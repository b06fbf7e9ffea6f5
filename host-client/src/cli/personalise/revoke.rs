//! `tillcard personalise revoke`.

use std::path::{Path, PathBuf};

use clap::Args;
use tillcard::manufacturer::{AuthorityFiles, ManufacturerError, in_days, read_file, replace_list};
use tillcard_client::Untrusted;
use tillcard_personalise::test_root::test_root;
use tillcard_personalise::{Authority, RevocationList, SerialNumber};

use crate::cli::Failure;
use crate::cli::output::line;
use tillcard::text::counted;

/// Revokes certificates: signs a certificate revocation list (CRL) with them.
#[derive(Args)]
pub(in crate::cli) struct Revoke {
    #[command(flatten)]
    by: By,
    /// The list: made when it isn't there, else replaced by one with more in it
    #[arg(long, value_name = "FILE")]
    list: PathBuf,
    /// Revoke the certificate with this serial number, in hexadecimal digits
    #[arg(long, value_name = "NUMBER", value_parser = serial_number)]
    serial: Vec<SerialNumber>,
    /// Revoke the certificate in this file (PEM or DER)
    #[arg(long, value_name = "FILE")]
    certificate: Vec<PathBuf>,
    /// Days until readers ask for a newer list
    #[arg(long, value_name = "DAYS", default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct By {
    /// The files of who signed the certificates, PREFIX.pem and PREFIX.key: a batch
    /// revokes cards, a root batches
    #[arg(long, value_name = "PREFIX")]
    by: Option<PathBuf>,
    /// The test root revokes them
    #[arg(long)]
    test_root: bool,
}

impl Revoke {
    pub(super) fn run(self) -> Result<(), Failure> {
        match &self.by.by {
            Some(prefix) => self.extend(&AuthorityFiles::new(prefix).read()?),
            None => self.extend(test_root().map_err(ManufacturerError::from)?.authority()),
        }
    }

    fn extend(&self, authority: &Authority) -> Result<(), Failure> {
        let in_file = |path: &Path| {
            let path = path.display().to_string();
            move |cause| ManufacturerError::File { path, cause }
        };
        let mut list = match read_file(&self.list)? {
            Some(former) => RevocationList::after(&String::from_utf8_lossy(&former), authority)
                .map_err(in_file(&self.list))?,
            None => RevocationList::new(authority),
        };
        let now = in_days(0)?;
        let before = list.len();
        for serial in &self.serial {
            list.revoke(serial.clone(), now);
        }
        for path in &self.certificate {
            let certificate = read_file(path)?.ok_or_else(|| ManufacturerError::Io {
                path: path.clone(),
                source: std::io::ErrorKind::NotFound.into(),
            })?;
            list.revoke_certificate(&certificate, now)
                .map_err(in_file(path))?;
        }
        let all = list.len();
        let signed = list
            .sign(now, in_days(self.days)?)
            .map_err(ManufacturerError::from)?;
        replace_list(&self.list, &signed)?;
        line(format_args!(
            "{} has {} of {}, {} of them new.",
            self.list.display(),
            counted(all, "revoked certificate"),
            Untrusted::from(authority.name()),
            all - before
        ));
        line(format_args!(
            "Give it to those who read your cards, and a newer one in {}.",
            counted(self.days, "day")
        ));
        Ok(())
    }
}

/// A serial number as openssl shows it: `0A:1B:2C` or `0A1B2C`.
fn serial_number(text: &str) -> Result<SerialNumber, String> {
    let digits = text.replace(':', "");
    let bytes = hex::decode(digits).map_err(|_| "a serial number is hexadecimal digits")?;
    let number = SerialNumber::new(&bytes).ok().filter(|_| !bytes.is_empty());
    number.ok_or_else(|| "a serial number has 1 to 20 bytes".into())
}
