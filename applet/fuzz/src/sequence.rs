//! Sessions with an issued and funded card. The input is a list of steps, each
//! its length in a byte, a byte that says what it is (see [`step`]), and operands.
//!
//! Whatever the steps are: no panic; no status word that the protocol doesn't
//! list; tries rise by the right PIN only; no signature without what must be
//! persistent before it.

use super::bytes::Bytes;
use super::host::{self, HOST, TestCard, announced, double_sha256, split};
use super::status::is_listed;
use super::step;
use tillcard_applet::command::{
    AcknowledgeLog, BeginReading, EnterCoin, GenerateKey, GetAncestor, GetChallenge, GetData,
    Limits, NewPin, Outpoint, OutputPayee, OwnerCommand, PIECE_MAX, Pay, PaymentRequest, Place,
    Preview, Previewed, ReadAccount, ReadCoins, ReadLimits, ReadLog, ReceiveScript, ReportAbsent,
    Resolve, SamePin, Select, SetLimits, Sign, SigningInput, SigningOutput, Source, Unsigned,
    Verify,
};
use tillcard_applet::journal::RECORD_MAX;
use tillcard_applet::persistent::Persistent;
use tillcard_applet::{Response, owner};

/// Longest run: what a longer input adds is done by a shorter one.
const MAX_STEPS: usize = 48;

/// What a run brought to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Payments that the card wrote, after PIN and preview.
    pub payments: u32,
    /// Payments given again.
    pub recoveries: u32,
    /// Ancestors given.
    pub ancestors: u32,
    /// Coins entered by the owner, and credits.
    pub entries: u32,
    pub credits: u32,
    /// Other owner commands.
    pub owner_commands: u32,
    /// Signatures for the owner.
    pub signatures: u32,
}

impl std::ops::AddAssign for Done {
    fn add_assign(&mut self, other: Self) {
        self.payments += other.payments;
        self.recoveries += other.recoveries;
        self.ancestors += other.ancestors;
        self.entries += other.entries;
        self.credits += other.credits;
        self.owner_commands += other.owner_commands;
        self.signatures += other.signatures;
    }
}

/// A run, from an issued and funded card.
pub fn run(input: &[u8]) -> Done {
    let mut session = Session::new();
    let mut bytes = Bytes::new(input);
    for _ in 0..MAX_STEPS {
        if bytes.is_empty() {
            break;
        }
        session.step(&mut bytes.step());
    }
    session.check_tries();
    session.done
}

/// What a payment asks for, as the steps say it.
#[derive(Clone, PartialEq, Eq)]
struct Request {
    amount: u64,
    fee_rate: u32,
    payee_script: Vec<u8>,
    source: Source,
    identity: [u8; 16],
    merchant: &'static [u8],
    invoice: Option<[u8; 32]>,
}

impl Request {
    fn borrow(&self) -> PaymentRequest<'_> {
        PaymentRequest {
            amount: self.amount,
            fee_rate: self.fee_rate,
            payee_script: &self.payee_script,
            source: self.source,
            identity: self.identity,
            merchant: self.merchant,
            invoice: self.invoice.as_ref(),
        }
    }
}

struct Session {
    card: TestCard,
    pin: [u8; 8],
    tries: u8,
    previewed: Option<Request>,
    last_request: Option<Request>,
    offered: Vec<Outpoint>,
    txids: Vec<[u8; 32]>,
    last_apdu: Vec<u8>,
    done: Done,
}

impl Session {
    fn new() -> Self {
        let mut session = Self {
            card: host::card(HOST.funded.clone()),
            pin: *HOST.pin.as_bytes(),
            tries: 3,
            previewed: None,
            last_request: None,
            offered: Vec::new(),
            txids: Vec::new(),
            last_apdu: Vec::new(),
            done: Done::default(),
        };
        session.send(Select::to_apdu().as_bytes());
        session
    }

    fn step(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.u8() % step::COUNT {
            step::RAW => {
                self.send(bytes.rest());
            }
            step::PIN => {
                self.send(Verify::to_apdu(&HOST.pin).as_bytes());
            }
            step::PIN_DATA => {
                let block = bytes.take(16);
                let header = [0x00, 0x20, 0x00, 0x80, block.len() as u8];
                self.send(&[&header[..], block].concat());
            }
            step::PREVIEW => self.preview(bytes),
            step::PAY => {
                let request = self.request(bytes);
                self.pay(request);
            }
            step::PAY_AGAIN => {
                if let Some(request) = self.last_request.clone() {
                    self.pay(request);
                }
            }
            step::ENTER => self.enter(bytes, false),
            step::CREDIT => self.enter(bytes, true),
            step::SIGNED_BYTES => self.signed_bytes(bytes),
            step::OWNER => self.owner_command(bytes),
            step::READ_ON => {
                self.send(ReadCoins::next().as_bytes());
            }
            step::SIGN => self.sign(bytes),
            step::REPORT_ABSENT => {
                let outpoint = bytes.u8();
                if let Some(outpoint) = self.offered.get(usize::from(outpoint)).copied() {
                    self.send(ReportAbsent(outpoint).to_apdu().as_bytes());
                }
            }
            step::GET_ANCESTOR => self.get_ancestor(bytes),
            step::RESET => {
                self.card.reset();
                self.check_tries();
                self.send(Select::to_apdu().as_bytes());
            }
            step::SELECT => {
                self.send(Select::to_apdu().as_bytes());
            }
            step::RECEIVE_SCRIPT => {
                self.send(ReceiveScript::to_apdu().as_bytes());
            }
            step::GET_DATA => {
                let object = bytes.one_of(&[GetData::Status, GetData::Capabilities]);
                self.send(object.to_apdu().as_bytes());
            }
            step::TRIES => {
                self.send(&[0x00, 0x20, 0x00, 0x80]);
            }
            step::ALTERED => {
                let at = usize::from(bytes.u8());
                let with = bytes.u8();
                let mut apdu = self.last_apdu.clone();
                if let Some(byte) = apdu.get_mut(at) {
                    *byte ^= with;
                }
                self.send(&apdu);
            }
            step::GENERATE => {
                self.send(GenerateKey::to_apdu().as_bytes());
            }
            step::CHALLENGE => {
                self.send(GetChallenge::to_apdu().as_bytes());
            }
            step::PIECE => {
                if let Ok(apdu) = EnterCoin::piece(bytes.rest()) {
                    self.send(apdu.as_bytes());
                }
            }
            step::PART => {
                self.transmit(bytes.rest());
            }
            _ => {
                let le = bytes.u8();
                self.transmit(&[0x00, 0xC0, 0x00, 0x00, le]);
            }
        }
    }

    fn request(&mut self, bytes: &mut Bytes<'_>) -> Request {
        let amount = u64::from(bytes.u16());
        let scale = bytes.one_of(&[1, 4, 64, 1 << 30, u64::MAX]);
        let fee_rate = bytes.one_of(&[1_000, 100, 99, 20_000, 100_000, u32::MAX]);
        let kind = bytes.u8();
        let hash = [bytes.u8(); 32];
        let payee_script = match kind % 8 {
            0 => [&[0x00, 0x14][..], &hash[..20]].concat(),
            1 => [&[0x51, 0x20][..], &hash].concat(),
            2 => [&[0x00, 0x20][..], &hash].concat(),
            3 => [&[0xA9, 0x14][..], &hash[..20], &[0x87]].concat(),
            4 => [&[0x76, 0xA9, 0x14][..], &hash[..20], &[0x88, 0xAC]].concat(),
            5 => vec![hash[0]; 30],
            chain => {
                let place = Place {
                    chain: u32::from(chain & 1),
                    index: hash[0].into(),
                };
                HOST.script(place).to_vec()
            }
        };
        let choices = bytes.u8();
        Request {
            amount: amount.wrapping_mul(scale),
            fee_rate,
            payee_script,
            source: if choices & 1 == 0 {
                Source::Rooted
            } else {
                Source::Unrooted
            },
            identity: [bytes.u8(); 16],
            merchant: [
                &b"Dairy"[..],
                b"",
                b"Milk\n",
                b"12345678901234567890123456789012",
            ][usize::from(choices >> 1 & 3)],
            invoice: (choices & 8 != 0).then_some([0x1F; 32]),
        }
    }

    fn preview(&mut self, bytes: &mut Bytes<'_>) {
        let request = self.request(bytes);
        let Ok(apdu) = Preview::to_apdu(request.borrow()) else {
            return;
        };
        let (answer, status) = self.send(apdu.as_bytes());
        if status == 0x9000 {
            let previewed = Previewed::parse(&answer).expect("a preview");
            assert_eq!(previewed.amount, request.amount);
            self.offered = previewed.outpoints.collect();
            assert!((1..=16).contains(&self.offered.len()));
            self.previewed = Some(request.clone());
        }
        self.last_request = Some(request);
    }

    fn pay(&mut self, request: Request) {
        let Ok(apdu) = Pay::to_apdu(request.borrow()) else {
            return;
        };
        let (answer, status) = self.send(apdu.as_bytes());
        if status == 0x9000 {
            let txid = self.check_payment(&answer);
            if self.txids.contains(&txid) {
                self.done.recoveries += 1;
            } else {
                self.txids.push(txid);
                self.done.payments += u32::from(self.previewed.as_ref() == Some(&request));
            }
        }
        self.previewed = None;
        self.last_request = Some(request);
    }

    /// A signature of a payment leaves when log, coins and counters say so, and
    /// the memory, looked at anew, does too.
    fn check_payment(&self, transaction: &[u8]) -> [u8; 32] {
        let stripped = strip(transaction);
        let txid = double_sha256(&stripped);
        let mut persistent = Persistent::open(self.card.nvm().clone());
        let tally = persistent.tally().expect("counters");
        let sequence = persistent
            .find_entry(&tally, |entry| entry.txid == txid)
            .expect("the log reads")
            .expect("a payment is in the log");
        let mut buffer = [0; RECORD_MAX];
        let entry = persistent
            .log_entry(sequence, &mut buffer)
            .expect("an entry");
        let mut sum = 0;
        for slot in entry.inputs.clone() {
            let coin = persistent
                .coin(slot, tally.log_first)
                .expect("the table reads");
            let coin = coin.expect("a coin that was spent is kept");
            assert_eq!(coin.spent, Some(sequence));
            assert!(persistent.is_retired(coin.place).expect("the marks read"));
            sum += coin.amount;
        }
        let change = entry.change.map_or(0, |change| change.amount);
        assert_eq!(sum, entry.amount + entry.fee + change);
        if sequence >= tally.counted_from && !persistent.given(sequence).expect("marks").cancelled {
            assert!(tally.debited >= entry.amount + entry.fee);
            assert!(tally.payments > 0);
        }
        txid
    }

    fn enter(&mut self, bytes: &mut Bytes<'_>, unrooted: bool) {
        let place = bytes.u8();
        let place = Place {
            chain: u32::from(place >> 7),
            index: u32::from(place & 0x7F),
        };
        let amount = u64::from(bytes.u16()) * bytes.one_of(&[1, 16, 1 << 40]);
        let transaction = HOST.transaction(place, amount, bytes.u8());
        let announced = announced(&transaction, place);
        let piece = usize::from(bytes.one_of(&[255u8, 40, 7]));
        let begin = if unrooted {
            EnterCoin::credit(&announced).as_bytes().to_vec()
        } else {
            HOST.owner_command(&mut self.card, &announced)
        };
        if self.send(&begin).1 != 0x9000 {
            return;
        }
        let mut status = 0;
        for piece in transaction.chunks(piece.min(PIECE_MAX)) {
            let apdu = EnterCoin::piece(piece).expect("it fits");
            status = self.send(apdu.as_bytes()).1;
            if status != 0x9000 {
                return;
            }
        }
        if status == 0x9000 {
            let mut persistent = Persistent::open(self.card.nvm().clone());
            let found = persistent.find_coin(&announced.txid, announced.vout);
            let (_, coin) = found.expect("the table reads").expect("the coin is in");
            assert_eq!(
                (coin.amount, coin.place, coin.unrooted),
                (amount, place, unrooted)
            );
            self.done.entries += u32::from(!unrooted);
            self.done.credits += u32::from(unrooted);
        }
    }

    /// Any bytes, signed by the owner.
    fn signed_bytes(&mut self, bytes: &mut Bytes<'_>) {
        let header = [0x80, bytes.u8(), bytes.u8(), bytes.u8()];
        let body = bytes.take(70);
        let signature = HOST.sign(&mut self.card, header, body);
        self.send(&signed_apdu(header, body, &signature));
    }

    fn owner_command(&mut self, bytes: &mut Bytes<'_>) {
        let card = &mut self.card;
        let kind = bytes.u8();
        let number = u32::from(bytes.u8());
        let apdu = match kind % 10 {
            0 => HOST.owner_command(card, &ReadLog(number)),
            1 => {
                let settled = number.saturating_sub(bytes.u8().into());
                HOST.owner_command(
                    card,
                    &AcknowledgeLog {
                        seen: number,
                        settled,
                    },
                )
            }
            2 => HOST.owner_command(card, &Resolve(number)),
            3 => HOST.owner_command(card, &BeginReading),
            4 => {
                let limits = Limits {
                    payments: number as u16,
                    per_payment: u64::from(bytes.u8()) << 12,
                    ..host::LIMITS
                };
                HOST.owner_command(card, &SetLimits(limits))
            }
            5 => HOST.owner_command(card, &ReadLimits),
            6 => HOST.owner_command(card, &ReadAccount),
            7 => HOST.change_key(card),
            8 => HOST.owner_command(card, &SamePin),
            _ => return self.new_pin(bytes),
        };
        let (_, status) = self.send(&apdu);
        if kind % 10 == 8 && status == 0x9000 {
            self.tries = 3;
        }
        self.done.owner_commands += u32::from(status == 0x9000);
    }

    /// RESET RETRY COUNTER with a block of these bytes, well formed or not.
    fn new_pin(&mut self, bytes: &mut Bytes<'_>) {
        let mut block = *HOST.pin.as_bytes();
        for byte in &mut block[1..] {
            *byte ^= bytes.u8();
        }
        let header = NewPin::HEADER;
        let body = [&[0x84, 0x08], &block[..]].concat();
        let signature = HOST.sign(&mut self.card, header, &body);
        let (_, status) = self.send(&signed_apdu(header, &body, &signature));
        if status == 0x9000 {
            self.tries = 3;
            self.pin = block;
            self.done.owner_commands += 1;
        }
    }

    fn sign(&mut self, bytes: &mut Bytes<'_>) {
        let inputs = usize::from(bytes.u8() % 6);
        let outputs = usize::from(bytes.u8() % 6);
        let mut places = Vec::new();
        let mut stream = Vec::new();
        for _ in 0..inputs {
            let place = bytes.u8();
            let place = Place {
                chain: u32::from(place >> 7),
                index: u32::from(place & 0x7F),
            };
            places.push(place);
            let input = SigningInput {
                outpoint: Outpoint {
                    txid: [bytes.u8(); 32],
                    vout: 1,
                },
                sequence: bytes.one_of(&[u32::MAX, 0xFFFF_FFFD, 0]),
                amount: u64::from(bytes.u16()) * bytes.one_of(&[1, 16, 1 << 40]),
                place,
            };
            stream.extend_from_slice(&input.to_bytes());
        }
        for _ in 0..outputs {
            let amount = u64::from(bytes.u16());
            let to = bytes.u8();
            let other = vec![to; usize::from(to)];
            let payee = if to & 1 == 0 {
                let index = u32::from(to >> 2);
                OutputPayee::Own(Place {
                    chain: u32::from(to >> 1 & 1),
                    index,
                })
            } else {
                OutputPayee::Other(&other)
            };
            if let Ok(output) = (SigningOutput { amount, payee }).to_bytes() {
                stream.extend_from_slice(&output);
            }
        }
        let choices = bytes.u8();
        let mut digest = sha256(&stream);
        digest[0] ^= choices >> 4 & 1;
        let unsigned = Unsigned {
            version: u32::from(choices & 3),
            lock_time: 0,
            inputs: inputs as u8,
            outputs: outputs as u8,
            digest,
        };
        let begin = HOST.owner_command(&mut self.card, &unsigned);
        if self.send(&begin).1 != 0x9000 {
            return;
        }
        let piece = if choices & 4 == 0 { PIECE_MAX } else { 11 };
        for piece in stream.chunks(piece) {
            let apdu = Sign::piece(piece).expect("it fits");
            if self.send(apdu.as_bytes()).1 != 0x9000 {
                return;
            }
        }
        for (input, place) in places.into_iter().enumerate() {
            let (answer, status) = self.send(Sign::input(input as u8).as_bytes());
            if status != 0x9000 {
                return;
            }
            assert_eq!(answer.len(), 64);
            let mut persistent = Persistent::open(self.card.nvm().clone());
            assert!(persistent.is_retired(place).expect("the marks read"));
            self.done.signatures += 1;
        }
    }

    fn get_ancestor(&mut self, bytes: &mut Bytes<'_>) {
        let number = usize::from(bytes.u8());
        if let Some(txid) = self.txids.get(number).copied() {
            let (answer, status) = self.send(GetAncestor(txid).to_apdu().as_bytes());
            if status == 0x9000 {
                assert_eq!(self.check_payment(&answer), txid);
                self.done.ancestors += 1;
            }
        }
    }

    /// One command and its whole answer.
    fn send(&mut self, apdu: &[u8]) -> (Vec<u8>, u16) {
        self.last_apdu = apdu.to_vec();
        let (mut answer, mut status) = self.transmit(apdu);
        while status >> 8 == 0x61 {
            let left = [0x00, 0xC0, 0x00, 0x00, status as u8];
            let (part, next) = self.transmit(&left);
            assert!(!part.is_empty(), "an answer has an end");
            answer.extend(part);
            status = next;
        }
        (answer, status)
    }

    fn transmit(&mut self, apdu: &[u8]) -> (Vec<u8>, u16) {
        let mut response = Response::new();
        self.card.transmit(apdu, &mut response);
        let (data, status) = split(&response);
        let status = u16::from_be_bytes(status);
        assert!(is_listed(status), "{status:04X} to {apdu:02X?}");
        // The memory does what it is asked to.
        assert_ne!(status, 0x6581, "{apdu:02X?}");
        assert!(data.is_empty() || status == 0x9000 || status >> 8 == 0x61);
        if apdu.starts_with(&[0x00, 0x20]) {
            self.check_verify(apdu, status);
        } else {
            assert!(status >> 4 != 0x63C && status != 0x6983, "{apdu:02X?}");
        }
        (data.to_vec(), status)
    }

    fn check_verify(&mut self, apdu: &[u8], status: u16) {
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

    fn check_tries(&self) {
        let mut persistent = Persistent::open(self.card.nvm().clone());
        assert_eq!(persistent.tries_left(), Ok(self.tries));
        let identity = persistent.identity().expect("keys stay");
        let account = identity.account;
        let id = owner::card_id(account.public_key(), account.chain_code());
        assert!(HOST.is_card(&id));
    }
}

/// An owner command in bytes.
fn signed_apdu(header: [u8; 4], body: &[u8], signature: &[u8; 64]) -> Vec<u8> {
    let length = (body.len() + 66) as u8;
    [&header[..], &[length], body, &[0x9E, 0x40], signature, &[0]].concat()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).into()
}

/// A transaction without marker, flag and witness. It came from the card, which
/// writes counts of one byte.
fn strip(transaction: &[u8]) -> Vec<u8> {
    let mut bytes = Bytes::new(transaction);
    let mut stripped = bytes.take(4).to_vec();
    assert_eq!(bytes.take(2), [0, 1]);
    let inputs = bytes.u8();
    stripped.push(inputs);
    stripped.extend_from_slice(bytes.take(41 * usize::from(inputs)));
    let outputs = bytes.u8();
    stripped.push(outputs);
    for _ in 0..outputs {
        stripped.extend_from_slice(bytes.take(8));
        let length = bytes.u8();
        stripped.push(length);
        stripped.extend_from_slice(bytes.take(length.into()));
    }
    for _ in 0..inputs {
        assert_eq!(bytes.take(2), [1, 64]);
        assert_eq!(bytes.take(64).len(), 64);
    }
    stripped.extend_from_slice(bytes.take(4));
    assert!(bytes.is_empty());
    stripped
}
