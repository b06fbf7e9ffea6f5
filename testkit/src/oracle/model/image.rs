//! The coin image, as the card should give it and as a host reads it.

use super::super::choice::Coin;
use super::Model;
use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};

impl Model<'_> {
    /// Header and coins of the coin image, the coins sorted.
    pub fn image(&self) -> (Vec<u8>, Vec<Coin>) {
        let header = [
            &[1][..],
            &self.next(0).to_be_bytes(),
            &self.next(1).to_be_bytes(),
            &self.debited.to_be_bytes(),
            &self.payments.to_be_bytes(),
            &self.without_pin.to_be_bytes(),
            &self.first_kept().to_be_bytes(),
            &self.seen.to_be_bytes(),
            &self.next_number.to_be_bytes(),
            &(self.coins.len() as u16).to_be_bytes(),
        ]
        .concat();
        (header, sorted(self.coins.clone()))
    }
}

fn sorted(mut coins: Vec<Coin>) -> Vec<Coin> {
    coins.sort_by_key(|coin| coin.outpoint);
    coins
}

/// The coins of a coin image, sorted; `None` when it is none (section 6.4).
pub fn read_image(image: &[u8]) -> Option<(Vec<u8>, Vec<Coin>)> {
    let (body, checksum) = image.split_last_chunk::<4>()?;
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(body);
    if crc.to_be_bytes() != *checksum {
        return None;
    }
    let (header, mut rest) = body.split_at_checked(35)?;
    let mut expected = [0i64; 2];
    let mut coins = Vec::new();
    while !rest.is_empty() {
        let (txid, after) = rest.split_first_chunk::<32>()?;
        rest = after;
        let mut number = || {
            let mut value = 0u64;
            loop {
                let (byte, after) = rest.split_first()?;
                rest = after;
                value = value << 7 | u64::from(byte & 0x7F);
                if byte & 0x80 == 0 {
                    return Some(value);
                }
            }
        };
        let d = number()?;
        let (vout, amount) = (number()?, number()?);
        let spent = if d & 4 != 0 {
            Some(number()? as u32)
        } else {
            None
        };
        let zigzag = (d >> 4) as i64;
        let distance = if zigzag & 1 == 0 {
            zigzag / 2
        } else {
            -(zigzag + 1) / 2
        };
        let chain = (d >> 3 & 1) as usize;
        let index = expected[chain] + distance;
        expected[chain] = index + 1;
        coins.push(Coin {
            outpoint: OutPoint::new(Txid::from_byte_array(*txid), vout as u32),
            amount,
            place: (chain as u32, index as u32),
            unrooted: d & 1 != 0,
            doubtful: d & 2 != 0,
            spent,
        });
    }
    Some((header.to_vec(), sorted(coins)))
}
