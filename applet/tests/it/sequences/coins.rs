//! Coins that enter, are read, and are signed away.

use super::Run;
use bitcoin::consensus::serialize;
use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Txid};
use tillcard_testkit::card::{Reader, apdu, objects};
use tillcard_testkit::oracle::choice::Coin;
use tillcard_testkit::oracle::model::announcement;
use tillcard_testkit::oracle::model::image::read_image;
use tillcard_testkit::oracle::owner::{Unsigned, funding, stream};
use tillcard_testkit::oracle::wallet::Place;

impl<R: Reader> Run<'_, R> {
    pub(super) fn enter(&mut self, credit: bool) {
        let name = if credit { "credit" } else { "ENTER COIN" };
        let random = &mut self.random;
        let (transaction, outpoint, place) = if !self.fundings.is_empty() && random.once_in(3) {
            self.fundings[random.below(self.fundings.len() as u64) as usize].clone()
        } else {
            let index = random.below(u64::from(self.model.next(0)) + 12) as u32;
            let change = random.below(u64::from(self.model.next(1)) + 1) as u32;
            let place = random.of(&[(0, index), (0, self.model.next(0)), (1, change)]);
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

    /// A transaction of some of the card's coins, spent ones and strangers too.
    pub(super) fn sign(&mut self) {
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
        let change = self.model.next(1) + random.below(3) as u32;
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

    pub(super) fn read_coins(&mut self) {
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
}
