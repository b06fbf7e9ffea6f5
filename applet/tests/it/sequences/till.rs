//! What a till sends: the PIN, payments, and what belongs to them.

use super::Run;
use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Txid};
use tillcard_testkit::card::{Reader, apdu, objects};
use tillcard_testkit::oracle::payment::{Request, outpoint_bytes};

impl<R: Reader> Run<'_, R> {
    pub(super) fn verify(&mut self) {
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
    pub(super) fn request(&mut self) -> Request {
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
        let places = [(0, 0), (0, self.model.next(0)), (1, self.model.next(1))];
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

    pub(super) fn preview(&mut self) {
        let request = self.request();
        let expected = self.model.preview(&request);
        let command = apdu([0x80, 0x32, 0, 0], &request.data(), true);
        self.expect_answer("PREVIEW", &command, expected);
        self.requests.push(request);
    }

    pub(super) fn pay(&mut self) {
        let request = self.request();
        let kept = self.model.log.values().any(|kept| kept.request == request);
        let expected = self.model.pay(&request);
        let command = apdu([0x80, 0x30, 0, 0], &request.data(), true);
        let name = if kept { "PAY again" } else { "PAY" };
        self.expect_payment(name, &command, expected);
        self.requests.push(request);
    }

    pub(super) fn report_absent(&mut self) {
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

    pub(super) fn get_ancestor(&mut self) {
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

    pub(super) fn receive_script(&mut self) {
        let expected = self.model.receive_script();
        self.expect_answer(
            "RECEIVE SCRIPT",
            &apdu([0x80, 0x20, 0, 0], &[], true),
            expected,
        );
    }

    pub(super) fn statement(&mut self) {
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
}
