//! What the owner sends: his log, limits, policy and keys.

use super::{LIMITS, Run};
use tillcard_testkit::card::{Reader, objects};
use tillcard_testkit::oracle::wallet::Limits;

impl<R: Reader> Run<'_, R> {
    pub(super) fn read_log(&mut self) {
        let number = self.number();
        let expected = self.model.read_log(number);
        let body = objects(&[(0x80, &number.to_be_bytes())]);
        let command = self.signed([0x80, 0x42, 0, 0], &body);
        self.expect_answer("READ LOG", &command, expected);
    }

    pub(super) fn acknowledge(&mut self) {
        let all = self.model.next_number;
        let (any, other) = (self.number(), self.number());
        let (seen, settled) = self
            .random
            .of(&[(any, other), (all, any), (all, 0), (all, all)]);
        let expected = self.model.acknowledge(seen, settled);
        let body = objects(&[(0x80, &seen.to_be_bytes()), (0x81, &settled.to_be_bytes())]);
        self.owner("ACKNOWLEDGE LOG", [0x80, 0x44, 0, 0], &body, expected);
    }

    pub(super) fn set_limits(&mut self) {
        let limits = Limits {
            per_payment: self.random.of(&[60_000, 20_000]),
            cumulative: self.random.of(&[30_000, 15_000]),
            ..LIMITS
        };
        let expected = self.model.set_limits(limits);
        let body = objects(&[(0x85, &limits.to_bytes())]);
        self.owner("SET LIMITS", [0x80, 0x46, 0, 0], &body, expected);
    }

    pub(super) fn reset_retry_counter(&mut self) {
        let name = "RESET RETRY COUNTER";
        let new = self.random.of(&[
            [0x24, 0x99, 0x99, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x2C, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0xFF],
        ]);
        let refused = self.model.require_shop_session().err();
        match self.random.below(4) {
            0 => {
                let malformed = [&new[..7], &[0xFE]].concat();
                let body = objects(&[(0x84, &malformed)]);
                let expected = refused.unwrap_or(0x6A80);
                self.owner(name, [0x00, 0x2C, 2, 0x80], &body, expected);
                // Once authority was found, it ends the holder's.
                self.model.holder = self.model.holder.take().filter(|_| refused.is_some());
            }
            1 => {
                let body = objects(&[(0x84, &new)]);
                let expected = refused.unwrap_or(0x9000);
                self.owner(name, [0x00, 0x2C, 2, 0x80], &body, expected);
                if refused.is_none() {
                    self.model.reset_retry_counter(Some(new));
                }
            }
            _ => {
                self.owner(name, [0x00, 0x2C, 3, 0x80], &[], 0x9000);
                self.model.reset_retry_counter(None);
            }
        }
    }

    pub(super) fn read_limits(&mut self) {
        let expected = objects(&[
            (0x85, &self.model.limits.to_bytes()),
            (0x86, &[self.model.policy]),
        ]);
        let command = self.signed([0x80, 0x4E, 0, 0], &[]);
        self.expect_answer("READ LIMITS", &command, Ok(expected));
    }

    pub(super) fn read_account(&mut self) {
        let answer = self.owner("READ ACCOUNT", [0x80, 0x50, 0, 0], &[], 0x9000);
        let account = self.model.wallet.account();
        let expected = objects(&[
            (0x80, &account.public_key.serialize()),
            (0x81, account.chain_code.as_bytes()),
        ]);
        assert_eq!(answer[..expected.len()], expected);
    }

    pub(super) fn set_policy(&mut self) {
        let policy = self.random.of(&[0, 1, 2, 3, 3, 4]);
        let expected = if policy < 4 { 0x9000 } else { 0x6A80 };
        let body = objects(&[(0x86, &[policy])]);
        self.owner("SET POLICY", [0x80, 0x52, 0, 0], &body, expected);
        if expected == 0x9000 {
            self.model.policy = policy;
        }
    }

    pub(super) fn resolve(&mut self) {
        let number = self.number();
        let expected = self.model.resolve(number);
        let body = objects(&[(0x80, &number.to_be_bytes())]);
        self.owner("RESOLVE", [0x80, 0x4A, 0, 0], &body, expected);
    }
}
