//! A customer with a card of his own, who can take back what it has paid.

use std::io::Write;
use std::process::Stdio;

use super::{PIN, Shop};

/// The customer at home.
pub(crate) struct Holder<'a> {
    shop: &'a Shop,
    home: tempfile::TempDir,
}

impl<'a> Holder<'a> {
    /// One who has issued the card in this reader to himself, with 100,000 sat.
    pub(crate) fn with_card(shop: &'a Shop, reader: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let holder = Self { shop, home };
        let shown = holder.tillcard(&["owner", "new"], "");
        let address = shown.lines().last().unwrap();
        holder.tillcard(&["mine", "--blocks", "101", "--to", address], "");
        shop.tray.insert(reader, "not-issued").unwrap();
        holder.tillcard(&["owner", "issue"], &format!("{PIN}\n{PIN}\n"));
        let top_up = ["owner", "topup", "--unconfirmed", "--amount", "100,000 sat"];
        holder.tillcard(&top_up, "");
        shop.mine();
        holder
    }

    /// Moves the card's coins to his wallet, in the place of what it has paid.
    pub(crate) fn takes_back(&self) {
        let block = [
            "owner",
            "block",
            "--replace-unconfirmed",
            "--fee-rate",
            "40",
        ];
        self.tillcard(&block, "");
    }

    #[track_caller]
    fn tillcard(&self, arguments: &[&str], input: &str) -> String {
        let mut command = self.shop.command(arguments);
        let command = command.env("XDG_DATA_HOME", self.home.path());
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}
