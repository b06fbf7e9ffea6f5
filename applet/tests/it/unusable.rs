//! A card whose memory is damaged, or of another version, says so and does
//! nothing else (`[STA-2]`, `[NVM-4]`).

use crate::support::*;
use crc::{CRC_32_ISO_HDLC, Crc};
use tillcard_applet::capacities::{CAPABILITIES, SELECTED};
use tillcard_applet::{Card, Configuration};
use tillcard_protocol::command::{
    Capabilities, GenerateKey, GetChallenge, GetData, Pay, Preview, ReceiveScript, Select,
    Selected, State, StatusObject, Verify,
};
use tillcard_runtime::nvm::{NVM_SIZE, PAGE_SIZE, RamNvm};

/// Bytes of a page's header before its CRC-32.
const HEADER: usize = 12;

/// The memory of an issued card with a coin and a payment.
fn memory() -> [u8; NVM_SIZE] {
    let (mut card, owner) = funded(1, &[90_000, 80_000]);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(pay(&mut card, request(&p2wpkh(1), 20_000)).1, 0x9000);
    *card.nvm().as_bytes()
}

/// That memory with another version in the headers of all pages written.
fn of_version(version: u8) -> [u8; NVM_SIZE] {
    let mut bytes = memory();
    let mut pages = 0;
    for page in bytes.chunks_exact_mut(PAGE_SIZE) {
        if page.starts_with(b"TJ") {
            page[2] = version;
            let crc = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(&page[..HEADER]);
            page[HEADER..HEADER + 4].copy_from_slice(&crc.to_be_bytes());
            pages += 1;
        }
    }
    assert!(pages > 0);
    bytes
}

fn refuses(bytes: [u8; NVM_SIZE], expected: State) {
    let mut card = Card::new(
        RamNvm::from_bytes(bytes),
        rng(2),
        Configuration::ANY_NETWORK,
    );
    for _ in 0..2 {
        let (answer, status) = send(&mut card, Select::to_apdu().as_bytes());
        assert_eq!((Selected::parse(&answer), status), (Ok(SELECTED), 0x9000));
        let (answer, status) = send(&mut card, GetData::Status.to_apdu().as_bytes());
        assert_eq!(status, 0x9000);
        assert_eq!(answer.len(), 3);
        assert_eq!(StatusObject::parse(&answer).unwrap().state, expected);
        let (answer, status) = send(&mut card, GetData::Capabilities.to_apdu().as_bytes());
        assert_eq!(status, 0x9000);
        assert_eq!(Capabilities::parse(&answer), Ok(CAPABILITIES));

        let milk = p2wpkh(1);
        let request = request(&milk, 20_000);
        for apdu in [
            GenerateKey::to_apdu(),
            issue_apdu(LIMITS),
            Verify::query(),
            Verify::to_apdu(&pin(PIN)),
            GetChallenge::to_apdu(),
            ReceiveScript::to_apdu(),
            Preview::to_apdu(request).unwrap(),
            Pay::to_apdu(request).unwrap(),
        ] {
            let (answer, status) = send(&mut card, apdu.as_bytes());
            assert!(answer.is_empty());
            assert_eq!(status, 0x6581, "{:02x?}", &apdu.as_bytes()[..4]);
        }
        // What section 2.2 refuses, it refuses.
        assert_eq!(send(&mut card, &[0x80, 0xEE, 0, 0]).1, 0x6D00);
        assert_eq!(send(&mut card, &[0x00, 0x84, 1, 0]).1, 0x6A86);
        assert_eq!(send(&mut card, &[0x80, 0x10, 0, 0, 1, 0]).1, 0x6700);
        card.reset();
    }
    assert_eq!(card.nvm().as_bytes(), &bytes, "nothing is written");
}

#[test]
fn memories_of_other_versions() {
    for version in [0, 2, 0xFF] {
        refuses(of_version(version), State::OtherVersion);
    }
}

#[test]
fn a_damaged_memory() {
    let mut bytes = memory();
    // The first transaction, behind the page's two headers and with others behind it.
    bytes[2 * 16 + 8] ^= 1;
    refuses(bytes, State::Damaged);
}

#[test]
fn the_version_of_this_one() {
    let mut card = selected(RamNvm::from_bytes(of_version(1)));
    let (answer, status) = send(&mut card, GetData::Status.to_apdu().as_bytes());
    assert_eq!(status, 0x9000);
    assert!(matches!(
        StatusObject::parse(&answer).unwrap().state,
        State::Issued { .. }
    ));
}
