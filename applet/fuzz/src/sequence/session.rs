//! Commands in a session, and how sessions begin and end.

use super::super::apdu::plain;
use super::super::breaking::Break;
use super::super::bytes::Bytes;
use super::super::link::Exchange;
use super::{Closing, Deed, Run};
use tillcard_protocol::command::ReceiveScript;

impl Run {
    /// One command and its whole answer, protected in a channel.
    pub fn send(&mut self, apdu: &[u8]) -> (Vec<u8>, u16) {
        self.last_apdu = apdu.to_vec();
        let was_open = self.link.is_open();
        if was_open && plain(apdu).is_none() {
            return self.bare(apdu);
        }
        let exchange = self.link.send(apdu);
        self.watch(&exchange, was_open);
        (exchange.answer, exchange.status)
    }

    /// One command, what is left of its answer left to other steps.
    pub fn begin(&mut self, apdu: &[u8]) {
        let was_open = self.link.is_open();
        if was_open && plain(apdu).is_none() {
            self.bare(apdu);
        } else {
            let exchange = self.link.begin(apdu);
            self.watch(&exchange, was_open);
        }
    }

    /// One command as it stands, past a channel.
    pub fn bare(&mut self, apdu: &[u8]) -> (Vec<u8>, u16) {
        let was_open = self.link.is_open();
        let (exchange, has_closed) = self.link.bare(apdu);
        if has_closed {
            self.assert_no_authority();
        }
        self.watch(&exchange, was_open && !has_closed);
        (exchange.answer, exchange.status)
    }

    pub fn protected(&mut self, bytes: &mut Bytes<'_>) {
        if self.link.is_open() {
            let header = [bytes.u8() & 0x80, bytes.u8(), bytes.u8(), bytes.u8()];
            let mut exchange = self.link.protected(header, bytes.rest());
            while exchange.status >> 8 == 0x61 {
                exchange = self.link.next(exchange.status as u8);
            }
            self.watch(&exchange, true);
        }
    }

    pub fn get_response(&mut self, le: u8) {
        let was_open = self.link.is_open();
        let exchange = self.link.next(le);
        if exchange.status == 0x9000 {
            self.watch(&exchange, was_open);
            self.did(Deed::AnswerInParts);
        }
    }

    pub fn select(&mut self) {
        self.link.assert_open();
        let was_open = self.link.is_open();
        let Exchange { status, .. } = self.link.select();
        assert_eq!(status, 0x9000);
        self.is_over(was_open, Closing::Select);
    }

    pub fn reset(&mut self) {
        self.link.assert_open();
        let was_open = self.link.is_open();
        self.link.reset();
        self.assert_memory();
        self.link.select();
        self.is_over(was_open, Closing::Reset);
    }

    pub fn open(&mut self, bytes: &mut Bytes<'_>) {
        self.link.assert_open();
        let was_open = self.link.is_open();
        let (key, at, with) = (bytes.u8(), bytes.u8(), bytes.u8());
        if self.link.open(key, at, with) {
            if was_open {
                self.outcome.closings.push(Closing::Opening);
                // The new channel has nothing of the former one.
                let refused = self.link.send(ReceiveScript::to_apdu().as_bytes()).status;
                assert!(matches!(refused, 0x6982 | 0x6985), "{refused:04X}");
            }
        } else {
            self.is_over(was_open, Closing::RefusedOpening);
        }
    }

    pub fn break_channel(&mut self, way: Break, at: u8) {
        if self.link.is_open() {
            let apdu = self.last_apdu.clone();
            self.link.broken(way, &apdu, at);
            self.is_over(true, Closing::Broken(way));
        }
    }

    /// A session came to its end.
    fn is_over(&mut self, was_open: bool, closing: Closing) {
        if was_open {
            self.outcome.closings.push(closing);
            self.assert_no_authority();
        }
    }
}
