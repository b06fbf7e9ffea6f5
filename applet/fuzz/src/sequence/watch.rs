//! What is looked at after every exchange, whichever step made it: what the card may
//! do and what it may not.

use super::super::apdu::data;
use super::super::link::Exchange;
use super::{Deed, Life, Run};
use tillcard_applet::persistent::Persistent;
use tillcard_protocol::command::{Policy, ReadLimits, ReceiveScript};
use tillcard_protocol::owner;
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::host::{HOST, POLICY, SECOND};

impl Run {
    /// Looks at a command that was answered. `was_open` says whether it was
    /// sent in a channel.
    pub fn watch(&mut self, exchange: &Exchange, was_open: bool) {
        let Exchange {
            command,
            answer,
            status,
        } = exchange;
        let Some((header, rest)) = command.split_first_chunk::<4>() else {
            return;
        };
        let data = data(rest);
        if header[..2] == [0x00, 0x20] {
            self.watch_verify(command, *status);
        } else {
            let status = *status;
            assert!(
                status >> 4 != 0x63C && status != 0x6983,
                "{status:04X} to {command:02X?}"
            );
        }
        match *status {
            0x9416 => self.did(Deed::RefusedSigning),
            0x9417 => self.did(Deed::RefusedStatement),
            _ => {}
        }
        let is_done = *status == 0x9000 || status >> 8 == 0x61;
        if !is_done {
            return;
        }
        // `[POL-1]`
        assert!(
            was_open || self.policy.plain_sessions || !is_for_shops(header, data),
            "{command:02X?} in a plain session"
        );
        self.watch_life(header, data);
        if *status == 0x9000 {
            self.watch_answer(header, data, answer);
        }
    }

    fn watch_verify(&mut self, apdu: &[u8], status: u16) {
        let right = &self.pin;
        let data = [apdu.get(5..13), apdu.get(7..15)];
        match status {
            0x9000 => {
                assert!(data.contains(&Some(right)) && self.tries > 0, "{apdu:02X?}");
                self.tries = 3;
            }
            0x63C0..=0x63CF => {
                let left = (status & 0xF) as u8;
                // Without data, nothing but an Le stands behind the header.
                let asked = left == self.tries && matches!(apdu.len(), 4 | 5 | 7);
                assert!(
                    asked || Some(left) == self.tries.checked_sub(1),
                    "{apdu:02X?}"
                );
                self.tries = left;
            }
            0x6983 => assert_eq!(self.tries, 0),
            _ => {}
        }
    }

    /// What commands change for good.
    fn watch_life(&mut self, header: &[u8; 4], data: &[u8]) {
        match *header {
            [0x00, 0x2C, p1, _] => {
                self.tries = 3;
                if p1 == 0x02 {
                    self.pin = data[2..10].try_into().expect("a PIN block");
                }
            }
            [0x80, 0x52, _, _] => {
                self.policy = Policy::from_byte(data[2]).expect("a policy");
            }
            [0x80, 0x56, _, _] => self.forget(Life::Factory),
            [0x00, 0xFE, _, _] => self.forget(Life::Terminated),
            [0x80, 0x10, _, _] => self.is_issued(data),
            [0x00, 0x46, _, 0x01] => {
                assert_eq!(self.life, Life::Factory);
                self.card_keys = self.memory().card_keys().expect("they read").map_or_else(
                    || panic!("keys that the card told are persistent"),
                    |keys| keys.public_keys(),
                );
                self.link.agreement_key = self.card_keys.agreement_key;
            }
            _ => {}
        }
    }

    /// A card without an owner, and the model of it.
    fn forget(&mut self, life: Life) {
        assert_eq!(self.life, Life::Issued);
        self.life = life;
        self.account = None;
        self.assert_forgotten();
        self.txids.clear();
        self.offered.clear();
        self.pledged.clear();
        self.signing.clear();
        self.contested.clear();
        self.challenge = None;
        self.assert_memory();
        self.did(match life {
            Life::Terminated => Deed::Termination,
            _ => Deed::FactoryReset,
        });
    }

    /// Nothing of an owner is left (`[RST-1]`).
    fn assert_forgotten(&self) {
        let mut memory = self.memory();
        assert!(memory.identity().is_err() && memory.pin().is_err());
        assert!(memory.limits().is_err() && memory.counters().is_err());
        // What is answered where there is none.
        let none = Policy {
            plain_sessions: true,
            statements: false,
        };
        assert_eq!(memory.policy(), Ok(none));
        let coins = memory.for_each_slot(0, |_, _, coin| {
            assert!(coin.is_none());
            Ok(())
        });
        assert!(coins.is_ok());
        for place in &self.pledged {
            assert_eq!(memory.is_pledged(*place), Ok(false));
            assert_eq!(memory.is_retired(*place), Ok(false));
        }
    }

    /// ISSUE was done with this data field, by a step or by any bytes.
    fn is_issued(&mut self, data: &[u8]) {
        assert_eq!(self.life, Life::Factory);
        self.life = Life::Issued;
        self.tries = 3;
        // PIN block, limits and policy are the last objects.
        let (before_policy, policy) = data.split_at(data.len() - 1);
        self.policy = Policy::from_byte(policy[0]).expect("a policy");
        let pin = before_policy.len() - 2 - 50 - 8;
        self.pin = before_policy[pin..pin + 8].try_into().expect("a PIN block");
        let known = HOST.issue_again(POLICY);
        let (_, known) = known.split_at(5);
        let is_known = known.starts_with(&data[..pin]);
        self.account = is_known.then_some(SECOND);
    }

    fn watch_answer(&mut self, header: &[u8; 4], data: &[u8], answer: &[u8]) {
        match *header {
            [0x00, 0x84, ..] => self.challenge = Some(answer.to_vec()),
            [0x80, 0x30, ..] => {
                let txid = self.check_payment(answer);
                if !self.txids.contains(&txid) {
                    self.txids.push(txid);
                }
            }
            [0x80, 0x36, ..] => assert_eq!(self.check_payment(answer), data[2..34]),
            [0x80, 0x40, 0x02, _] => self.watch_signature(answer),
            [0x80, 0x54, ..] => self.check_statement(data, answer),
            [0x00, 0x88, ..] => self.check_genuine(data, answer),
            _ => {}
        }
    }

    /// The owner's signature leaves when what must be persistent is, and against no
    /// statement (`[SGN-3]`, `[STM-4]`).
    fn watch_signature(&mut self, answer: &[u8]) {
        assert_eq!(answer.len(), 64);
        let mut memory = self.memory();
        for (outpoint, place) in &self.signing {
            assert!(memory.is_retired(*place).expect("the marks read"));
            assert!(!memory.is_pledged(*place).expect("the marks read"));
            assert!(!self.pledged.contains(place));
            self.contested.push(*outpoint);
        }
    }

    /// The memory holds what the model does.
    pub fn assert_memory(&self) {
        let mut memory = self.memory();
        let is_issued = self.life == Life::Issued;
        assert_eq!(memory.is_issued(), Ok(is_issued));
        assert_eq!(memory.is_terminated(), Ok(self.life == Life::Terminated));
        let card_keys = memory.card_keys().expect("they read");
        let expected = (self.life != Life::Terminated).then_some(self.card_keys);
        assert_eq!(card_keys.map(|keys| keys.public_keys()), expected);
        if !is_issued {
            return;
        }
        assert_eq!(memory.tries_left(), Ok(self.tries));
        assert_eq!(memory.policy(), Ok(self.policy));
        if let Some(known) = self.account {
            let account = memory.identity().expect("keys stay").account;
            let id = owner::card_id(account.public_key(), account.chain_code());
            assert!(HOST.is_card(known, &id));
        }
        for place in &self.pledged {
            assert_eq!(memory.is_pledged(*place), Ok(true));
        }
    }

    /// After a channel was closed, no authority that it had is left, in a plain
    /// session or in another channel.
    pub fn assert_no_authority(&mut self) {
        if self.life != Life::Issued {
            return;
        }
        assert!(!self.link.is_open());
        let receive_script = ReceiveScript::to_apdu();
        let refused = |run: &mut Self, apdu: &[u8], expected: &[u16]| {
            let status = run.link.send(apdu).status;
            assert!(expected.contains(&status), "{status:04X} to {apdu:02X?}");
        };
        refused(self, receive_script.as_bytes(), &[0x6982]);
        refused(self, &[0x80, 0x48, 0x01, 0x00, 0x00], &[0x6985]);
        refused(self, &[0x80, 0x40, 0x02, 0x00, 0x00], &[0x6985]);
        if let Some(statement) = self.last_statement() {
            refused(self, &statement, &[0x6982, 0x6A88]);
        }
        if let Some(challenge) = self.challenge.take() {
            let read = HOST.command(self.bound(), &challenge, &ReadLimits);
            refused(self, &read, &[0x6982]);
        }
        if self.link.open(0, 0, 0) {
            refused(self, receive_script.as_bytes(), &[0x6982]);
            self.link.select();
        }
    }

    /// What the card remembers, looked at anew.
    pub fn memory(&self) -> Persistent<RamNvm> {
        Persistent::open(self.link.card.nvm().clone())
    }
}

/// What the policy's bit 0 is about (`[POL-1]`).
fn is_for_shops(header: &[u8; 4], data: &[u8]) -> bool {
    match header {
        [0x00, 0x20, ..] => !data.is_empty(),
        [0x00, 0x2C, 0x02, _] | [0x80, 0x22, 0x02, _] => true,
        [0x80, 0x20 | 0x30 | 0x32 | 0x34 | 0x36, ..] => true,
        _ => false,
    }
}
