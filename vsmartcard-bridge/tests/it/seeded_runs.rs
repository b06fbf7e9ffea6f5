//! The same seed makes the same run, byte for byte: what is answered, and what is left in the card's
//! memory, in process and through PC/SC.

use p256::SecretKey;
use tillcard_emu::CardInSlot;
use tillcard_emu::layers::faults::Fault;
use tillcard_emu::pcsc_socket::PcscSocket;
use tillcard_emu::slot::Snapshot;
use tillcard_emu::test_cards::TestCard;
use tillcard_protocol::command::{Apdu, CardKey, GetData, Select};
use tillcard_testkit::card::{Reader, send};
use tillcard_testkit::channel::Client;

use crate::support::owner::{pay, verify};
use crate::support::pcsc_client::{LEAVE, PcscClient, SHARED};

const REPEATS: usize = 10;
const READER: &str = "Counter 1";

/// All answers of a run, and the card's memory after it.
#[derive(PartialEq)]
struct Run {
    answers: Vec<Vec<u8>>,
    memory: Snapshot,
}

/// A way to a card, and what came along it.
struct Heard<T> {
    transmit: T,
    answers: Vec<Vec<u8>>,
}

impl<T: FnMut(&[u8]) -> Vec<u8>> Reader for Heard<T> {
    fn transmit(&mut self, apdu: &[u8]) -> Vec<u8> {
        let answer = (self.transmit)(apdu);
        self.answers.push(answer.clone());
        answer
    }

    fn reset(&mut self) {
        unreachable!("this run doesn't reset")
    }
}

/// The card, whose first status is random bytes.
fn card(seed: u64) -> TestCard {
    let card = TestCard::named("ok", seed).unwrap();
    let fault = r#"{"command": "GET DATA", "number": 1, "effect": "garbage"}"#;
    let fault: Fault = serde_json::from_str(fault).unwrap();
    card.faults.set(fault);
    card
}

/// A client with a key of its own that is the same each time pays inside a channel.
fn play(transmit: impl FnMut(&[u8]) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut card = Heard {
        transmit,
        answers: Vec::new(),
    };
    send(&mut card, Select::to_apdu().as_bytes());
    card.transmit(GetData::Status.to_apdu().as_bytes());
    let certificates = GetData::Certificates(CardKey::Agreement).to_apdu();
    let (certificates, _) = send(&mut card, certificates.as_bytes());
    // An uncompressed point of 65 bytes in a bit string: the card's certificate is the last.
    let marker = [0x03, 0x42, 0x00, 0x04];
    let mut places = certificates.windows(4);
    let at = places.rposition(|bytes| bytes == marker).unwrap();
    let agreement_key = &certificates[at + 3..][..65];
    let ephemeral = SecretKey::from_slice(&[7; 32]).unwrap();
    let mut client = Client::open(&mut card, &ephemeral, agreement_key);
    for command in [verify("271828"), pay(21_000)] {
        let (header, data) = parts(&command);
        let (_, status) = client.send(&mut card, header, data);
        assert_eq!(status, 0x9000);
    }
    card.answers
}

/// A short command's header and data field.
fn parts(command: &Apdu) -> ([u8; 4], &[u8]) {
    let (header, rest) = command.as_bytes().split_first_chunk().unwrap();
    (*header, &rest[1..][..usize::from(rest[0])])
}

fn in_process(seed: u64) -> Run {
    let mut card = card(seed).card;
    card.power_on().unwrap();
    let answers = play(|apdu| card.transmit(apdu).unwrap().to_vec());
    let memory = card.snapshot().unwrap();
    Run { answers, memory }
}

fn through_pcsc(seed: u64) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let socket = PcscSocket::open(&folder.path().join("pcscd.comm")).unwrap();
    socket.add_reader(READER).unwrap();
    socket.insert(READER, card(seed).card).unwrap();
    let mut client = PcscClient::new(socket.path(), 4);
    let handle = client.connect(READER, SHARED).unwrap();
    let answers = play(|apdu| client.transmit(handle, apdu).unwrap());
    assert_eq!(client.disconnect(handle, LEAVE), 0);
    let mut card = socket.remove(READER).unwrap().unwrap();
    let memory = card.snapshot().unwrap();
    Run { answers, memory }
}

#[test]
fn a_seed_makes_one_run_whatever_the_way() {
    let first = in_process(1);
    for repeat in 0..REPEATS {
        assert!(in_process(1) == first, "in process, {repeat}");
        assert!(through_pcsc(1) == first, "through PC/SC, {repeat}");
    }
    let other = in_process(2);
    assert!(other.memory != first.memory && other.answers != first.answers);
}
