//! FACTORY RESET, TERMINATE CARD USAGE.

use super::Tillcard;
use crate::command::{FactoryReset, Signed, Terminate};
use crate::persistent::Ending;
use crate::status::Status;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    #[inline(never)]
    pub(super) fn factory_reset(&mut self, reset: &Signed<'_, FactoryReset>) -> Result<(), Status> {
        self.require_owner(reset)?;
        self.end(Ending::Reset)
    }

    #[inline(never)]
    pub(super) fn terminate(&mut self, terminate: &Signed<'_, Terminate>) -> Result<(), Status> {
        self.require_owner(terminate)?;
        self.end(Ending::Termination)
    }

    fn end(&mut self, ending: Ending) -> Result<(), Status> {
        self.volatile.forget_authority();
        self.persistent.end(ending)
    }
}
