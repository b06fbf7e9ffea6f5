//! VERIFY, RESET RETRY COUNTER.

use super::Tillcard;
use super::state::{Issued, OwnerAuthorised, ShopSession};
use crate::capacities::TRIES;
use crate::volatile::Holder;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq;
use tillcard_protocol::command::NewPin;
use tillcard_protocol::pin::PinBlock;
use tillcard_protocol::status::{self, Status};

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// The tries left, as an error: no PIN was presented (`[PIN-4]`).
    #[inline(never)]
    pub(super) fn tell_tries(&mut self, _: Issued) -> Result<(), Status> {
        Err(match self.persistent.tries_left()? {
            0 => status::BLOCKED,
            left => Status::RemainingRetries(left),
        })
    }

    /// Compares the PIN with the one that was presented; a malformed one is none.
    ///
    /// - `[PIN-1]`: the right block authorises, and sets the tries back.
    /// - `[PIN-3]`: without tries left nothing is compared.
    /// - `[PIN-5]`: the try is used up persistently before the comparison.
    /// - `[PIN-6]`: an authorisation given before ends.
    /// - `[PIN-7]`: refused unless issued.
    /// - `[PIN-8]`: compared in constant time.
    /// - `[PIN-9]`: a blocked PIN changes nothing else.
    #[inline(never)]
    pub(super) fn verify(
        &mut self,
        _: ShopSession,
        presented: Option<&PinBlock>,
    ) -> Result<(), Status> {
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
    pub(super) fn set_pin(
        &mut self,
        _: ShopSession,
        _: OwnerAuthorised,
        new: &NewPin,
    ) -> Result<(), Status> {
        self.volatile.holder = None;
        self.persistent.reset_retry_counter(Some(&new.pin()?))
    }

    /// Gives all tries back and leaves the PIN as it is.
    ///
    /// `[RRC-3]`: an authorisation of the holder ends.
    #[inline(never)]
    pub(super) fn unblock_pin(&mut self, _: OwnerAuthorised) -> Result<(), Status> {
        self.volatile.holder = None;
        self.persistent.reset_retry_counter(None)
    }
}
