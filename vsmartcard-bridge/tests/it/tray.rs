//! Cards put into readers, taken out, spoiled and saved, while programs use them.

use tillcard_emu::Reader;
use tillcard_emu::layers::Event;
use tillcard_emu::layers::faults::{Bytes, Effect, Fault};
use tillcard_emu::tray::{Tray, TrayError};
use tillcard_protocol::command::{Select, Verify};
use tillcard_protocol::pin::PinBlock;

use crate::support::pcsc_client::{PcscClient, SHARED};

const NOT_TRANSACTED: u32 = 0x8010_0016;
const REMOVED_CARD: u32 = 0x8010_0069;
const RESET_CARD: u32 = 0x8010_0068;

fn connected(reader: &Reader) -> (PcscClient, u32) {
    let mut client = PcscClient::new(reader.socket_path(), 4);
    let card = client.connect(reader.name(), SHARED).unwrap();
    (client, card)
}

fn tries_left(client: &mut PcscClient, card: u32) -> Vec<u8> {
    client.transmit(card, Select::to_apdu().as_bytes()).unwrap();
    client.transmit(card, Verify::query().as_bytes()).unwrap()
}

fn wrong_pin(client: &mut PcscClient, card: u32) {
    let pin = PinBlock::from_digits(b"999999").unwrap();
    client
        .transmit(card, Verify::to_apdu(&pin).as_bytes())
        .unwrap();
}

#[test]
fn a_card_that_is_put_in_again_is_the_same_card_and_a_numbered_one_another() {
    let reader = Reader::with_card("ok").unwrap();
    let (mut client, card) = connected(&reader);
    assert_eq!(tries_left(&mut client, card), [0x63, 0xC3]);
    wrong_pin(&mut client, card);
    assert_eq!(reader.remove().unwrap().as_deref(), Some("ok"));
    assert_eq!(client.transmit(card, &[0]), Err(REMOVED_CARD));
    let one = reader.insert("ok").unwrap();
    let (mut client, card) = connected(&reader);
    assert_eq!(tries_left(&mut client, card), [0x63, 0xC2]);
    reader.remove().unwrap();
    let other = reader.insert("ok#2").unwrap();
    let (mut client, card) = connected(&reader);
    assert_eq!(tries_left(&mut client, card), [0x63, 0xC3]);
    assert_ne!(one.account.unwrap().card_id, other.account.unwrap().card_id);
    // Thrown away, it is a new one, of the same seed.
    reader.tray().discard("ok").unwrap();
    reader.remove().unwrap();
    reader.insert("ok").unwrap();
    let (mut client, card) = connected(&reader);
    assert_eq!(tries_left(&mut client, card), [0x63, 0xC3]);
}

#[test]
fn what_can_not_be_done_is_told_and_changes_nothing() {
    let tray = Tray::open(None, 0).unwrap();
    for reader in ["A", "B"] {
        tray.add_reader(reader).unwrap();
    }
    tray.insert("A", "ok").unwrap();
    let code = |result: Result<_, TrayError>| result.err().map(|error| error.code());
    assert_eq!(code(tray.insert("A", "empty")), Some("reader-occupied"));
    assert_eq!(code(tray.insert("B", "ok")), Some("card-in-a-reader"));
    assert_eq!(code(tray.insert("C", "ok#2")), Some("no-such-reader"));
    assert_eq!(code(tray.insert("B", "gold")), Some("no-such-test-card"));
    assert_eq!(
        code(tray.save("empty", "x").map(|()| unreachable!())),
        Some("no-such-card")
    );
    assert_eq!(
        code(tray.restore("ok", "x").map(|()| unreachable!())),
        Some("no-such-snapshot")
    );
    let in_readers: Vec<_> = tray
        .readers()
        .into_iter()
        .map(|reader| reader.card)
        .collect();
    assert_eq!(in_readers, [Some("ok".to_owned()), None]);
    assert_eq!(tray.remove("B").unwrap(), None);
}

#[test]
fn a_fault_happens_at_its_command_and_once() {
    let reader = Reader::with_card("ok").unwrap();
    let (mut client, card) = connected(&reader);
    let select = Select::to_apdu();
    reader
        .set_fault(Fault {
            command: Some("SELECT".parse().unwrap()),
            number: Some(2),
            effect: Effect::Answer(Bytes(vec![0x6F, 0x00])),
        })
        .unwrap();
    let mut ask = || client.transmit(card, select.as_bytes()).unwrap();
    let whole = ask();
    assert!(whole.ends_with(&[0x90, 0x00]));
    assert_eq!(reader.tray().cards()[0].faults.len(), 1);
    assert_eq!(ask(), [0x6F, 0x00]);
    // It can't happen again, and isn't listed any more.
    assert!(reader.tray().cards()[0].faults.is_empty());
    assert_eq!(ask(), whole);
}

#[test]
fn a_power_cut_at_a_command_leaves_no_answer_and_the_card_in_its_reader() {
    let reader = Reader::with_card("ok").unwrap();
    let (mut client, card) = connected(&reader);
    reader.cut_power(2).unwrap();
    let select = Select::to_apdu();
    client.transmit(card, select.as_bytes()).unwrap();
    let cut = client.transmit(card, select.as_bytes());
    assert_eq!(cut, Err(NOT_TRANSACTED));
    assert_eq!(reader.tray().readers()[0].card.as_deref(), Some("ok"));
    // Power comes back with a connection.
    assert_eq!(client.disconnect(card, 0), 0);
    let (mut client, card) = connected(&reader);
    assert_eq!(tries_left(&mut client, card), [0x63, 0xC3]);
}

#[test]
fn a_card_that_another_program_holds_is_shared_with_nobody() {
    const SHARING_VIOLATION: u32 = 0x8010_000B;
    let reader = Reader::with_card("ok").unwrap();
    let tray = reader.tray();
    let mut client = PcscClient::new(reader.socket_path(), 4);
    tray.hold(reader.name()).unwrap();
    let refused = client.connect(reader.name(), SHARED);
    assert_eq!(refused, Err(SHARING_VIOLATION));
    assert!(tray.readers()[0].held);
    tray.let_go(reader.name()).unwrap();
    assert!(!tray.readers()[0].held);
    let card = client.connect(reader.name(), SHARED).unwrap();
    assert_eq!(tries_left(&mut client, card), [0x63, 0xC3]);
    let code = |held: Result<(), TrayError>| held.err().map(|error| error.code());
    assert_eq!(code(tray.hold(reader.name())), Some("reader-not-held"));
    client.disconnect(card, 0);
    // The card that leaves is nobody's, and the next one is free.
    tray.hold(reader.name()).unwrap();
    reader.choose("empty").unwrap();
    assert!(!tray.readers()[0].held);
    assert!(client.connect(reader.name(), SHARED).is_ok());
    assert_eq!(code(tray.hold("Counter 9")), Some("no-such-reader"));
}

#[test]
fn a_card_that_leaves_by_itself_can_be_put_in_again() {
    let reader = Reader::with_card("ok").unwrap();
    let (mut client, card) = connected(&reader);
    reader
        .set_fault(Fault {
            command: None,
            number: Some(1),
            effect: Effect::LeaveBefore,
        })
        .unwrap();
    let left = client.transmit(card, Select::to_apdu().as_bytes());
    assert_eq!(left, Err(NOT_TRANSACTED));
    assert_eq!(reader.tray().readers()[0].card, None);
    reader.insert("ok").unwrap();
    let (mut client, card) = connected(&reader);
    assert_eq!(tries_left(&mut client, card), [0x63, 0xC3]);
}

#[test]
fn a_card_goes_back_to_what_it_was_when_it_was_saved() {
    let reader = Reader::with_card("ok").unwrap();
    let (mut client, card) = connected(&reader);
    reader.tray().save("ok", "before").unwrap();
    client.transmit(card, Select::to_apdu().as_bytes()).unwrap();
    wrong_pin(&mut client, card);
    reader.tray().restore("ok", "before").unwrap();
    assert_eq!(client.transmit(card, &[0]), Err(RESET_CARD));
    assert_eq!(client.reconnect(card, SHARED, 0), 0);
    assert_eq!(tries_left(&mut client, card), [0x63, 0xC3]);
}

#[test]
fn a_card_that_was_forked_goes_its_own_way() {
    let reader = Reader::with_card("ok").unwrap();
    let (mut client, card) = connected(&reader);
    client.transmit(card, Select::to_apdu().as_bytes()).unwrap();
    wrong_pin(&mut client, card);
    reader.tray().save("ok", "one wrong").unwrap();
    let one = reader.tray().describe("ok").unwrap();
    let twin = reader.tray().fork("ok", "one wrong", "twin").unwrap();
    assert_eq!(one.account.unwrap().card_id, twin.account.unwrap().card_id);
    wrong_pin(&mut client, card);
    reader.remove().unwrap();
    reader.insert("twin").unwrap();
    let (mut client, card) = connected(&reader);
    assert_eq!(tries_left(&mut client, card), [0x63, 0xC2]);
    let twice = reader.tray().fork("ok", "one wrong", "twin");
    assert_eq!(twice.err().map(|error| error.code()), Some("card-exists"));
}

#[test]
fn a_trace_names_commands_and_keeps_no_pin() {
    let reader = Reader::with_card("ok").unwrap();
    let (mut client, card) = connected(&reader);
    client.transmit(card, Select::to_apdu().as_bytes()).unwrap();
    let pin = PinBlock::from_digits(b"271828").unwrap();
    client
        .transmit(card, Verify::to_apdu(&pin).as_bytes())
        .unwrap();
    let entries = reader.trace().unwrap();
    let text = serde_json::to_string(&entries).unwrap();
    assert!(!text.contains("2718"), "{text}");
    let commands: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Command {
                name,
                command,
                redacted,
                status,
                ..
            } => Some((
                name.unwrap(),
                command.to_string(),
                *redacted,
                status.map(|status| status.to_string()),
            )),
            _ => None,
        })
        .collect();
    assert_eq!(
        commands,
        [
            (
                "SELECT",
                "00A4040009F054494C4C4341524400".into(),
                false,
                Some("9000".into())
            ),
            ("VERIFY", "00200080".into(), true, Some("9000".into())),
        ]
    );
}
