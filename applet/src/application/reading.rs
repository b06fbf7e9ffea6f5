//! READ COINS: the coin image, part by part.

use super::Tillcard;
use crate::capacities::MAX_COINS;
use crate::persistent::{Coin, Slot};
use crate::volatile::Stream;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::ReadCoins;
use tillcard_protocol::command::coin_image::{Checksum, CoinEncoder, ImageCoin, ImageHeader};
use tillcard_protocol::status::{self, Status};
use tillcard_protocol::tlv;

/// A part ends when it has so many bytes, or a few more.
const PART: usize = 1024;

/// A reading of coins under way.
pub struct Reading {
    encoder: CoinEncoder,
    checksum: Checksum,
    log_first: u32,
    next: Slot,
    ended: bool,
}

impl Reading {
    fn put(&mut self, bytes: &[u8], reply: &mut VecView<u8>) -> Result<(), Status> {
        self.checksum.update(bytes);
        Ok(tlv::append(reply, bytes)?)
    }
}

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// `[IMG-2]`: the next part needs a reading; a refusal ends it.
    #[inline(never)]
    pub(super) fn read_coins(
        &mut self,
        read: ReadCoins<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        // Whatever goes wrong, what was under way has ended.
        let stream = core::mem::take(&mut self.volatile.stream);
        self.require_issued()?;
        let reading = match (read, stream) {
            (ReadCoins::Begin(signed), _) => {
                self.require_owner(&signed)?;
                self.begin_reading(reply)?
            }
            (ReadCoins::Next, Stream::Reading(reading)) => reading,
            (ReadCoins::Next, _) => return Err(status::CONDITIONS),
        };
        self.continue_reading(reading, reply)
    }

    /// - `[IMG-1]`: the counters as they were when the reading began.
    /// - `[IMG-3]`: nothing changes by it.
    fn begin_reading(&mut self, reply: &mut VecView<u8>) -> Result<Reading, Status> {
        let tally = self.persistent.tally()?;
        let mut coins = 0;
        self.persistent
            .for_each_slot(tally.log_first, |_, _, coin| {
                coins += u16::from(coin.is_some());
                Ok(())
            })?;
        let header = ImageHeader {
            next_receive: tally.next_receive,
            next_change: tally.next_change,
            debited: tally.debited,
            payments: tally.payments,
            payments_without_pin: tally.without_pin,
            first_kept: tally.log_first,
            first_unacknowledged: tally.log_seen,
            next_number: tally.log_next,
            coins,
        };
        let mut reading = Reading {
            encoder: CoinEncoder::default(),
            checksum: Checksum::default(),
            log_first: tally.log_first,
            next: 0,
            ended: false,
        };
        reading.put(&header.to_bytes(), reply)?;
        Ok(reading)
    }

    fn continue_reading(
        &mut self,
        mut reading: Reading,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        while reading.next < MAX_COINS && reply.len() < PART {
            if let Some(coin) = self.persistent.coin(reading.next, reading.log_first)? {
                let bytes = reading.encoder.encode(&image_coin(&coin));
                reading.put(&bytes, reply)?;
            }
            reading.next += 1;
        }
        if reading.next == MAX_COINS && !reading.ended {
            tlv::append(reply, &reading.checksum.to_bytes())?;
            reading.ended = true;
        }
        // What comes after the last part is an empty one, once.
        if !reply.is_empty() {
            self.volatile.stream = Stream::Reading(reading);
        }
        Ok(())
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
