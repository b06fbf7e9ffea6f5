//! Has a card on this machine go through all that a card does, and writes down
//! each command and response, for the card on the Cortex-M4 to do the same.

use k256::schnorr::SigningKey;
use p256::SecretKey;
use std::path::Path;
use tillcard_applet::Response;
use tillcard_protocol::command::{
    AcknowledgeLog, AskStatement, BeginReading, CardKey, Certificate, EnterCoin, FactoryReset,
    GenerateCardKeys, GenerateKey, GetAncestor, GetChallenge, GetData, Issue, KeySource, Leaf,
    Limits, Network, Outpoint, OutputPayee, OwnerCommand, PIECE_MAX, Pay, PaymentRequest, Place,
    Preview, Previewed, ProveGenuine, PutData, ReadAccount, ReadCoins, ReadLimits, ReadLog,
    ReceiveScript, ReportAbsent, Resolve, SIGNING_INPUTS_MAX, SIGNING_OUTPUTS_MAX, Select,
    SetLimits, SetPolicy, Sign, SigningInput, SigningOutput, Source, Terminate, Unsigned, Verify,
};
use tillcard_protocol::session::Session;
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::card::TestCard;
use tillcard_testkit::channel::{Client, open_apdu};
use tillcard_testkit::host::{self, Bound, FIRST, HOST, LIMITS, POLICY, announced, split};

struct Recorder {
    card: TestCard,
    /// The till's side of a channel, when one is open.
    client: Option<Client>,
    script: Vec<u8>,
}

impl Recorder {
    /// A card with power on this memory.
    fn new(nvm: RamNvm, script: Vec<u8>) -> Self {
        let bytes = nvm.as_bytes();
        let end = bytes.iter().rposition(|byte| *byte != 0xFF);
        let written = bytes[..end.map_or(0, |at| at + 1)].to_vec();
        let mut recorder = Self {
            card: host::card(nvm),
            client: None,
            script,
        };
        recorder.script.push(0);
        recorder.put(&written);
        recorder
    }

    fn put(&mut self, bytes: &[u8]) {
        let length = u16::try_from(bytes.len()).expect("nothing is that long");
        self.script.extend(length.to_be_bytes());
        self.script.extend_from_slice(bytes);
    }

    /// One command, protected in a channel, and its answer.
    fn exchange(&mut self, command: &[u8]) -> Vec<u8> {
        self.measured("", command)
    }

    /// One whose instructions are told under a name.
    fn measured(&mut self, name: &str, command: &[u8]) -> Vec<u8> {
        let Some(client) = &mut self.client else {
            return self.bare(name, command);
        };
        let (header, data) = command.split_first_chunk().expect("a header");
        let data = match data {
            [length, data @ ..] => &data[..usize::from(*length).min(data.len())],
            [] => data,
        };
        let protected = client.protect(*header, data);
        let answer = self.bare(name, &protected);
        let client = self.client.as_ref().expect("it is open");
        client.unprotect(&answer, 0x9000).expect("the MAC is right")
    }

    fn bare(&mut self, name: &str, command: &[u8]) -> Vec<u8> {
        let mut answer = Vec::new();
        let mut command = command.to_vec();
        loop {
            let mut response = Response::new();
            self.card.transmit(&command, &mut response);
            self.script.push(1);
            self.put(name.as_bytes());
            self.put(&command);
            self.put(&response);
            let (data, status) = split(&response);
            answer.extend_from_slice(data);
            match status {
                [0x61, left] => command = vec![0x00, 0xC0, 0x00, 0x00, left],
                [0x90, 0x00] => return answer,
                _ => panic!("{status:02X?} to {command:02X?}"),
            }
        }
    }

    /// Opens a channel.
    fn open(&mut self) {
        let ephemeral = SecretKey::from_slice(&[0x5A; 32]).expect("a key");
        let answer = self.bare("opening", &open_apdu(&ephemeral));
        let agreement_key = &HOST.card_keys.agreement_key;
        self.client = Client::agreed(&ephemeral, agreement_key, &answer);
        assert!(self.client.is_some(), "the receipt is right");
    }

    fn owner<C: OwnerCommand>(&mut self, command: &C) -> Vec<u8> {
        let challenge = self.exchange(GetChallenge::to_apdu().as_bytes());
        let bound = Bound {
            account: FIRST,
            session: self
                .client
                .as_ref()
                .map_or(Session::Plain, |client| Session::Channel(client.receipt)),
        };
        self.exchange(&HOST.command(bound, &challenge, command))
    }

    fn enter(&mut self, index: u32, amount: u64, credit: bool) {
        let place = Place::receive(index);
        let transaction = HOST.transaction(FIRST, place, amount, index as u8);
        let announced = announced(&transaction, place);
        if credit {
            self.exchange(Verify::to_apdu(&HOST.pin).as_bytes());
            self.exchange(EnterCoin::credit(&announced).as_bytes());
        } else {
            self.owner(&announced);
        }
        for piece in transaction.chunks(PIECE_MAX) {
            self.exchange(EnterCoin::piece(piece).expect("it fits").as_bytes());
        }
    }
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../src");
    println!(
        "cargo::rustc-link-arg=-T{}/link.x",
        env!("CARGO_MANIFEST_DIR")
    );
    println!("cargo::rerun-if-changed=link.x");
    // What a shop does is done twice by the same card, plainly and in a channel.
    let script = [false, true].into_iter().fold(payments(issuing()), shop);
    let script = endings(script);
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("script"), script).expect("it can be written");
}

fn issuing() -> Vec<u8> {
    let mut recorder = Recorder::new(RamNvm::default(), Vec::new());
    recorder.exchange(Select::to_apdu().as_bytes());
    recorder.exchange(GenerateCardKeys::to_apdu().as_bytes());
    let piece = [0x30; Certificate::PIECE_MAX];
    for certificate in Certificate::ALL {
        for number in 0..Certificate::PIECES - 1 {
            let put = PutData::Piece {
                certificate,
                number,
                bytes: &piece,
            };
            recorder.exchange(put.to_apdu().expect("it fits").as_bytes());
        }
    }
    recorder.exchange(PutData::End.to_apdu().expect("it fits").as_bytes());
    recorder.exchange(
        GetData::Certificates(CardKey::Agreement)
            .to_apdu()
            .as_bytes(),
    );
    recorder.exchange(GenerateKey::to_apdu().as_bytes());
    let key = |byte| SigningKey::from_slice(&[byte; 32]).expect("a key");
    let owner = key(0x11).verifying_key().to_bytes().into();
    let leaf = Leaf::Delayed {
        blocks: 144,
        key: key(0x22).verifying_key().to_bytes().into(),
    };
    let source = KeySource::Made(&[0x33; 32]);
    let network = Network::Regtest;
    let issue = Issue::new(network, source, &owner, leaf, &HOST.pin, LIMITS, POLICY);
    recorder.exchange(issue.to_apdu().as_bytes());
    recorder.script
}

fn payments(script: Vec<u8>) -> Vec<u8> {
    let mut recorder = Recorder::new(HOST.funded.clone(), script);
    recorder.exchange(Select::to_apdu().as_bytes());
    recorder.exchange(GetData::Status.to_apdu().as_bytes());
    recorder.exchange(GetData::Capabilities.to_apdu().as_bytes());
    let limits = Limits {
        per_payment: 1_000_000,
        cumulative: 2_000_000,
        ..LIMITS
    };
    recorder.owner(&SetLimits(limits));
    for index in 6..22 {
        recorder.enter(index, 12_000, false);
    }
    recorder.enter(22, 5_000, true);
    recorder.exchange(Verify::to_apdu(&HOST.pin).as_bytes());
    recorder.exchange(ReceiveScript::to_apdu().as_bytes());
    let payee = [&[0x51, 0x20][..], &[7; 32]].concat();
    // More than the fifteen largest coins.
    let sixteen = PaymentRequest {
        amount: 475_000,
        fee_rate: 1_000,
        payee_script: &payee,
        source: Source::Rooted,
        identity: [1; 16],
        merchant: b"12345678901234567890123456789012",
        invoice: Some(&[9; 32]),
    };
    let preview = |recorder: &mut Recorder, request| {
        recorder.exchange(Preview::to_apdu(request).expect("it fits").as_bytes())
    };
    let pay = |recorder: &mut Recorder, request| {
        recorder.exchange(Pay::to_apdu(request).expect("it fits").as_bytes())
    };
    let offer = preview(&mut recorder, sixteen);
    let offered = Previewed::parse(&offer).expect("a preview").outpoints;
    assert_eq!(offered.count(), 16);
    pay(&mut recorder, sixteen);
    pay(&mut recorder, sixteen);
    // Out of the change of that one.
    let small = PaymentRequest {
        amount: 61_000,
        identity: [2; 16],
        ..sixteen
    };
    recorder.exchange(Verify::to_apdu(&HOST.pin).as_bytes());
    let offer = preview(&mut recorder, small);
    let mut offered = Previewed::parse(&offer).expect("a preview").outpoints;
    let maker = offered
        .find(|coin| coin.vout == 0)
        .expect("the change is offered")
        .txid;
    recorder.exchange(GetAncestor(maker).to_apdu().as_bytes());
    let first = Previewed::parse(&offer)
        .expect("a preview")
        .outpoints
        .next();
    recorder.exchange(ReportAbsent(first.expect("a coin")).to_apdu().as_bytes());
    let smaller = PaymentRequest {
        amount: 5_000,
        identity: [3; 16],
        ..sixteen
    };
    recorder.exchange(Verify::to_apdu(&HOST.pin).as_bytes());
    pay(&mut recorder, smaller);
    recorder.owner(&ReadLog(0));
    recorder.owner(&BeginReading);
    recorder.exchange(ReadCoins::next().as_bytes());
    recorder.owner(&Resolve(1));
    recorder.owner(&AcknowledgeLog {
        seen: 2,
        settled: 0,
    });
    recorder.owner(&ReadLimits);
    recorder.owner(&ReadAccount);
    sign(&mut recorder);
    recorder.script
}

/// What a shop has a card do.
fn shop(script: Vec<u8>, in_channel: bool) -> Vec<u8> {
    let mut recorder = Recorder::new(HOST.funded.clone(), script);
    recorder.exchange(Select::to_apdu().as_bytes());
    if in_channel {
        recorder.open();
    }
    let request = PaymentRequest {
        amount: 61_000,
        fee_rate: 1_000,
        payee_script: &[&[0x00, 0x14][..], &[7; 20]].concat(),
        source: Source::Rooted,
        identity: [1; 16],
        merchant: b"Dairy",
        invoice: None,
    };
    let kind = if in_channel { "protected" } else { "plain" };
    let mut measured = |name: &str, apdu: &[u8]| recorder.measured(&format!("{kind} {name}"), apdu);
    measured("GET DATA", GetData::Status.to_apdu().as_bytes());
    let challenge = &[9; 32];
    measured("GENUINE", ProveGenuine { challenge }.to_apdu().as_bytes());
    measured("VERIFY", Verify::to_apdu(&HOST.pin).as_bytes());
    measured(
        "PREVIEW",
        Preview::to_apdu(request).expect("it fits").as_bytes(),
    );
    let transaction = measured("PAY", Pay::to_apdu(request).expect("it fits").as_bytes());
    let ask = AskStatement {
        nonce: [9; 32],
        txid: txid(&transaction),
    };
    measured("STATEMENT", ask.to_apdu().as_bytes());
    if in_channel {
        recorder.owner(&SetPolicy::new(POLICY));
        recorder.owner(&FactoryReset);
    }
    recorder.script
}

/// Of a transaction with one input and two outputs.
fn txid(transaction: &[u8]) -> [u8; 32] {
    // Version, marker and flag before; count and length of a witness, a signature, lock
    // time behind.
    let (version, rest) = transaction.split_at(4);
    let (body, rest) = rest[2..].split_at(rest.len() - 2 - 66 - 4);
    host::double_sha256(&[version, body, &rest[66..]].concat())
}

fn endings(script: Vec<u8>) -> Vec<u8> {
    let mut recorder = Recorder::new(HOST.funded.clone(), script);
    recorder.exchange(Select::to_apdu().as_bytes());
    recorder.owner(&FactoryReset);
    let mut recorder = Recorder::new(HOST.funded.clone(), recorder.script);
    recorder.exchange(Select::to_apdu().as_bytes());
    recorder.owner(&Terminate);
    recorder.script
}

/// The largest transaction that the card signs for its owner.
fn sign(recorder: &mut Recorder) {
    let mut stream = Vec::new();
    for index in 0..SIGNING_INPUTS_MAX {
        let input = SigningInput {
            outpoint: Outpoint {
                txid: [index; 32],
                vout: 0,
            },
            sequence: 0xFFFF_FFFD,
            amount: 10_000,
            place: Place {
                chain: u32::from(index & 1),
                index: u32::from(index) * 30,
            },
        };
        stream.extend(input.to_bytes());
    }
    for index in 0..SIGNING_OUTPUTS_MAX {
        let payee = match index & 1 {
            0 => OutputPayee::Own(Place::change(u32::from(index / 8))),
            _ => OutputPayee::Other(&[0x51; 252]),
        };
        let output = SigningOutput {
            amount: 19_800,
            payee,
        };
        stream.extend(output.to_bytes().expect("it fits"));
    }
    let unsigned = Unsigned {
        version: 2,
        lock_time: 0,
        inputs: SIGNING_INPUTS_MAX,
        outputs: SIGNING_OUTPUTS_MAX,
        digest: {
            use sha2::Digest;
            sha2::Sha256::digest(&stream).into()
        },
    };
    recorder.owner(&unsigned);
    for piece in stream.chunks(PIECE_MAX) {
        recorder.exchange(Sign::piece(piece).expect("it fits").as_bytes());
    }
    for input in [0, 127] {
        recorder.exchange(Sign::input(input).as_bytes());
    }
}
