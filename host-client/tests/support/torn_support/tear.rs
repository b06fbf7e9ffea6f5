//! A slot of the virtual reader whose card is torn out at the one moment that hurts: it has paid,
//! and its answer is still on its way.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::reader_support::{DEADLINE, slot};

/// By which a protected PAY begins.
const PAY: [u8; 2] = [0x84, 0x30];

/// Stands between an emulator and vpcd's first slot, and keeps back the first answer to PAY. It
/// leaves the slot when the emulator is gone.
pub(crate) struct Tear {
    port: u16,
    kept_back: Receiver<()>,
}

impl Tear {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let (tell, kept_back) = channel();
        thread::spawn(move || {
            let (card, _) = listener.accept().expect("an emulator");
            let slot = TcpStream::connect((Ipv4Addr::LOCALHOST, slot(0).port())).expect("a slot");
            pass_on(card, slot, tell);
        });
        Self { port, kept_back }
    }

    /// Where the emulator finds its slot.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Waits until the card has answered PAY, and nobody but this slot has the answer.
    pub(crate) fn wait_for_payment(&self) {
        self.kept_back.recv_timeout(DEADLINE).expect("a payment");
    }
}

fn pass_on(card: TcpStream, slot: TcpStream, tell: Sender<()>) {
    let asked = Arc::new(AtomicBool::new(false));
    let ask = Arc::clone(&asked);
    let (mut from_slot, mut to_card) = (handle(&slot), handle(&card));
    thread::spawn(move || {
        while let Ok(command) = read_frame(&mut from_slot) {
            ask.store(command.starts_with(&PAY), Ordering::SeqCst);
            if write_frame(&mut to_card, &command).is_err() {
                break;
            }
        }
        let _ = to_card.shutdown(Shutdown::Both);
    });
    let (mut from_card, mut to_slot) = (card, slot);
    while let Ok(answer) = read_frame(&mut from_card) {
        if asked.load(Ordering::SeqCst) {
            let _ = tell.send(());
            continue;
        }
        if write_frame(&mut to_slot, &answer).is_err() {
            break;
        }
    }
    let _ = to_slot.shutdown(Shutdown::Both);
}

fn handle(stream: &TcpStream) -> TcpStream {
    stream.set_nodelay(true).expect("a socket");
    stream.try_clone().expect("another handle")
}

/// A big-endian `u16` length, and that many bytes.
fn read_frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut frame = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}

fn write_frame(stream: &mut TcpStream, frame: &[u8]) -> io::Result<()> {
    let length = u16::try_from(frame.len()).expect("a frame's length");
    stream.write_all(&[&length.to_be_bytes()[..], frame].concat())
}
