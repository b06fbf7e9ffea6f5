//! The coin image: what it says, and how near it comes to the least that such
//! coins can be written in.

use crate::support::*;
use bitcoin::hashes::Hash;
use rand_chacha::rand_core::Rng;
use tillcard_applet::Card;
use tillcard_protocol::command::coin_image::{CoinImage, ImageCoin};
use tillcard_protocol::command::{BeginReading, GetChallenge, Place, ReadCoins};
use tillcard_runtime::nvm::RamNvm;

type TestCard = Card<RamNvm, rand_chacha::ChaCha20Rng>;

/// Reads the image in all its parts.
fn read(card: &mut TestCard, owner: &Owner) -> Vec<u8> {
    let (mut image, status) = owner.command(card, &BeginReading);
    assert_eq!(status, 0x9000);
    loop {
        let (part, status) = send(card, ReadCoins::next().as_bytes());
        assert_eq!(status, 0x9000);
        if part.is_empty() {
            return image;
        }
        image.extend(part);
    }
}

/// An amount from 10³ to 10⁷ sat, uniform in its logarithm.
fn log_uniform(rng: &mut impl Rng) -> u64 {
    let u = f64::from(rng.next_u32()) / f64::from(u32::MAX);
    10f64.powf(3.0 + 4.0 * u).round() as u64
}

/// The least number of bytes in which coins of this test's kind can be written,
/// on average: for each coin 256 bits of txid, one bit of vout (0 or 1), and the
/// entropy of an amount x with probability 1 / (x · ln(10⁷/10³)), which is
/// log₂ ln 10⁴ + E[log₂ x] = log₂ ln 10⁴ + log₂ 10⁵. The indexes are 0, 1, 2 …
/// in the order of the coins, and need nothing.
fn floor(coins: usize) -> f64 {
    let amount = 1e4f64.ln().log2() + 1e5f64.log2();
    (256.0 + 1.0 + amount) * coins as f64 / 8.0
}

#[test]
fn a_thousand_coins_come_near_the_floor() {
    let mut rng = rng(80);
    let (mut card, mut owner) = funded(80, &[]);
    let mut expected = Vec::new();
    for index in 0..1000 {
        let amount = log_uniform(&mut rng);
        let mut transaction = owner.funding(index, amount, index);
        let vout = rng.next_u32() & 1;
        if vout == 0 {
            transaction.output.swap(0, 1);
        }
        let announced = announced(&transaction, vout, Place::receive(index));
        assert_eq!(
            owner.enter_announced(&mut card, &transaction, &announced),
            0x9000
        );
        expected.push((announced.txid, vout, amount, announced.place));
    }
    let bytes = read(&mut card, &owner);
    let image = CoinImage::parse(&bytes).unwrap();
    let found: Vec<_> = image
        .coins()
        .map(|coin| {
            (
                coin.outpoint.txid,
                coin.outpoint.vout,
                coin.amount,
                coin.place,
            )
        })
        .collect();
    assert_eq!(found, expected);
    let ratio = bytes.len() as f64 / floor(1000);
    println!(
        "{} bytes, {ratio:.3} times the floor of {:.0}",
        bytes.len(),
        floor(1000)
    );
    assert!(ratio <= 1.15, "{ratio}");
    // The table is full; and a card with a full table still pays and reads.
    let one_more = owner.funding(1000, 5_000, 1000);
    assert_eq!(owner.enter(&mut card, &one_more, 1000), 0x6A84);
    card.reset();
    send(
        &mut card,
        tillcard_protocol::command::Select::to_apdu().as_bytes(),
    );
    assert_eq!(read(&mut card, &owner), bytes);
}

#[test]
fn marks_and_counters() {
    let (mut card, mut owner) = funded(81, &[100_000, 50_000]);
    let milk = p2wpkh(4);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    let (paid, status) = pay(&mut card, request(&milk, 20_000));
    assert_eq!(status, 0x9000);
    owner.accept(&paid, &milk, 20_000, 0);
    let refund = owner.funding(2, 7_000, 9);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(owner.credit(&mut card, &refund, 2), 0x9000);
    let bytes = read(&mut card, &owner);
    let image = CoinImage::parse(&bytes).unwrap();
    let header = image.header;
    assert_eq!((header.next_receive, header.next_change), (2, 1));
    assert_eq!((header.payments, header.payments_without_pin), (1, 0));
    assert_eq!((header.first_kept, header.next_number), (0, 1));
    let coins: Vec<ImageCoin> = image.coins().collect();
    assert_eq!(coins.len(), 4);
    let at = |place| *coins.iter().find(|coin| coin.place == place).unwrap();
    assert_eq!(at(Place::receive(0)).spent_by, Some(0));
    assert_eq!(at(Place::receive(1)).spent_by, None);
    assert!(at(Place::receive(2)).unrooted && !at(Place::receive(1)).unrooted);
    let change = at(Place::change(0));
    assert!(!change.unrooted && change.spent_by.is_none());
    let paid: bitcoin::Transaction = bitcoin::consensus::deserialize(&paid).unwrap();
    assert_eq!(change.outpoint.txid, paid.compute_txid().to_byte_array());
    assert_eq!(header.debited, 100_000 - change.amount);
}

#[test]
fn a_reading_ends_with_any_other_command() {
    let (mut card, owner) = funded(82, &[100_000]);
    let next = ReadCoins::next();
    assert_eq!(send(&mut card, next.as_bytes()).1, 0x6985);
    assert_eq!(owner.command(&mut card, &BeginReading).1, 0x9000);
    assert_eq!(
        send(&mut card, GetChallenge::to_apdu().as_bytes()).1,
        0x9000
    );
    assert_eq!(send(&mut card, next.as_bytes()).1, 0x6985);
}
