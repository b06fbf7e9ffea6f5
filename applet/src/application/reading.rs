//! READ COINS: the coin image, part by part.

use super::Tillcard;
use super::state::{Issued, OwnerAuthorised};
use crate::coin_reading::CoinReading;
use crate::volatile::Stream;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::coin_image::ImageHeader;
use tillcard_protocol::status::{self, Status};

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// - `[IMG-1]`: the counters as they were when the reading began.
    /// - `[IMG-3]`: nothing changes by it.
    #[inline(never)]
    pub(super) fn begin_reading(
        &mut self,
        _: OwnerAuthorised,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let counters = self.persistent.counters()?;
        let mut coins = 0;
        self.persistent
            .for_each_slot(counters.log_first, |_, _, coin| {
                coins += u16::from(coin.is_some());
                Ok(())
            })?;
        let header = ImageHeader {
            next_receive: self.persistent.next_receive(&counters)?,
            next_change: self.persistent.next_change(&counters)?,
            debited: counters.debited,
            payments: counters.payments,
            payments_without_pin: counters.without_pin,
            first_kept: counters.log_first,
            first_unacknowledged: counters.log_seen,
            next_number: counters.log_next,
            coins,
        };
        let reading = CoinReading::begin(&header, counters.log_first, reply)?;
        self.write_part(reading, reply)
    }

    /// `[IMG-2]`: the next part needs a reading; a refusal ends it.
    #[inline(never)]
    pub(super) fn continue_reading(
        &mut self,
        _: Issued,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        match core::mem::take(&mut self.volatile.stream) {
            Stream::CoinReading(reading) => self.write_part(reading, reply),
            _ => Err(status::CONDITIONS),
        }
    }

    fn write_part(
        &mut self,
        mut reading: CoinReading,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        reading.write_part(&mut self.persistent, reply)?;
        // After the last part, one empty answer ends the reading.
        if !reply.is_empty() {
            self.volatile.stream = Stream::CoinReading(reading);
        }
        Ok(())
    }
}
