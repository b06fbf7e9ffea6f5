//! The coin image (`docs/protocol.md`, section 6.4): what READ COINS answers.

use super::place::{Outpoint, Place};
use crate::tlv::Malformed;
use crc::{CRC_32_ISO_HDLC, Crc, Digest, NoTable};
use heapless::Vec;

const VERSION: u8 = 1;
static CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);
const CRC_LENGTH: usize = 4;
/// Most bytes of a number of 64 bits.
const NUMBER_MAX: usize = 10;

/// What the image begins with: counters, and the number of coins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageHeader {
    /// One above the highest receive index at which a coin ever entered.
    pub next_receive: u32,
    /// The index of the next change.
    pub next_change: u32,
    /// Amounts and fees of the payments since the limits were set, in sat.
    pub debited: u64,
    /// Payments since then.
    pub payments: u16,
    /// Payments without PIN since then.
    pub payments_without_pin: u16,
    /// The first payment that the log keeps.
    pub first_kept: u32,
    /// The first payment that isn't acknowledged.
    pub first_unacknowledged: u32,
    /// The next payment's number.
    pub next_number: u32,
    /// Number of coins.
    pub coins: u16,
}

impl ImageHeader {
    /// Bytes of a header, with the image's version.
    pub const LENGTH: usize = 1 + 4 + 4 + 8 + 2 + 2 + 4 + 4 + 4 + 2;

    /// The bytes, with the image's version.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let mut rest = &mut bytes[..];
        for piece in [
            &[VERSION][..],
            &self.next_receive.to_be_bytes(),
            &self.next_change.to_be_bytes(),
            &self.debited.to_be_bytes(),
            &self.payments.to_be_bytes(),
            &self.payments_without_pin.to_be_bytes(),
            &self.first_kept.to_be_bytes(),
            &self.first_unacknowledged.to_be_bytes(),
            &self.next_number.to_be_bytes(),
            &self.coins.to_be_bytes(),
        ] {
            let (place, behind) = rest.split_at_mut(piece.len());
            place.copy_from_slice(piece);
            rest = behind;
        }
        bytes
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        if take::<1>(bytes)? != [VERSION] {
            return None;
        }
        Some(Self {
            next_receive: u32::from_be_bytes(take(bytes)?),
            next_change: u32::from_be_bytes(take(bytes)?),
            debited: u64::from_be_bytes(take(bytes)?),
            payments: u16::from_be_bytes(take(bytes)?),
            payments_without_pin: u16::from_be_bytes(take(bytes)?),
            first_kept: u32::from_be_bytes(take(bytes)?),
            first_unacknowledged: u32::from_be_bytes(take(bytes)?),
            next_number: u32::from_be_bytes(take(bytes)?),
            coins: u16::from_be_bytes(take(bytes)?),
        })
    }
}

/// A coin in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageCoin {
    /// Where it is on the chain.
    pub outpoint: Outpoint,
    /// In sat.
    pub amount: u64,
    /// Whose script it has.
    pub place: Place,
    /// Whether it came as a credit, or from one.
    pub unrooted: bool,
    /// Whether a till reported it as absent.
    pub doubtful: bool,
    /// Number of the payment that spent it.
    pub spent_by: Option<u32>,
}

/// One above the index of the coin before, on each chain.
#[derive(Clone, Copy, Default)]
struct Expected([u32; 2]);

impl Expected {
    fn on(&mut self, chain: u32) -> &mut u32 {
        &mut self.0[(chain & 1) as usize]
    }
}

/// Encodes coins, in the order in which they stand in the image.
#[derive(Clone, Copy, Default)]
pub struct CoinEncoder {
    expected: Expected,
}

/// txid, and four numbers of at most 36, 32, 64 and 32 bits.
pub const IMAGE_COIN_MAX: usize = 32 + 6 + 5 + NUMBER_MAX + 5;

impl CoinEncoder {
    /// The bytes of the next coin.
    pub fn encode(&mut self, coin: &ImageCoin) -> Vec<u8, IMAGE_COIN_MAX> {
        let Place { chain, index } = coin.place;
        let expected = self.expected.on(chain);
        let distance = i64::from(index) - i64::from(*expected);
        *expected = index.wrapping_add(1);
        let d = zigzag(distance) << 4
            | u64::from(chain & 1) << 3
            | u64::from(coin.spent_by.is_some()) << 2
            | u64::from(coin.doubtful) << 1
            | u64::from(coin.unrooted);
        let mut bytes = Vec::new();
        let fits = bytes
            .extend_from_slice(&coin.outpoint.txid)
            .ok()
            .and_then(|()| put_number(&mut bytes, d))
            .and_then(|()| put_number(&mut bytes, coin.outpoint.vout.into()))
            .and_then(|()| put_number(&mut bytes, coin.amount))
            .and_then(|()| match coin.spent_by {
                Some(number) => put_number(&mut bytes, number.into()),
                None => Some(()),
            });
        fits.expect("numbers of these widths fit");
        bytes
    }
}

/// The checksum of an image that is written or read in parts.
#[derive(Clone)]
pub struct Checksum(Digest<'static, u32, NoTable>);

impl Default for Checksum {
    fn default() -> Self {
        Self(CRC.digest())
    }
}

impl Checksum {
    /// Takes the next bytes into account.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The image's last bytes.
    pub fn to_bytes(&self) -> [u8; CRC_LENGTH] {
        self.0.clone().finalize().to_be_bytes()
    }
}

/// A whole image, checked.
#[derive(Clone, Debug)]
pub struct CoinImage<'a> {
    /// Counters, and the number of coins.
    pub header: ImageHeader,
    coins: &'a [u8],
}

impl<'a> CoinImage<'a> {
    /// Checks an image of the version that this knows: its checksum, and that
    /// it holds as many coins as it says and nothing else.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (mut body, crc) = bytes.split_last_chunk().ok_or(Malformed)?;
        let mut checksum = Checksum::default();
        checksum.update(body);
        if checksum.to_bytes() != *crc {
            return Err(Malformed);
        }
        let header = ImageHeader::take(&mut body).ok_or(Malformed)?;
        let image = Self {
            header,
            coins: body,
        };
        let mut coins = image.coins();
        let count = coins.by_ref().count();
        if coins.rest.is_empty() && count == usize::from(header.coins) {
            Ok(image)
        } else {
            Err(Malformed)
        }
    }

    /// The coins, in the order of the image.
    pub fn coins(&self) -> Coins<'a> {
        Coins {
            rest: self.coins,
            expected: Expected::default(),
        }
    }
}

/// The coins of an image.
#[derive(Clone)]
pub struct Coins<'a> {
    rest: &'a [u8],
    expected: Expected,
}

impl Iterator for Coins<'_> {
    type Item = ImageCoin;

    fn next(&mut self) -> Option<ImageCoin> {
        let mut rest = self.rest;
        let txid = take(&mut rest)?;
        let d = take_number(&mut rest)?;
        let vout = u32::try_from(take_number(&mut rest)?).ok()?;
        let amount = take_number(&mut rest)?;
        let spent_by = match d & 4 {
            0 => None,
            _ => Some(u32::try_from(take_number(&mut rest)?).ok()?),
        };
        let chain = (d >> 3 & 1) as u32;
        let expected = self.expected.on(chain);
        let index = i64::from(*expected).checked_add(unzigzag(d >> 4))?;
        let index = u32::try_from(index).ok().filter(|index| index >> 31 == 0)?;
        *expected = index + 1;
        self.rest = rest;
        Some(ImageCoin {
            outpoint: Outpoint { txid, vout },
            amount,
            place: Place { chain, index },
            unrooted: d & 1 != 0,
            doubtful: d & 2 != 0,
            spent_by,
        })
    }
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// N(number): base 128, most significant group first, as few bytes as possible.
fn put_number<const N: usize>(out: &mut Vec<u8, N>, number: u64) -> Option<()> {
    let groups = (u64::BITS - number.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let more = if group > 0 { 0x80 } else { 0 };
        out.push((number >> (7 * group)) as u8 & 0x7F | more).ok()?;
    }
    Some(())
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for at in 0..NUMBER_MAX {
        let [byte] = take(bytes)?;
        if at == 0 && byte == 0x80 || number >> (u64::BITS - 7) != 0 {
            return None;
        }
        number = number << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn image(header: ImageHeader, coins: &[ImageCoin]) -> std::vec::Vec<u8> {
        let mut bytes = ImageHeader {
            coins: coins.len() as u16,
            ..header
        }
        .to_bytes()
        .to_vec();
        let mut encoder = CoinEncoder::default();
        for coin in coins {
            bytes.extend_from_slice(&encoder.encode(coin));
        }
        seal(bytes)
    }

    fn seal(mut body: std::vec::Vec<u8>) -> std::vec::Vec<u8> {
        let mut checksum = Checksum::default();
        checksum.update(&body);
        body.extend_from_slice(&checksum.to_bytes());
        body
    }

    prop_compose! {
        fn coin()(
            txid: [u8; 32],
            vout: u32,
            amount: u64,
            chain in 0u32..2,
            index in prop_oneof![0u32..4096, 0u32..1 << 31],
            unrooted: bool,
            doubtful: bool,
            spent_by: Option<u32>,
        ) -> ImageCoin {
            ImageCoin {
                outpoint: Outpoint { txid, vout },
                amount,
                place: Place { chain, index },
                unrooted,
                doubtful,
                spent_by,
            }
        }
    }

    #[test]
    fn numbers_of_the_text() {
        for (number, bytes) in [
            (0u64, &[0x00u8][..]),
            (127, &[0x7F]),
            (128, &[0x81, 0x00]),
            (16_384, &[0x81, 0x80, 0x00]),
            (
                u64::MAX,
                &[0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            ),
        ] {
            let mut out = Vec::<u8, 10>::new();
            put_number(&mut out, number).unwrap();
            assert_eq!(out, bytes, "{number}");
            assert_eq!(take_number(&mut &bytes[..]), Some(number));
        }
        for longer in [
            &[0x80u8, 0x01][..],
            &[0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
            &[0xFF; 12],
            &[0x81],
            &[],
        ] {
            assert_eq!(take_number(&mut &longer[..]), None, "{longer:x?}");
        }
    }

    #[test]
    fn coins_in_sequence_need_one_byte_for_their_place() {
        let mut encoder = CoinEncoder::default();
        let coin = |chain, index| ImageCoin {
            outpoint: Outpoint {
                txid: [7; 32],
                vout: 1,
            },
            amount: 100,
            place: Place { chain, index },
            unrooted: true,
            doubtful: false,
            spent_by: None,
        };
        for (chain, index, d) in [
            (0, 0, 0x01),
            (0, 1, 0x01),
            (1, 0, 0x09),
            (0, 2, 0x01),
            (0, 2, 0x11),
            (1, 2, 0x29),
        ] {
            let bytes = encoder.encode(&coin(chain, index));
            assert_eq!(bytes[32..], [d, 1, 100], "{chain}/{index}");
        }
    }

    #[test]
    fn checksum_is_that_of_zlib() {
        let mut checksum = Checksum::default();
        checksum.update(b"12345");
        checksum.update(b"6789");
        assert_eq!(checksum.to_bytes(), [0xCB, 0xF4, 0x39, 0x26]);
    }

    #[test]
    fn what_is_no_image() {
        let good = image(ImageHeader::default(), &[]);
        assert!(CoinImage::parse(&good).is_ok());
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(CoinImage::parse(&bad).is_err(), "byte {at}");
            assert!(CoinImage::parse(&good[..at]).is_err(), "{at} bytes");
        }
        let body = &good[..good.len() - CRC_LENGTH];
        let mut more_coins = body.to_vec();
        more_coins[ImageHeader::LENGTH - 1] = 1;
        let mut other_version = body.to_vec();
        other_version[0] = 2;
        for bad in [more_coins, other_version, [body, &[0]].concat()] {
            assert!(CoinImage::parse(&seal(bad.clone())).is_err(), "{bad:x?}");
        }
    }

    proptest! {
        #[test]
        fn images_read_back(
            numbers: [u32; 5],
            debited: u64,
            counts: [u16; 2],
            coins in proptest::collection::vec(coin(), 0..20),
        ) {
            let header = ImageHeader {
                next_receive: numbers[0],
                next_change: numbers[1],
                debited,
                payments: counts[0],
                payments_without_pin: counts[1],
                first_kept: numbers[2],
                first_unacknowledged: numbers[3],
                next_number: numbers[4],
                coins: coins.len() as u16,
            };
            let bytes = image(header, &coins);
            let read = CoinImage::parse(&bytes).unwrap();
            prop_assert_eq!(read.header, header);
            prop_assert_eq!(read.coins().collect::<std::vec::Vec<_>>(), coins);
        }

        #[test]
        fn no_bytes_panic(coins in proptest::collection::vec(any::<u8>(), 0..200), count: u16) {
            let mut bytes = ImageHeader { coins: count, ..ImageHeader::default() }.to_bytes().to_vec();
            bytes.extend_from_slice(&coins);
            let _ = CoinImage::parse(&seal(bytes));
        }
    }
}
