//! SET LIMITS, READ LIMITS, SET POLICY.

use super::Tillcard;
use super::state::OwnerAuthorised;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{LimitsAnswer, SetLimits, SetPolicy};
use tillcard_protocol::status::{self, Status};

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    #[inline(never)]
    pub(super) fn set_limits(&mut self, _: OwnerAuthorised, set: &SetLimits) -> Result<(), Status> {
        let counters = self.persistent.counters()?;
        if counters.log_seen < counters.log_next {
            return Err(status::CONDITIONS);
        }
        self.persistent.set_limits(&set.0.validate()?)
    }

    /// `[LIM-4]`: the limits that were set last.
    #[inline(never)]
    pub(super) fn read_limits(
        &mut self,
        _: OwnerAuthorised,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let answer = LimitsAnswer {
            limits: self.persistent.limits()?,
            policy: self.persistent.policy()?,
        };
        Ok(answer.write(reply)?)
    }

    #[inline(never)]
    pub(super) fn set_policy(&mut self, _: OwnerAuthorised, set: &SetPolicy) -> Result<(), Status> {
        self.persistent.set_policy(set.policy()?)
    }
}
