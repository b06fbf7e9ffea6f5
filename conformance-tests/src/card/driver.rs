//! The driver of a Tillcard.

use super::forms::TillcardForms;
use super::samples::samples;
use super::{AID, Card, Entry, PAY, PREVIEW, VERIFY};
use crate::apdu::{Answer, Command, LE_SHORT};
use crate::card_under_test::{Fault, Reset};
use crate::driver::{Driver, Field, Presented};
use crate::forms::{FollowUp, Forms, Sample};
use crate::model::{Pin, Request, payee};
use crate::outcome::Step;
use crate::status::Sw;
use crate::tx::{funding, preimage, raw, txid};
use crate::values::Values;

/// PIN tries, section 4.
const TRIES: u8 = 3;
/// What a payment of as many inputs as there can be leaves for its fee, in sat.
const FEES: u64 = 20_000;

/// A payment of this amount, for commands that stand for many.
fn request(amount: u64, identity: [u8; 16]) -> Request {
    Request {
        amount,
        rate: 1_000,
        payee: payee::p2wpkh([0x5A; 20]),
        unrooted: false,
        identity,
        merchant: Vec::new(),
        invoice: Vec::new(),
    }
}

fn sample_request(values: &Values) -> Request {
    request(10_000, values.bytes("sample payment"))
}

impl Driver for Card {
    fn transmit(&mut self, apdu: &[u8]) -> Step<Answer> {
        self.raw(apdu)
    }

    fn atr(&self) -> Vec<u8> {
        Self::atr(self)
    }

    fn reset(&mut self, how: Reset) -> Step<()> {
        Self::reset(self, how)
    }

    fn introduction(&mut self) -> Step<Vec<u8>> {
        self.select_fci()
    }

    fn short_questions(&self) -> Vec<(String, Command)> {
        vec![
            (
                "GET DATA".to_owned(),
                Command::new([0x00, 0xCA, 0x01, 0x01]),
            ),
            (
                "SELECT".to_owned(),
                Command::new([0x00, 0xA4, 0x04, 0x00]).data(AID),
            ),
        ]
    }

    fn long_question(&mut self) -> Step<Command> {
        // As many inputs as a payment can have.
        let candidates = self.host()?.purse.candidates();
        let most = usize::from(self.host()?.capabilities.inputs);
        let sum: u64 = candidates.iter().take(most).map(|coin| coin.amount).sum();
        let request = request(sum.saturating_sub(FEES), [0x5A; 16]);
        self.plan(&request)?;
        self.authorise()?;
        Ok(Command::new(PREVIEW).data(request.encode()))
    }

    fn harmless_commands(&self) -> Vec<(&'static str, Vec<u8>)> {
        let commands: [(&str, &[u8]); 11] = [
            ("GET DATA", &[0x00, 0xCA, 0x01, 0x00, 0x00]),
            ("a GET RESPONSE with P2 01", &[0x00, 0xC0, 0x00, 0x01, 0x00]),
            (
                "a GET RESPONSE with data",
                &[0x00, 0xC0, 0x00, 0x00, 0x01, 0xAA, 0x00],
            ),
            ("a refused GET DATA", &[0x00, 0xCA, 0x02, 0x00, 0x00]),
            ("GENERATE", &[0x00, 0x46, 0x00, 0x00, 0x00]),
            ("VERIFY without data", &[0x00, 0x20, 0x00, 0x80]),
            ("an unknown instruction", &[0x80, 0xFE, 0x00, 0x00]),
            ("another logical channel", &[0x01, 0xCA, 0x01, 0x00]),
            ("command chaining", &[0x10, 0xCA, 0x01, 0x00]),
            ("an unknown class", &[0xA0, 0xCA, 0x01, 0x00]),
            (
                "a refused SELECT",
                &[0x00, 0xA4, 0x04, 0x00, 0x05, 1, 2, 3, 4, 5],
            ),
        ];
        let owned = |(name, apdu): (&'static str, &[u8])| (name, apdu.to_vec());
        commands.into_iter().map(owned).collect()
    }

    fn forms(&mut self) -> Step<Box<dyn Forms>> {
        Ok(Box::new(TillcardForms(self.capabilities()?)))
    }

    fn samples(&self, values: &Values) -> Step<Vec<Sample>> {
        samples(values, &sample_request(values))
    }

    fn selecting(&self) -> Command {
        Command::new([0x00, 0xA4, 0x04, 0x0C]).data(AID)
    }

    fn session(&mut self, values: &Values) -> Step<Vec<Vec<u8>>> {
        let mut stream = values.stream("session");
        let index = self.host()?.purse.next_receive();
        let (entry, transaction) = self.coin_at(&mut stream, 20_000, index)?;
        let body = entry.body();
        // Over a challenge that the card never gave: a changed byte can't make it valid.
        let signature = self.owner_signature(&stream.bytes(), Entry::BEGIN, &body)?;
        let commands = [
            Command::new([0x00, 0xA4, 0x04, 0x00])
                .data(AID)
                .le(LE_SHORT),
            Command::new([0x00, 0xCA, 0x01, 0x00]).le(LE_SHORT),
            Command::new([0x00, 0xCA, 0x01, 0x01]),
            Command::new([0x00, 0xC0, 0, 0]).le(LE_SHORT),
            Command::new([0x00, 0x46, 0, 0]).le(LE_SHORT),
            Command::new([0x80, 0x10, 0, 0]).data(self.host()?.profile.encode()),
            Command::new(VERIFY).data(self.right_block()?),
            Command::new([0x80, 0x20, 0, 0]).le(LE_SHORT),
            Command::new([0x00, 0x84, 0, 0]).le(16),
            Command::new(Entry::BEGIN).data(Self::signed(&body, &signature)),
            Command::new(Entry::PIECE).data(&transaction[..20]),
            Command::new(Entry::PIECE).data(raw::LOCK_TIME),
            Command::new(PREVIEW)
                .data(sample_request(values).encode())
                .le(LE_SHORT),
        ];
        let samples = Driver::samples(self, values)?;
        (commands.into_iter())
            .chain(samples.into_iter().map(|sample| sample.command))
            .filter(|command| command.header[1] != PAY[1])
            .map(|command| command.short())
            .collect()
    }

    /// The coin isn't one that could enter: its transaction has another script.
    fn occupy(&mut self, values: &Values) -> Step<Vec<FollowUp>> {
        self.authorise()?;
        let mut stream = values.stream("session");
        let transaction = funding(&mut stream, 1, &[(1_000, payee::p2tr([0x11; 32]))]);
        let body = Entry {
            txid: txid(&transaction),
            vout: 0,
            place: 0,
        }
        .body();
        let challenge = self.challenge()?;
        let signature = self.owner_signature(&challenge, Entry::BEGIN, &body)?;
        let begin = Command::new(Entry::BEGIN).data(Self::signed(&body, &signature));
        let mut all = vec![FollowUp {
            name: "ENTER COIN with the challenge of before",
            command: begin,
            sw: Sw::OK,
        }];
        all.extend(preimage(&transaction).chunks(10).map(|piece| FollowUp {
            name: "ENTER COIN, a piece",
            command: Command::new(Entry::PIECE).data(piece),
            sw: Sw::OK,
        }));
        if let Some(last) = all.last_mut() {
            last.sw = Sw::OTHER_SCRIPT;
        }
        Ok(all)
    }

    /// Pays four fifths of what it has.
    fn serve(&mut self) -> Step<()> {
        let amount = self.host()?.purse.available() / 5 * 4;
        self.pay_checked(&request(amount, [0xA5; 16])).map(drop)
    }

    fn expect_blank(&mut self, reason: &str) -> Step<()> {
        self.expect_factory(reason)
    }

    fn nothing_left(&self) -> Sw {
        Sw::CONDITIONS
    }

    fn took_ns(&self) -> u64 {
        self.took_ns
    }

    fn restart(&mut self, how: Reset) -> Step<()> {
        self.reset(how)?;
        self.select()
    }

    fn reselect(&mut self) -> Step<()> {
        self.select()
    }

    fn most_tries(&self) -> u8 {
        TRIES
    }

    fn right_pin(&self) -> Step<Vec<u8>> {
        Ok(self.right_block()?.to_vec())
    }

    fn wrong_pins(&self) -> Step<Vec<Field>> {
        let pin = &self.host()?.profile.pin;
        let digits = pin.digits();
        let field = |name: String, digits: &[u8]| (name, Pin::new(digits).block().to_vec());
        let mut all: Vec<Field> = (0..digits.len())
            .map(|position| {
                let wrong = pin.with_wrong_digit(position);
                field(
                    format!("a wrong digit in position {position}"),
                    wrong.digits(),
                )
            })
            .collect();
        for length in 4..digits.len() {
            all.push(field(
                format!("the first {length} digits"),
                &digits[..length],
            ));
        }
        for more in 1..=4 {
            let longer = [digits, &vec![0; more]].concat();
            all.push(field(format!("{more} digits more"), &longer));
        }
        all.push(field("zeros".to_owned(), &vec![0; digits.len()]));
        Ok(all)
    }

    fn malformed_pins(&self) -> Step<Vec<Field>> {
        let pin = &self.host()?.profile.pin;
        let right = pin.block();
        let length = pin.digits().len() as u8;
        let with = |at: usize, byte: u8| {
            let mut block = right.to_vec();
            block[at] = byte;
            block
        };
        let mut all: Vec<Field> = Vec::new();
        for format in (0..=15).filter(|format| *format != 2) {
            all.push((format!("format {format}"), with(0, format << 4 | length)));
        }
        for other in (0..=15).filter(|other| *other != length) {
            all.push((format!("length {other}"), with(0, 0x20 | other)));
        }
        // The filler after eight digits is the last three bytes.
        for (at, byte) in [
            (5, 0x0F),
            (5, 0xF0),
            (6, 0x00),
            (7, 0xFE),
            (7, 0xEF),
            (7, 0x00),
        ] {
            all.push((format!("filler {byte:02X} in byte {at}"), with(at, byte)));
        }
        for (at, byte) in right.into_iter().enumerate().take(5).skip(1) {
            all.push((
                format!("digits above 9 in byte {at}"),
                with(at, byte | 0xAA),
            ));
            all.push((format!("filler in byte {at}"), with(at, byte | 0x0F)));
        }
        let mut ascii = pin.ascii();
        ascii.resize(right.len(), 0xFF);
        all.push(("ASCII".to_owned(), ascii));
        all.push(("backwards".to_owned(), right.into_iter().rev().collect()));
        all.push(("zeros".to_owned(), vec![0; 8]));
        all.push(("ones".to_owned(), vec![0xFF; 8]));
        Ok(all)
    }

    fn presenting(&self, field: &[u8]) -> Command {
        Command::new(VERIFY).data(field)
    }

    fn present(&mut self, field: &[u8]) -> Step<Presented> {
        let answer = self.verify(field)?;
        let sw = answer.sw;
        answer.want_bare(sw, "VERIFY")?;
        Ok(match sw {
            Sw::OK => Presented::Right,
            Sw::BLOCKED => Presented::Blocked,
            Sw(tries) if tries & 0xFFF0 == Sw::tries(0).0 => Presented::Wrong {
                left: (tries & 0x0F) as u8,
            },
            other => Presented::Refused(other),
        })
    }

    fn tries_left(&mut self) -> Step<u8> {
        self.tries()
    }

    fn holder_is_authorised(&mut self) -> Step<bool> {
        self.is_authorised()
    }

    fn something_else(&mut self) -> Step<()> {
        self.challenge_answer()?;
        self.generate_answer()?
            .want_bare(Sw::CONDITIONS, "GENERATE")
    }

    fn memory(&mut self) -> Step<Vec<u8>> {
        Self::memory(self)
    }

    fn set_memory(&mut self, memory: &[u8]) -> Step<()> {
        self.inject(&Fault::Memory(memory.to_vec()))
    }

    fn cut_in(&mut self, command: &Command, bytes: u64) -> Step<Option<Answer>> {
        Self::cut_in(self, command, bytes)
    }

    fn cut_at_power_up(&mut self, bytes: u64) -> Step<bool> {
        Self::cut_at_power_up(self, bytes)
    }
}
