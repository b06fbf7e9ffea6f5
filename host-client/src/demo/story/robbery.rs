//! The till is searched for what would be worth stealing.

use bitcoin::hashes::Hash;
use serde_json::json;

use super::{Bought, Home, Play};
use crate::demo::failure::{DemoError, expect};
use crate::demo::findings::{self, CardSecrets};
use crate::demo::narrator::Narrator;
use tillcard::scan::{Secrets, search_folder};

impl Play<'_> {
    /// The till's files, output and memory are searched for what would be worth stealing; the same
    /// search finds it where it belongs.
    pub(super) fn rob_the_till(
        &self,
        narrator: &mut Narrator,
        home: &Home,
        bought: &Bought,
    ) -> Result<(), DemoError> {
        let card = narrator.step("scanner-finds-keys", "The scanner is tried", || {
            let card = CardSecrets::read(&self.store, &self.pin, &self.wrong_pin)?;
            for (place, findings) in [
                ("the card's memory", card.find_at_home()),
                (
                    "the emulator's process",
                    bought.emulator_memory.search(&card.secrets),
                ),
            ] {
                for (secret, form) in [("account key", "raw"), ("PIN", "BCD")] {
                    let found = findings
                        .iter()
                        .any(|finding| finding.secret == secret && finding.form == form);
                    expect(
                        found,
                        format!("the scanner doesn't find the {secret} in {place}, where it is"),
                    )?;
                }
            }
            let text = "The scanner finds account key and PIN where they are: in the card";
            Ok((card, text.into()))
        })?;
        let report = narrator.step("till-searched", "The till is searched", || {
            let mut secrets = card.secrets;
            findings::add_wallet(&mut secrets, &home.words)?;
            let files = search_folder(&self.till_folder(), &secrets)?;
            let mut findings = files.findings;
            findings.extend(secrets.search(&bought.till_output, |offset| {
                format!("the till's output at byte {offset}")
            }));
            findings.extend(bought.till_memory.search(&secrets));
            if let Some(finding) = findings.first() {
                return Err(DemoError::new(format!(
                    "the {} ({}) is in the till: {}",
                    finding.secret, finding.form, finding.place
                )));
            }
            // The memory that was read is that of the till that took the payment.
            let mut witness = Secrets::default();
            witness.add_bytes("txid", bought.txid.as_byte_array());
            expect(
                !bought.till_memory.search(&witness).is_empty(),
                "the till's memory doesn't even hold the payment",
            )?;
            expect(files.files > 0, "the till has written nothing down")?;
            let report = json!({
                "forms": secrets.forms(),
                "keys": card.keys,
                "memory_bytes": bought.till_memory.size(),
                "unreadable_bytes": bought.till_memory.unreadable(),
                "files": files.files,
                "file_bytes": files.bytes,
                "output_bytes": bought.till_output.len(),
                "findings": findings.len(),
            });
            let text = "In the till's memory, file and output: no words, no key, no PIN";
            Ok((report, text.into()))
        })?;
        narrator.fact("till_search", report);
        Ok(())
    }
}
