//! `tillcard personalise revoke`.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use tillcard_personalise::test_root::test_root;
use tillcard_personalise::{Authority, RevocationList, SerialNumber};

use super::files::{Files, at, replace};
use super::term::in_days;
use crate::cli::Failure;
use crate::cli::output::line;
use crate::text::counted;

/// Signs a list of certificates that were taken back (CRL).
#[derive(Args)]
pub(in crate::cli) struct Revoke {
    #[command(flatten)]
    by: By,
    /// The list: made when it isn't there, else replaced by one with more in it
    #[arg(long, value_name = "FILE")]
    list: PathBuf,
    /// Take back the certificate with this serial number, in hexadecimal digits
    #[arg(long, value_name = "NUMBER", value_parser = serial_number)]
    serial: Vec<SerialNumber>,
    /// Take back the certificate in this file (PEM or DER)
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
    /// The files of who signed the certificates, PREFIX.pem and PREFIX.key: a batch takes back
    /// cards, a root batches
    #[arg(long, value_name = "PREFIX")]
    by: Option<PathBuf>,
    /// The test root takes them back
    #[arg(long)]
    test_root: bool,
}

impl Revoke {
    pub(super) fn run(self) -> Result<(), Failure> {
        match &self.by.by {
            Some(prefix) => self.extend(&Files::new(prefix).read()?),
            None => self.extend(test_root()?.authority()),
        }
    }

    fn extend(&self, authority: &Authority) -> Result<(), Failure> {
        let mut list = match fs::read_to_string(&self.list) {
            Ok(former) => RevocationList::after(&former, authority)
                .map_err(|error| Failure::new(format!("{}: {error}", self.list.display())))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                RevocationList::new(authority)
            }
            Err(error) => return Err(at(&self.list)(error)),
        };
        let now = in_days(0)?;
        let before = list.len();
        for serial in &self.serial {
            list.revoke(serial.clone(), now);
        }
        for path in &self.certificate {
            let certificate = fs::read(path).map_err(at(path))?;
            list.revoke_certificate(&certificate, now)
                .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        }
        let all = list.len();
        replace(&self.list, &list.sign(now, in_days(self.days)?)?)?;
        line(format_args!(
            "{} has {} of “{}”, {} of them new.",
            self.list.display(),
            counted(all, "revoked certificate"),
            authority.name(),
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
