//! A reading of the coins under way: how far the coin image has been given out.

use crate::capacities::MAX_COINS;
use crate::persistent::{Coin, Persistent, Slot};
use embedded_storage::nor_flash::NorFlash;
use heapless::VecView;
use tillcard_protocol::command::coin_image::{Checksum, CoinEncoder, ImageCoin, ImageHeader};
use tillcard_protocol::status::Status;
use tillcard_protocol::tlv;

/// A part ends when it has so many bytes, or a few more.
const PART: usize = 1024;

/// See the [module](self).
pub struct CoinReading {
    encoder: CoinEncoder,
    checksum: Checksum,
    log_first: u32,
    next: Slot,
    ended: bool,
}

impl CoinReading {
    /// Writes the header, and begins at the first slot of a table whose log begins with this
    /// payment.
    ///
    /// # Errors
    /// `6400` when there is no room.
    pub fn begin(
        header: &ImageHeader,
        log_first: u32,
        reply: &mut VecView<u8>,
    ) -> Result<Self, Status> {
        let mut reading = Self {
            encoder: CoinEncoder::default(),
            checksum: Checksum::default(),
            log_first,
            next: 0,
            ended: false,
        };
        reading.put(&header.to_bytes(), reply)?;
        Ok(reading)
    }

    /// Writes the rest of a part: coins, and behind the last one the checksum.
    ///
    /// # Errors
    /// `6581`; `6400` when there is no room.
    pub fn write_part<N: NorFlash>(
        &mut self,
        persistent: &mut Persistent<N>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        while self.next < MAX_COINS && reply.len() < PART {
            if let Some(coin) = persistent.coin(self.next, self.log_first)? {
                let bytes = self.encoder.encode(&image_coin(&coin));
                self.put(&bytes, reply)?;
            }
            self.next += 1;
        }
        if self.next == MAX_COINS && !self.ended {
            tlv::append(reply, &self.checksum.to_bytes())?;
            self.ended = true;
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8], reply: &mut VecView<u8>) -> Result<(), Status> {
        self.checksum.update(bytes);
        Ok(tlv::append(reply, bytes)?)
    }
}

fn image_coin(coin: &Coin) -> ImageCoin {
    ImageCoin {
        outpoint: coin.outpoint(),
        amount: coin.amount,
        place: coin.place,
        unrooted: coin.unrooted,
        doubtful: coin.doubtful,
        spent_by: coin.spent,
    }
}
