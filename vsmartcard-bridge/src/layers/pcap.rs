//! Commands and answers as packets that Wireshark opens: GSMTAP of the type SIM, in UDP, in IPv4, in a capture
//! file of libpcap's classic format.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::{Entry, Event};

/// The port of GSMTAP.
const PORT: u16 = 4729;
/// `LINKTYPE_RAW`: packets begin with the header of IP.
const LINK_TYPE: u32 = 101;
const IP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
/// GSMTAP 2, four words of header, type SIM, subtype APDU.
const GSMTAP: [u8; 16] = [2, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// What fits into one packet of IPv4.
const PAYLOAD_MAX: usize = 0xFFFF - IP_HEADER - UDP_HEADER - GSMTAP.len();

/// What a file begins with: times in microseconds.
pub(super) fn file_header() -> Vec<u8> {
    let mut header = 0xA1B2_C3D4_u32.to_le_bytes().to_vec();
    header.extend([2_u16, 4].map(u16::to_le_bytes).concat());
    header.extend(
        [0, 0, 0x0001_0000, LINK_TYPE]
            .map(u32::to_le_bytes)
            .concat(),
    );
    header
}

/// The packet of a command that was answered; none of all else. Each card has an address of its own, 127.0.0.1 for
/// the first. Of a command whose data is secret there is the header, with an empty data field.
pub(super) fn packet(entry: &Entry, card: u8, now: Duration) -> Option<Vec<u8>> {
    let Event::Command {
        command,
        redacted,
        answer: Some(answer),
        ..
    } = &entry.event
    else {
        return None;
    };
    let mut payload = command.as_bytes().to_vec();
    if *redacted {
        payload.push(0);
    }
    payload.extend(answer.as_bytes());
    payload.truncate(PAYLOAD_MAX);
    let udp = (UDP_HEADER + GSMTAP.len() + payload.len()) as u16;
    let mut packet = ip_header(udp, card);
    packet.extend([PORT, PORT, udp, 0].map(u16::to_be_bytes).concat());
    packet.extend(GSMTAP);
    packet.extend(payload);
    let length = packet.len() as u32;
    let seconds = now.as_secs() as u32;
    let mut record = [seconds, now.subsec_micros(), length, length]
        .map(u32::to_le_bytes)
        .concat();
    record.extend(packet);
    Some(record)
}

/// For so many bytes of UDP.
fn ip_header(udp: u16, card: u8) -> Vec<u8> {
    let total = udp + IP_HEADER as u16;
    let mut header = vec![0x45, 0];
    header.extend(total.to_be_bytes());
    // Not a fragment, 64 hops, UDP, the checksum to come.
    header.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    header.extend(Ipv4Addr::new(127, 0, 0, card).octets());
    header.extend(Ipv4Addr::LOCALHOST.octets());
    let words = header
        .chunks(2)
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xFFFF) + (sum >> 16);
    header[10..12].copy_from_slice(&(!(folded as u16)).to_be_bytes());
    header
}
