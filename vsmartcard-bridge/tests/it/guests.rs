//! Cards that other programs show in readers of the emulator's own.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::support::pcsc_client::{LEAVE, PcscClient, SHARED};
use crate::support::scripted::Scripted;
use tillcard_emu::layers::faults::Fault;
use tillcard_emu::tray::{CardPort, PortError, Tray};
use tillcard_emu::vpcd::{Address, Link, LinkError, Remover};

const READER: &str = "Counter 1";
const ATR: [u8; 4] = [0x3B, 0x82, 0x01, 0x02];

fn free_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn tray() -> (Arc<Tray>, CardPort) {
    let tray = Arc::new(Tray::open(None, 1).unwrap());
    tray.add_reader(READER).unwrap();
    let port = CardPort::open(Arc::clone(&tray), READER, free_port()).unwrap();
    (tray, port)
}

/// Has a card come by the link that programs use for vpcd. It answers with the command and 9000.
fn show(port: &CardPort) -> (Remover, JoinHandle<Result<(), LinkError>>) {
    let address = Address::new("127.0.0.1", port.address().port());
    let link = Link::connect(&address).unwrap();
    let remover = link.remover();
    let served = thread::spawn(move || {
        link.serve(&mut Scripted::new(ATR.to_vec(), |command: &[u8]| {
            Ok([command, &[0x90, 0x00]].concat())
        }))
    });
    (remover, served)
}

fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !happened() {
        assert!(began.elapsed() < crate::support::DEADLINE, "{what}");
        thread::yield_now();
    }
}

fn card_in(tray: &Tray) -> Option<String> {
    tray.readers().remove(0).card
}

#[test]
fn a_card_is_there_as_long_as_its_program_shows_it() {
    let (tray, port) = tray();
    for number in 1..=3 {
        let (remover, served) = show(&port);
        until("it comes", || card_in(&tray).is_some());
        assert_eq!(card_in(&tray).unwrap(), format!("guest-{number}"));
        let mut client = PcscClient::new(tray.socket_path(), 4);
        let card = client.connect(READER, SHARED).unwrap();
        assert_eq!(
            client.transmit(card, &[0, 0xB0, 0, 0]).unwrap(),
            [0, 0xB0, 0, 0, 0x90, 0x00]
        );
        assert_eq!(client.transmit(card, &[]).unwrap(), [0x90, 0x00]);
        assert_eq!(client.transmit(card, &[2]).unwrap(), [0x67, 0x00]);
        assert_eq!(client.disconnect(card, LEAVE), 0);
        remover.remove();
        served.join().unwrap().unwrap();
        until("it leaves", || card_in(&tray).is_none());
        assert!(tray.cards().is_empty());
    }
}

#[test]
fn a_program_that_shows_no_card_keeps_no_other_out() {
    let (tray, port) = tray();
    drop(TcpStream::connect(port.address()).unwrap());
    let (_remover, _served) = show(&port);
    until("the second comes", || card_in(&tray).is_some());
}

#[test]
fn faults_and_traces_are_those_of_any_card() {
    let (tray, port) = tray();
    let (_remover, _served) = show(&port);
    until("it comes", || card_in(&tray).is_some());
    let fault: Fault = serde_json::from_str(r#"{"effect": {"answer": "6581"}}"#).unwrap();
    tray.set_fault("guest-1", fault).unwrap();
    let mut client = PcscClient::new(tray.socket_path(), 4);
    let card = client.connect(READER, SHARED).unwrap();
    let answer = client.transmit(card, &[0, 0xB0, 0, 0]).unwrap();
    assert_eq!(answer, [0x65, 0x81]);
    assert_eq!(tray.trace("guest-1").unwrap().commands(), 1);
    let unsaved = tray.save("guest-1", "label").unwrap_err();
    assert_eq!(unsaved.code(), "card-failed");
}

#[test]
fn the_port_closes_with_a_card_in_the_reader() {
    let (tray, port) = tray();
    let (_remover, served) = show(&port);
    until("it comes", || card_in(&tray).is_some());
    drop(port);
    assert!(matches!(served.join().unwrap(), Err(LinkError::ReaderGone)));
    assert_eq!(card_in(&tray), None);
}

#[test]
fn a_port_that_can_not_be_had_is_told() {
    let (tray, port) = tray();
    let open = |address| CardPort::open(Arc::clone(&tray), READER, address).err();
    assert!(matches!(open(port.address()), Some(PortError::Listen(..))));
    let everywhere = "0.0.0.0:0".parse().unwrap();
    assert!(matches!(open(everywhere), Some(PortError::NotLoopback(_))));
}
