//! SET LIMITS, READ LIMITS, SET POLICY.

use super::Tillcard;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{LimitsAnswer, ReadLimits, SetLimits, SetPolicy, Signed};
use tillcard_protocol::status::{self, Status};

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    #[inline(never)]
    pub(super) fn set_limits(&mut self, set: &Signed<'_, SetLimits>) -> Result<(), Status> {
        self.require_owner(set)?;
        let tally = self.persistent.tally()?;
        if tally.log_seen < tally.log_next {
            return Err(status::CONDITIONS);
        }
        self.persistent.set_limits(&set.command.0.validate()?)
    }

    /// `[LIM-4]`: the limits that were set last.
    #[inline(never)]
    pub(super) fn read_limits(
        &mut self,
        read: &Signed<'_, ReadLimits>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        self.require_owner(read)?;
        let answer = LimitsAnswer {
            limits: self.persistent.limits()?,
            policy: self.persistent.policy()?,
        };
        Ok(answer.write(reply)?)
    }

    #[inline(never)]
    pub(super) fn set_policy(&mut self, set: &Signed<'_, SetPolicy>) -> Result<(), Status> {
        self.require_owner(set)?;
        self.persistent.set_policy(set.command.policy()?)
    }
}
