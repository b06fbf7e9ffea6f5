//! A card in a reader.

use embedded_storage::nor_flash::NorFlash;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{SeedableRng, TryCryptoRng};
use tillcard_applet::{Card, Configuration, Response};
use tillcard_runtime::nvm::RamNvm;

pub type TestCard = Card<RamNvm, ChaCha20Rng>;

/// What commands are sent to: a card, or what stands between.
pub trait Reader {
    /// One command APDU, and the response APDU to it.
    fn transmit(&mut self, apdu: &[u8]) -> Vec<u8>;

    /// The power is taken away, and given back.
    fn reset(&mut self);

    /// What the owner's signatures are bound to (section 5.2).
    fn session(&self) -> Vec<u8> {
        vec![0]
    }

    /// A command that isn't meant to be protected, protected; its status word.
    fn protected(&mut self, _header: [u8; 4], _data: &[u8]) -> u16 {
        panic!("not in a channel")
    }
}

impl<N: NorFlash, R: TryCryptoRng> Reader for Card<N, R> {
    fn transmit(&mut self, apdu: &[u8]) -> Vec<u8> {
        let mut response = Response::new();
        Card::transmit(self, apdu, &mut response);
        response.to_vec()
    }

    fn reset(&mut self) {
        Card::reset(self);
    }
}

pub const SELECT: &[u8] = b"\x00\xA4\x04\x00\x09\xF0TILLCARD\x00";

/// A card as the manufacturer made it. Its choices are others than those that a
/// host makes from the same seed.
pub fn fresh(seed: u64) -> TestCard {
    Card::new(
        RamNvm::default(),
        ChaCha20Rng::seed_from_u64(!seed),
        Configuration::ANY_NETWORK,
    )
}

/// One command, its whole answer, and its status word.
pub fn send(card: &mut impl Reader, apdu: &[u8]) -> (Vec<u8>, u16) {
    let mut answer = Vec::new();
    let mut response = card.transmit(apdu);
    loop {
        let (data, status) = response.split_last_chunk::<2>().unwrap();
        answer.extend_from_slice(data);
        if status[0] != 0x61 {
            return (answer, u16::from_be_bytes(*status));
        }
        response = card.transmit(&[0x00, 0xC0, 0x00, 0x00, status[1]]);
    }
}

/// A short command APDU.
pub fn apdu(header: [u8; 4], data: &[u8], answered: bool) -> Vec<u8> {
    let mut apdu = header.to_vec();
    if !data.is_empty() {
        apdu.push(u8::try_from(data.len()).unwrap());
        apdu.extend_from_slice(data);
    }
    if answered {
        apdu.push(0);
    }
    apdu
}

/// Data objects, one after another.
pub fn objects(objects: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tag, value) in objects {
        bytes.push(*tag);
        match value.len() {
            length @ 0..0x80 => bytes.push(length as u8),
            length @ 0x80..0x100 => bytes.extend([0x81, length as u8]),
            length => bytes.extend([0x82, (length >> 8) as u8, length as u8]),
        }
        bytes.extend_from_slice(value);
    }
    bytes
}
