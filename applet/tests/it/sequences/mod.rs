//! Random commands to a card, each compared with the model.

mod coins;
mod owner;
mod till;

use bitcoin::{OutPoint, Transaction};
use std::collections::BTreeMap;
use tillcard_testkit::card::{Reader, SELECT, TestCard, apdu, fresh, objects, send};
use tillcard_testkit::oracle::model::Model;
use tillcard_testkit::oracle::owner::enter;
use tillcard_testkit::oracle::payment::{Request, Written};
use tillcard_testkit::oracle::random::Random;
use tillcard_testkit::oracle::wallet::{Limits, Place, Profile, Wallet};

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

    /// A sequence number that may be one of the log's.
    fn number(&mut self) -> u32 {
        self.random.below(u64::from(self.model.next_number) + 1) as u32
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
