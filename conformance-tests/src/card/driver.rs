//! The driver of a Tillcard.

use super::{AID, Card, PREVIEW, VERIFY};
use crate::apdu::{Answer, Command};
use crate::card_under_test::{Fault, Reset};
use crate::driver::{Driver, Field, Presented};
use crate::model::{Pin, Request, payee};
use crate::outcome::Step;
use crate::status::Sw;

/// PIN tries, section 4.
const TRIES: u8 = 3;
/// What a payment of as many inputs as there can be leaves for its fee, in sat.
const FEES: u64 = 20_000;

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
        let request = Request {
            amount: sum.saturating_sub(FEES),
            rate: 1_000,
            payee: payee::p2wpkh([0x5A; 20]),
            unrooted: false,
            identity: [0x5A; 16],
            merchant: Vec::new(),
            invoice: Vec::new(),
        };
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
