//! VERIFY, RESET RETRY COUNTER.

use super::Tillcard;
use crate::capacities::TRIES;
use crate::volatile::Holder;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq;
use tillcard_protocol::command::{PinEntry, ResetRetryCounter};
use tillcard_protocol::status::{self, Status};

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// - `[PIN-1]`: the right block authorises, and sets the tries back.
    /// - `[PIN-3]`: without tries left nothing is compared.
    /// - `[PIN-4]`: without data it only tells the tries.
    /// - `[PIN-5]`: the try is used up persistently before the comparison.
    /// - `[PIN-6]`: an authorisation given before ends.
    /// - `[PIN-7]`: refused unless issued.
    /// - `[PIN-8]`: compared in constant time.
    /// - `[PIN-9]`: a blocked PIN changes nothing else.
    #[inline(never)]
    pub(super) fn verify(&mut self, entry: PinEntry) -> Result<(), Status> {
        self.require_issued()?;
        let presented = match entry {
            PinEntry::Query => {
                return Err(match self.persistent.tries_left()? {
                    0 => status::BLOCKED,
                    left => Status::RemainingRetries(left),
                });
            }
            PinEntry::Block(block) => Some(block),
            PinEntry::Malformed => None,
        };
        self.require_shop_session()?;
        self.volatile.holder = None;
        let left = self
            .persistent
            .tries_left()?
            .checked_sub(1)
            .ok_or(status::BLOCKED)?;
        // The try is gone before anything is compared: a power cut that prevents
        // the answer doesn't give it back.
        self.persistent.set_tries_left(left)?;
        let pin = self.persistent.pin()?;
        let right = presented.is_some_and(|presented| presented.ct_eq(&pin).into());
        if !right {
            return Err(Status::RemainingRetries(left));
        }
        self.persistent.set_tries_left(TRIES)?;
        self.volatile.holder = Some(Holder::default());
        Ok(())
    }

    /// `[RRC-3]`: an authorisation of the holder ends.
    #[inline(never)]
    pub(super) fn reset_retry_counter(
        &mut self,
        reset: &ResetRetryCounter<'_>,
    ) -> Result<(), Status> {
        let new_pin = match reset {
            ResetRetryCounter::New(signed) => {
                self.require_shop_session()?;
                self.require_owner(signed)?;
                self.volatile.holder = None;
                Some(signed.command.pin()?)
            }
            ResetRetryCounter::Same(signed) => {
                self.require_owner(signed)?;
                self.volatile.holder = None;
                None
            }
        };
        self.persistent.reset_retry_counter(new_pin.as_ref())
    }
}
