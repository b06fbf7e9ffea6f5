//! What goes to and fro between a card and its hosts, written down in the text's form.

use super::card::{ExampleCard, fresh};
use std::cell::Cell;
use std::fmt::Write;
use std::rc::Rc;
use tillcard_testkit::card::{Reader, apdu, send};
use tillcard_testkit::channel::Client;
use tillcard_testkit::oracle::wallet::Wallet;

/// Bytes in a line.
const LINE: usize = 32;

/// One example's commands and responses.
pub(super) struct Example {
    pub(super) title: &'static str,
    pub(super) text: String,
}

/// A card, and the examples that it has been used for.
pub(super) struct Session {
    pub(super) card: ExampleCard,
    /// The random number that it drew last.
    pub(super) drawn: Rc<Cell<u8>>,
    pub(super) examples: Vec<Example>,
}

impl Session {
    pub(super) fn begin(&mut self, title: &'static str) {
        self.examples.push(Example {
            title,
            text: String::new(),
        });
    }

    fn text(&mut self) -> &mut String {
        &mut self.examples.last_mut().unwrap().text
    }

    /// One command and its response.
    pub(super) fn exchange(&mut self, command: &[u8]) -> Vec<u8> {
        let before = self.drawn.get();
        let response = Reader::transmit(&mut self.card, command);
        say(self.text(), ">", command);
        self.say_draws(before);
        say(self.text(), "<", &response);
        let (answer, status) = response.split_last_chunk::<2>().unwrap();
        assert!(matches!(
            status,
            [0x90, 0x00] | [0x61, _] | [0x63, _] | [0x69, _] | [0x6A, _] | [0x94, _]
        ));
        answer.to_vec()
    }

    /// One command inside a channel; its plain answer.
    pub(super) fn protected(
        &mut self,
        client: &mut Client,
        header: [u8; 4],
        data: &[u8],
    ) -> Vec<u8> {
        say(self.text(), "plain >", &apdu(header, data, true));
        let command = client.protect(header, data);
        let before = self.drawn.get();
        let (answer, status) = send(&mut self.card, &command);
        say(self.text(), ">", &command);
        self.say_draws(before);
        let mut left = &answer[..];
        while left.len() > 256 {
            let (part, rest) = left.split_at(256);
            let more = rest.len() as u8;
            say(self.text(), "<", &[part, &[0x61, more]].concat());
            say(self.text(), ">", &[0x00, 0xC0, 0x00, 0x00, more]);
            left = rest;
        }
        let status_word = status.to_be_bytes();
        say(self.text(), "<", &[left, &status_word].concat());
        let plain = client.unprotect(&answer, status).expect("the MAC is right");
        say(self.text(), "plain <", &[&plain[..], &status_word].concat());
        plain
    }

    /// An owner command inside a channel.
    pub(super) fn protected_owner(
        &mut self,
        client: &mut Client,
        wallet: &Wallet,
        header: [u8; 4],
        body: &[u8],
    ) -> Vec<u8> {
        let challenge = self.protected(client, [0x00, 0x84, 0, 0], &[]);
        let command = wallet.signed(&client.session(), &challenge, header, body);
        let data = &command[5..command.len() - 1];
        self.protected(client, header, data)
    }

    fn say_draws(&mut self, before: u8) {
        let draws = self.drawn.get();
        if draws > before {
            let numbers: Vec<String> = (before + 1..=draws).map(|n| format!("{n:02X}")).collect();
            writeln!(self.text(), "draws {}", numbers.join(", ")).unwrap();
        }
    }

    pub(super) fn reset(&mut self) {
        self.text().push_str("reset\n");
        self.card.reset();
    }

    /// Another card, as the manufacturer made it.
    pub(super) fn fresh(&mut self) {
        self.text().push_str("factory\n");
        self.card = fresh(self.drawn.clone());
    }

    pub(super) fn owner(&mut self, wallet: &Wallet, header: [u8; 4], body: &[u8]) -> Vec<u8> {
        let challenge = self.exchange(&[0x00, 0x84, 0x00, 0x00, 0x10]);
        self.exchange(&wallet.signed(&[0], &challenge, header, body))
    }
}

fn say(text: &mut String, direction: &str, bytes: &[u8]) {
    let indented = " ".repeat(direction.len());
    for (i, line) in bytes.chunks(LINE).enumerate() {
        let mark = if i == 0 { direction } else { &indented };
        let line: Vec<String> = line.iter().map(|byte| format!("{byte:02X}")).collect();
        writeln!(text, "{mark} {}", line.join(" ")).unwrap();
    }
}
