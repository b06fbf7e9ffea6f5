//! Random commands to a card, each compared with the model.

#![allow(dead_code)] // Each test binary uses its part.

use crate::oracle::card::{Reader, SELECT, TestCard, apdu, fresh, objects, send};
use crate::oracle::choice::Coin;
use crate::oracle::model::{Model, announcement, read_image};
use crate::oracle::owner::{Unsigned, enter, funding, stream};
use crate::oracle::payment::{Request, Written, outpoint_bytes};
use crate::oracle::random::Random;
use crate::oracle::wallet::{Limits, Place, Profile, Wallet};
use bitcoin::consensus::serialize;
use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Transaction, Txid};
use std::collections::BTreeMap;

const LIMITS: Limits = Limits {
    per_payment: 60_000,
    cumulative: 30_000,
    payments: 4,
    fee_cap: 3_000,
    least_fee_rate: 500,
    highest_fee_rate: 20_000,
    least_coin: 1_000,
    without_pin_amount: 3_000,
    without_pin_payments: 2,
};

/// How often each status word was met, by command.
pub type Met = BTreeMap<(&'static str, u16), u32>;

/// Thirty commands to a card of its own, and all that its owner can read then.
/// `watch` puts something before the card once it is issued. Gives that back.
pub fn sequence<R: Reader>(
    seed: u64,
    met: &mut Met,
    watch: impl FnOnce(TestCard, &Wallet) -> R,
) -> R {
    let mut random = Random::new(seed);
    let profile = Profile::random(&mut random, LIMITS);
    let mut card = fresh(seed);
    let wallet = Wallet::issue(&mut card, &mut random, &profile);
    let card = watch(card, &wallet);
    let mut model = Model::new(&wallet, profile.limits);
    model.policy = profile.policy;
    model.in_channel = card.session() != [0];
    let mut run = Run {
        card,
        model,
        random,
        network: profile.network,
        requests: Vec::new(),
        fundings: Vec::new(),
        met: Met::new(),
    };
    for index in 0..run.random.below(5) as u32 {
        let amount = run.random.amount(5_000, 80_000);
        enter(
            &mut run.card,
            &mut run.model,
            &mut run.random,
            (0, index),
            amount,
        );
    }
    for step in 0..30 {
        let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.step()));
        assert!(said.is_ok(), "seed {seed}, step {step}");
    }
    run.read_all();
    for (key, count) in run.met {
        *met.entry(key).or_default() += count;
    }
    run.card
}

/// A sequence under way.
struct Run<'a, R> {
    card: R,
    model: Model<'a>,
    random: Random,
    network: u8,
    /// Requests that were made, to be made again.
    requests: Vec<Request>,
    /// Transactions that paid the card, to be entered again.
    fundings: Vec<(Transaction, OutPoint, Place)>,
    /// How often each status word was met, by command.
    met: Met,
}

impl<R: Reader> Run<'_, R> {
    fn step(&mut self) {
        // Mostly what leads somewhere, and else anything.
        let offered = !self.model.offered().is_empty();
        let holder = self.model.holder.is_some();
        match self.random.below(6) {
            0 | 1 if offered => return self.pay(),
            2 if offered => return self.report_absent(),
            3 | 4 if offered => return self.get_ancestor(),
            0 | 1 if holder => return self.preview(),
            2 if holder => return self.pay(),
            0..3 if !holder => return self.verify(),
            _ => {}
        }
        match self.random.below(40) {
            0..6 => self.verify(),
            6..10 => self.preview(),
            10..15 => self.pay(),
            15 => self.enter(false),
            16 => self.enter(true),
            17 | 18 => self.report_absent(),
            19 | 20 => self.get_ancestor(),
            21 => self.read_log(),
            22 | 23 => self.acknowledge(),
            24 => self.set_limits(),
            25 => self.resolve(),
            26 => self.sign(),
            27 => self.read_coins(),
            28 => self.receive_script(),
            29 => self.session(),
            30 => self.not_now(),
            31 | 32 => self.reset_retry_counter(),
            33 => self.read_limits(),
            34 => self.read_account(),
            35 => self.set_policy(),
            36..39 => self.statement(),
            _ => self.status(),
        }
    }

    /// Sends a command and compares its status word.
    #[track_caller]
    fn expect(&mut self, name: &'static str, apdu: &[u8], expected: u16) -> Vec<u8> {
        let (answer, status) = send(&mut self.card, apdu);
        assert_eq!(format!("{status:04X}"), format!("{expected:04X}"), "{name}");
        assert!(status == 0x9000 || answer.is_empty());
        *self.met.entry((name, status)).or_default() += 1;
        answer
    }

    #[track_caller]
    fn expect_answer(&mut self, name: &'static str, apdu: &[u8], expected: Result<Vec<u8>, u16>) {
        let status = expected.as_ref().map_or_else(|status| *status, |_| 0x9000);
        let answer = self.expect(name, apdu, status);
        assert_eq!(answer, expected.unwrap_or_default(), "{name}");
    }

    #[track_caller]
    fn expect_payment(&mut self, name: &'static str, apdu: &[u8], expected: Result<Written, u16>) {
        match expected {
            Err(status) => drop(self.expect(name, apdu, status)),
            Ok(written) => {
                let answer = self.expect(name, apdu, 0x9000);
                written.check_signed(self.model.wallet, &answer);
            }
        }
    }

    /// An owner command, authorised.
    fn signed(&mut self, header: [u8; 4], body: &[u8]) -> Vec<u8> {
        let challenge = self.expect(
            "GET CHALLENGE",
            &apdu([0x00, 0x84, 0, 0], &[], true),
            0x9000,
        );
        let session = self.card.session();
        self.model.wallet.signed(&session, &challenge, header, body)
    }

    #[track_caller]
    fn owner(
        &mut self,
        name: &'static str,
        header: [u8; 4],
        body: &[u8],
        expected: u16,
    ) -> Vec<u8> {
        let command = self.signed(header, body);
        self.expect(name, &command, expected)
    }

    fn verify(&mut self) {
        let right = self.model.pin;
        let data = match self.random.below(12) {
            0 => right[..7].to_vec(),
            1 => vec![0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            2 => {
                let expected = self.model.tries_left();
                self.expect("VERIFY", &[0x00, 0x20, 0x00, 0x80], expected);
                return;
            }
            _ => right.to_vec(),
        };
        let expected = self.model.verify(&data);
        self.expect(
            "VERIFY",
            &apdu([0x00, 0x20, 0x00, 0x80], &data, false),
            expected,
        );
    }

    /// A request: one that was made, or one like it, or a new one.
    fn request(&mut self) -> Request {
        let random = &mut self.random;
        let known = self.requests.last().cloned();
        let offered = !self.model.offered().is_empty();
        if let Some(known) = known
            && (offered || random.once_in(3))
        {
            let mut request = known;
            if random.once_in(3) {
                request = self.requests[random.below(self.requests.len() as u64) as usize].clone();
            }
            match random.below(20) {
                0 => request.amount += 1,
                1 => request.rate += 1,
                2 => request.merchant = b"Another".to_vec(),
                3 => request.unrooted = !request.unrooted,
                _ => {}
            }
            return request;
        }
        let hash = random.bytes::<32>();
        let places = [
            (0, 0),
            (0, self.model.next_receive),
            (1, self.model.next_change),
        ];
        let payee = match random.below(20) {
            0 => self.model.wallet.script(random.of(&places)),
            1 => ScriptBuf::from(vec![0x6A; 25]),
            2 => ScriptBuf::from([&[0x76, 0xA9, 0x14][..], &hash[..20], &[0x88, 0xAC]].concat()),
            3 => ScriptBuf::from([&[0xA9, 0x14][..], &hash[..20], &[0x87]].concat()),
            4..7 => ScriptBuf::from([&[0x51, 0x20][..], &hash].concat()),
            _ => ScriptBuf::from([&[0x00, 0x14][..], &hash[..20]].concat()),
        };
        let amount = random.amount(600, 30_000);
        Request {
            amount: random.of(&[
                amount, amount, amount, amount, amount, amount, 2_500, 300, 60_001,
            ]),
            rate: match random.below(20) {
                0 => 499,
                1 => 20_001,
                2 => 20_000,
                _ => 1_000,
            },
            payee,
            unrooted: random.once_in(8),
            identity: random.bytes(),
            merchant: if random.once_in(20) {
                b"Milk\x7F".to_vec()
            } else {
                b"Dairy".to_vec()
            },
            invoice: Vec::new(),
        }
    }

    fn preview(&mut self) {
        let request = self.request();
        let expected = self.model.preview(&request);
        let command = apdu([0x80, 0x32, 0, 0], &request.data(), true);
        self.expect_answer("PREVIEW", &command, expected);
        self.requests.push(request);
    }

    fn pay(&mut self) {
        let request = self.request();
        let kept = self.model.log.values().any(|kept| kept.request == request);
        let expected = self.model.pay(&request);
        let command = apdu([0x80, 0x30, 0, 0], &request.data(), true);
        let name = if kept { "PAY again" } else { "PAY" };
        self.expect_payment(name, &command, expected);
        self.requests.push(request);
    }

    fn enter(&mut self, credit: bool) {
        let name = if credit { "credit" } else { "ENTER COIN" };
        let random = &mut self.random;
        let (transaction, outpoint, place) = if !self.fundings.is_empty() && random.once_in(3) {
            self.fundings[random.below(self.fundings.len() as u64) as usize].clone()
        } else {
            let index = random.below(u64::from(self.model.next_receive) + 12) as u32;
            let change = random.below(u64::from(self.model.next_change) + 1) as u32;
            let place = random.of(&[(0, index), (0, self.model.next_receive), (1, change)]);
            let amount = random.amount(900, 40_000);
            let script = self.model.wallet.script(place);
            let (transaction, outpoint) = funding(random, &script, amount);
            // Sometimes it is said to be elsewhere.
            let place = random.of(&[place, place, place, (0, index)]);
            (transaction, outpoint, place)
        };
        let expected = self.model.begin_entry(&outpoint, place, credit);
        let body = announcement(&outpoint, place);
        if credit {
            self.expect(name, &apdu([0x80, 0x22, 2, 0], &body, false), expected);
        } else {
            self.owner(name, [0x80, 0x22, 0, 0], &body, expected);
        }
        if expected != 0x9000 {
            return;
        }
        let bytes = serialize(&transaction);
        if self.random.once_in(10) {
            // Interrupted.
            stream(&mut self.card, [0x80, 0x22, 1, 0], &bytes[..20]);
            self.status();
            self.expect(name, &apdu([0x80, 0x22, 1, 0], &bytes[20..], true), 0x6985);
            return;
        }
        let output = &transaction.output[outpoint.vout as usize];
        let output = (output.value.to_sat(), &output.script_pubkey);
        let expected = self.model.complete_entry(outpoint, place, credit, output);
        let (answer, status) = stream(&mut self.card, [0x80, 0x22, 1, 0], &bytes);
        assert_eq!(format!("{status:04X}"), format!("{expected:04X}"), "{name}");
        if status == 0x9000 {
            assert_eq!(answer, objects(&[(0x80, &output.0.to_be_bytes())]));
        }
        *self.met.entry((name, status)).or_default() += 1;
        self.fundings.push((transaction, outpoint, place));
    }

    fn report_absent(&mut self) {
        let mut outpoint = OutPoint::new(Txid::from_byte_array(self.random.bytes()), 0);
        let offered = self.model.offered();
        if !offered.is_empty() && !self.random.once_in(6) {
            outpoint = offered[self.random.below(offered.len() as u64) as usize];
        } else if !self.model.coins.is_empty() {
            outpoint = self.model.coins[0].outpoint;
        }
        let expected = self.model.report_absent(&outpoint);
        let data = objects(&[(0x80, &outpoint_bytes(&outpoint))]);
        self.expect(
            "REPORT ABSENT",
            &apdu([0x80, 0x34, 0, 0], &data, false),
            expected,
        );
    }

    fn get_ancestor(&mut self) {
        let mut txid = Txid::from_byte_array(self.random.bytes());
        let offered = self.model.offered();
        let kept: Vec<Txid> = self.model.log.values().map(|kept| kept.txid()).collect();
        match self.random.below(6) {
            0 => {}
            1 | 2 if !kept.is_empty() => {
                txid = kept[self.random.below(kept.len() as u64) as usize];
            }
            _ => {
                if let Some(outpoint) = offered.last() {
                    txid = outpoint.txid;
                }
            }
        }
        let expected = self.model.get_ancestor(&txid);
        let data = objects(&[(0x80, &txid.to_byte_array())]);
        self.expect_payment(
            "GET ANCESTOR",
            &apdu([0x80, 0x36, 0, 0], &data, true),
            expected,
        );
    }

    /// A sequence number that may be one of the log's.
    fn number(&mut self) -> u32 {
        self.random.below(u64::from(self.model.next_number) + 1) as u32
    }

    fn read_log(&mut self) {
        let number = self.number();
        let expected = self.model.read_log(number);
        let body = objects(&[(0x80, &number.to_be_bytes())]);
        let command = self.signed([0x80, 0x42, 0, 0], &body);
        self.expect_answer("READ LOG", &command, expected);
    }

    fn acknowledge(&mut self) {
        let all = self.model.next_number;
        let (any, other) = (self.number(), self.number());
        let (seen, settled) = self
            .random
            .of(&[(any, other), (all, any), (all, 0), (all, all)]);
        let expected = self.model.acknowledge(seen, settled);
        let body = objects(&[(0x80, &seen.to_be_bytes()), (0x81, &settled.to_be_bytes())]);
        self.owner("ACKNOWLEDGE LOG", [0x80, 0x44, 0, 0], &body, expected);
    }

    fn set_limits(&mut self) {
        let limits = Limits {
            per_payment: self.random.of(&[60_000, 20_000]),
            cumulative: self.random.of(&[30_000, 15_000]),
            ..LIMITS
        };
        let expected = self.model.set_limits(limits);
        let body = objects(&[(0x85, &limits.to_bytes())]);
        self.owner("SET LIMITS", [0x80, 0x46, 0, 0], &body, expected);
    }

    fn reset_retry_counter(&mut self) {
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

    fn read_limits(&mut self) {
        let expected = objects(&[
            (0x85, &self.model.limits.to_bytes()),
            (0x86, &[self.model.policy]),
        ]);
        let command = self.signed([0x80, 0x4E, 0, 0], &[]);
        self.expect_answer("READ LIMITS", &command, Ok(expected));
    }

    fn read_account(&mut self) {
        let answer = self.owner("READ ACCOUNT", [0x80, 0x50, 0, 0], &[], 0x9000);
        let account = self.model.wallet.account();
        let expected = objects(&[
            (0x80, &account.public_key.serialize()),
            (0x81, account.chain_code.as_bytes()),
        ]);
        assert_eq!(answer[..expected.len()], expected);
    }

    fn set_policy(&mut self) {
        let policy = self.random.of(&[0, 1, 2, 3, 3, 4]);
        let expected = if policy < 4 { 0x9000 } else { 0x6A80 };
        let body = objects(&[(0x86, &[policy])]);
        self.owner("SET POLICY", [0x80, 0x52, 0, 0], &body, expected);
        if expected == 0x9000 {
            self.model.policy = policy;
        }
    }

    fn statement(&mut self) {
        let payment = self.model.log.values().last();
        let txid = payment.map_or_else(Txid::all_zeros, |payment| payment.txid());
        let nonce = self.random.bytes::<32>();
        let expected = self.model.statement(&txid);
        let data = objects(&[(0x80, &nonce), (0x81, &txid.to_byte_array())]);
        let status = expected.as_ref().map_or_else(|status| *status, |_| 0x9000);
        let answer = self.expect("STATEMENT", &apdu([0x80, 0x54, 0, 0], &data, true), status);
        if let Ok(spent) = expected {
            let wallet = self.model.wallet;
            wallet.check_statement(&self.card.session(), &nonce, &txid, &spent, &answer);
        }
    }

    fn resolve(&mut self) {
        let number = self.number();
        let expected = self.model.resolve(number);
        let body = objects(&[(0x80, &number.to_be_bytes())]);
        self.owner("RESOLVE", [0x80, 0x4A, 0, 0], &body, expected);
    }

    /// A transaction of some of the card's coins, spent ones and strangers too.
    fn sign(&mut self) {
        let random = &mut self.random;
        let mut inputs: Vec<(OutPoint, u32, u64, Place)> = Vec::new();
        for coin in &self.model.coins {
            let Coin {
                outpoint,
                amount,
                place,
                ..
            } = *coin;
            if random.once_in(3) {
                inputs.push((outpoint, u32::MAX, amount, place));
            }
        }
        if inputs.is_empty() || random.once_in(4) {
            let outpoint = OutPoint::new(Txid::from_byte_array(random.bytes()), 1);
            inputs.push((outpoint, 0, 50_000, (0, random.below(20) as u32)));
        }
        let sum: u64 = inputs.iter().map(|(_, _, amount, _)| amount).sum();
        let change = self.model.next_change + random.below(3) as u32;
        let other = ScriptBuf::from(vec![0x51; 34]);
        let outputs = vec![
            (sum / 3, Err(other)),
            (sum - sum / 3 - 400, Ok((1, change))),
        ];
        let unsigned = Unsigned {
            version: 2,
            lock_time: 0,
            inputs,
            outputs,
        };
        let bytes = unsigned.stream();
        let mut body = unsigned.body(&bytes);
        let altered = random.once_in(8);
        if altered {
            *body.last_mut().unwrap() ^= 1;
        }
        self.owner("SIGN begins", [0x80, 0x40, 0, 0], &body, 0x9000);
        let (answer, status) = stream(&mut self.card, [0x80, 0x40, 1, 0], &bytes);
        let mut places = unsigned.inputs.iter().map(|(_, _, _, place)| place);
        if places.any(|place| self.model.pledged.contains(place)) {
            assert_eq!((answer, status), (Vec::new(), 0x9416));
            *self.met.entry(("SIGN pledged", status)).or_default() += 1;
            return;
        }
        if altered {
            assert_eq!((answer, status), (Vec::new(), 0x940A));
            self.expect("SIGN", &apdu([0x80, 0x40, 2, 0], &[], true), 0x6985);
            return;
        }
        assert_eq!((status, answer), (0x9000, unsigned.summary()));
        if self.random.once_in(4) {
            // Given up before anything was signed: nothing has changed.
            self.status();
            return;
        }
        let written = unsigned.written(self.model.wallet);
        for input in 0..unsigned.inputs.len() {
            let ask = apdu([0x80, 0x40, 2, input as u8], &[], true);
            let signature = self.expect("SIGN", &ask, 0x9000);
            written.check_signature(self.model.wallet, input, &signature);
        }
        let ask = apdu([0x80, 0x40, 2, unsigned.inputs.len() as u8], &[], true);
        self.expect("SIGN", &ask, 0x6A86);
        let spent: Vec<_> = unsigned
            .inputs
            .iter()
            .map(|(outpoint, _, _, place)| (*outpoint, *place))
            .collect();
        self.model.sign(&spent, Some(change));
    }

    fn read_coins(&mut self) {
        let mut image = self.owner("READ COINS", [0x80, 0x48, 0, 0], &[], 0x9000);
        loop {
            let part = self.expect("READ COINS", &apdu([0x80, 0x48, 1, 0], &[], true), 0x9000);
            if part.is_empty() {
                break;
            }
            image.extend(part);
        }
        self.expect("READ COINS", &apdu([0x80, 0x48, 1, 0], &[], true), 0x6985);
        assert_eq!(read_image(&image), Some(self.model.image()));
    }

    fn receive_script(&mut self) {
        let expected = self.model.receive_script();
        self.expect_answer(
            "RECEIVE SCRIPT",
            &apdu([0x80, 0x20, 0, 0], &[], true),
            expected,
        );
    }

    fn session(&mut self) {
        if self.random.once_in(2) {
            self.card.reset();
        }
        self.expect("SELECT", SELECT, 0x9000);
        self.model.begin_session();
    }

    /// What isn't possible in this state, or without authority, or at all.
    fn not_now(&mut self) {
        let random = &mut self.random;
        let (header, data, expected) = random.of(&[
            ([0x00, 0x46, 0, 0], &[][..], 0x6985),
            ([0x80, 0x22, 1, 0], &[0; 9], 0x6985),
            ([0x80, 0x40, 1, 0], &[0; 9], 0x6985),
            ([0x80, 0x40, 2, 0], &[], 0x6985),
            ([0x80, 0x48, 1, 0], &[], 0x6985),
            ([0x00, 0xC0, 0, 0], &[], 0x6985),
            ([0x80, 0x99, 0, 0], &[], 0x6D00),
            ([0x80, 0x30, 0, 1], &[], 0x6A86),
            ([0x80, 0x30, 0, 0], &[0; 9], 0x6700),
            ([0x81, 0x30, 0, 0], &[], 0x6881),
            ([0x00, 0xCA, 0x01, 0x02], &[], 0x6A88),
        ]);
        self.expect("not now", &apdu(header, data, true), expected);
        // Owner commands without a challenge of their own.
        let body = objects(&[(0x80, &[0; 4])]);
        let command =
            self.model
                .wallet
                .signed(&self.card.session(), &[0; 16], [0x80, 0x42, 0, 0], &body);
        self.expect("READ LOG", &command, 0x6982);
    }

    fn status(&mut self) {
        let expected = self.model.status(self.network);
        self.expect_answer("GET DATA", &[0x00, 0xCA, 0x01, 0x00, 0x00], Ok(expected));
    }

    /// At the end, all that the owner can read, after a reset.
    fn read_all(&mut self) {
        self.card.reset();
        self.expect("SELECT", SELECT, 0x9000);
        self.model.begin_session();
        self.status();
        self.read_coins();
        for number in 0..=self.model.next_number {
            let expected = self.model.read_log(number);
            let body = objects(&[(0x80, &number.to_be_bytes())]);
            let command = self.signed([0x80, 0x42, 0, 0], &body);
            self.expect_answer("READ LOG", &command, expected);
        }
    }
}
