//! The emulated card refuses mainnet inside a channel too, where only the card reads ISSUE.

use std::io;

use crate::support::contacts::Contacts;
use crate::support::driver::{self, Driver};
use crate::support::owner::issue_for;
use crate::support::program::Emulator;
use p256::SecretKey;
use tillcard_protocol::command::{Apdu, CardKey, GenerateKey, GetData, Network, Select};
use tillcard_testkit::card::Reader;
use tillcard_testkit::channel::Client;

impl Reader for driver::Card {
    fn transmit(&mut self, apdu: &[u8]) -> Vec<u8> {
        self.exchange(apdu).unwrap()
    }

    fn reset(&mut self) {
        unreachable!("these tests don't reset")
    }
}

/// The status word for a network that the card doesn't know.
const INCORRECT_DATA: u16 = 0x6A80;

/// Opens a channel by the certificate that the card gives, and has it make a key.
fn open(card: &mut driver::Card) -> Client {
    card.done(&Select::to_apdu());
    let certificates = card.done(&GetData::Certificates(CardKey::Agreement).to_apdu());
    // An uncompressed point of 65 bytes in a bit string: the card's certificate is the last.
    let marker = [0x03, 0x42, 0x00, 0x04];
    let at = certificates
        .windows(4)
        .rposition(|bytes| bytes == marker)
        .unwrap();
    let agreement_key = certificates[at + 3..][..65].to_vec();
    let ephemeral = SecretKey::from_slice(&[7; 32]).unwrap();
    let mut client = Client::open(card, &ephemeral, &agreement_key);
    let generated = send(&mut client, card, &GenerateKey::to_apdu());
    assert_eq!(generated.unwrap(), 0x9000);
    client
}

/// A plain command's header and data field, inside the channel.
fn send(client: &mut Client, card: &mut driver::Card, command: &Apdu) -> io::Result<u16> {
    let (header, rest) = command.as_bytes().split_first_chunk::<4>().unwrap();
    let data = match rest {
        [length, data @ ..] if data.len() > 1 => &data[..usize::from(*length)],
        _ => &[],
    };
    let protected = client.protect(*header, data);
    let mut answer = card.exchange(&protected)?;
    let status = answer.split_off(answer.len() - 2);
    Ok(u16::from_be_bytes([status[0], status[1]]))
}

#[test]
fn the_card_itself_refuses_mainnet_where_nobody_else_reads_the_command() {
    let (home, reader) = (tempfile::tempdir().unwrap(), Driver::new());
    let _emulator = Emulator::in_reader(home.path(), &reader, &[]);
    let mut card = reader.insert();
    let mut client = open(&mut card);
    let issue = issue_for(Network::Mainnet);
    assert_eq!(
        send(&mut client, &mut card, &issue).unwrap(),
        INCORRECT_DATA
    );

    // The channel goes on, and the card is as new for other networks.
    let generated = send(&mut client, &mut card, &GenerateKey::to_apdu());
    assert_eq!(generated.unwrap(), 0x9000);
    let issue = issue_for(Network::Regtest);
    assert_eq!(send(&mut client, &mut card, &issue).unwrap(), 0x9000);
}

#[test]
fn who_wants_mainnet_gets_it() {
    let (home, reader) = (tempfile::tempdir().unwrap(), Driver::new());
    let _emulator = Emulator::in_reader(home.path(), &reader, &["--mainnet"]);
    let mut card = reader.insert();
    let mut client = open(&mut card);
    let issue = issue_for(Network::Mainnet);
    assert_eq!(send(&mut client, &mut card, &issue).unwrap(), 0x9000);
}
