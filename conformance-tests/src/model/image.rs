//! The coin image: section 6.4.

use super::coin::Coin;
use super::purse::Purse;
use crate::outcome::{Step, Stop, require};

/// All of the image, its coins sorted, since their order is the card's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Next receive and next change index.
    pub next: [u32; 2],
    /// Debited since the limits were set, in sat.
    pub debited: u64,
    /// Payments since then, and those without PIN.
    pub payments: [u16; 2],
    /// First kept, first not acknowledged, next sequence number.
    pub log: [u32; 3],
    /// Every coin.
    pub coins: Vec<Coin>,
}

impl Image {
    /// What the image of a card with these coins and payments must say.
    #[must_use]
    pub fn of(purse: &Purse) -> Self {
        let mut coins = purse.coins.clone();
        coins.sort();
        Self {
            next: [purse.next_receive(), purse.next_change()],
            debited: purse.spent,
            payments: [purse.payments, purse.payments_without_pin],
            log: [purse.first_kept, purse.first_unseen, purse.next_sequence],
            coins,
        }
    }

    /// Reads an image.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it isn't what section 6.4 says, to the byte.
    pub fn decode(bytes: &[u8]) -> Step<Self> {
        let Some((body, checksum)) = bytes.split_last_chunk::<4>() else {
            return Err(Stop::Fail("the coin image is too short".to_owned()));
        };
        require!(
            crc32(body) == u32::from_be_bytes(*checksum),
            "the coin image has another CRC-32 than its last four bytes say"
        );
        let mut rest = Rest(body);
        let [version] = rest.array()?;
        require!(version == 1, "the coin image has version {version}");
        let next = [rest.u32()?, rest.u32()?];
        let debited = u64::from_be_bytes(rest.array()?);
        let payments = [rest.u16()?, rest.u16()?];
        let log = [rest.u32()?, rest.u32()?, rest.u32()?];
        let count = rest.u16()?;
        let mut expected = [0_i64; 2];
        let mut coins = Vec::new();
        for _ in 0..count {
            coins.push(coin(&mut rest, &mut expected)?);
        }
        require!(
            rest.0.is_empty(),
            "the coin image has {} bytes after its last coin",
            rest.0.len()
        );
        coins.sort();
        Ok(Self {
            next,
            debited,
            payments,
            log,
            coins,
        })
    }
}

fn coin(rest: &mut Rest<'_>, expected: &mut [i64; 2]) -> Step<Coin> {
    let txid = rest.array()?;
    let d = rest.number()?;
    let chain = usize::from(d & 8 != 0);
    let zigzag = i64::try_from(d >> 4).map_err(|_| bad("an index too far away"))?;
    let step = if zigzag & 1 == 0 {
        zigzag / 2
    } else {
        -(zigzag / 2) - 1
    };
    let index = expected[chain]
        .checked_add(step)
        .and_then(|index| u32::try_from(index).ok())
        .ok_or_else(|| bad("an impossible index"))?;
    expected[chain] = i64::from(index) + 1;
    let vout = u32::try_from(rest.number()?).map_err(|_| bad("a vout of more than 32 bits"))?;
    let amount = rest.number()?;
    let spent = if d & 4 == 0 {
        None
    } else {
        let sequence = rest.number()?;
        Some(u32::try_from(sequence).map_err(|_| bad("a sequence number of more than 32 bits"))?)
    };
    Ok(Coin {
        txid,
        vout,
        amount,
        chain: chain as u32,
        index,
        doubtful: d & 2 != 0,
        unrooted: d & 1 != 0,
        spent,
    })
}

fn bad(what: &str) -> Stop {
    Stop::Fail(format!("the coin image holds {what}"))
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        let (first, rest) = (self.0)
            .split_first_chunk()
            .ok_or_else(|| bad("less than it announces"))?;
        self.0 = rest;
        Ok(*first)
    }

    fn u16(&mut self) -> Step<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Step<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A number in base 128, which must be in its shortest form.
    fn number(&mut self) -> Step<u64> {
        let mut number = 0_u64;
        for position in 0.. {
            let [byte] = self.array()?;
            require!(
                position > 0 || byte != 0x80,
                "the coin image holds a number that isn't in its shortest form"
            );
            if number >> 57 != 0 {
                return Err(bad("a number of more than 64 bits"));
            }
            number = number << 7 | u64::from(byte & 0x7F);
            if byte & 0x80 == 0 {
                break;
            }
        }
        Ok(number)
    }
}

/// CRC-32 of ISO/IEC 3309, as zlib has it.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 0 {
                crc >> 1
            } else {
                crc >> 1 ^ 0xEDB8_8320
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Image, crc32};

    fn image(coins: &[u8], count: u8) -> Vec<u8> {
        let mut bytes = [
            &[1][..],
            &[0, 0, 0, 7, 0, 0, 0, 2],
            &[0; 7],
            &[9, 0, 3, 0, 1],
            &[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3],
            &[0, count],
            coins,
        ]
        .concat();
        let crc = crc32(&bytes).to_be_bytes();
        bytes.extend(crc);
        bytes
    }

    #[test]
    fn crc_is_the_one_of_zlib() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn coins_are_read_back() {
        // Receive index 5 (zigzag 10), vout 1, 300 sat; receive index 2 (-4, zigzag 7), spent by
        // payment 2; change index 0, doubtful and unrooted.
        let coins = [
            &[3; 32][..],
            &[0x81, 0x20, 0x01, 0x82, 0x2C],
            &[1; 32],
            &[0x74, 0x00, 0x07, 0x02],
            &[2; 32],
            &[0x0B, 0x00, 0x05],
        ]
        .concat();
        let read = Image::decode(&image(&coins, 3)).unwrap();
        assert_eq!((read.next, read.debited), ([7, 2], 9));
        assert_eq!((read.payments, read.log), ([3, 1], [0, 1, 3]));
        let short: Vec<_> = (read.coins.iter())
            .map(|coin| (coin.txid[0], coin.chain, coin.index, coin.amount))
            .collect();
        assert_eq!(short, [(1, 0, 2, 7), (2, 1, 0, 5), (3, 0, 5, 300)]);
        assert_eq!(read.coins[0].spent, Some(2));
        assert!(read.coins[1].doubtful && read.coins[1].unrooted && !read.coins[2].doubtful);
    }

    #[test]
    fn bad_images_are_refused() {
        let coin = [&[3; 32][..], &[0x00, 0x00, 0x05]].concat();
        let good = image(&coin, 1);
        assert!(Image::decode(&good).is_ok());
        for at in 0..good.len() {
            let mut spoilt = good.clone();
            spoilt[at] ^= 1;
            assert!(Image::decode(&spoilt).is_err(), "byte {at}");
        }
        assert!(Image::decode(&image(&coin, 2)).is_err());
        assert!(Image::decode(&image(&coin, 0)).is_err());
        let long = [&[3; 32][..], &[0x80, 0x00, 0x00, 0x05]].concat();
        assert!(Image::decode(&image(&long, 1)).is_err());
        assert!(Image::decode(&[]).is_err());
    }
}
