//! FACTORY RESET, TERMINATE CARD USAGE.

use super::Tillcard;
use super::state::OwnerAuthorised;
use crate::persistent::Ending;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::status::Status;

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    #[inline(never)]
    pub(super) fn factory_reset(&mut self, _: OwnerAuthorised) -> Result<(), Status> {
        self.end(Ending::Reset)
    }

    #[inline(never)]
    pub(super) fn terminate(&mut self, _: OwnerAuthorised) -> Result<(), Status> {
        self.end(Ending::Termination)
    }

    /// `[RST-3]`: all ends that belongs to the session, but the channel.
    fn end(&mut self, ending: Ending) -> Result<(), Status> {
        self.volatile.forget_authority();
        self.persistent.end(ending)
    }
}
