//! GENERATE ASYMMETRIC KEY PAIR, ISSUE.

use super::Tillcard;
use crate::command::{Commitment, Issue, Issued};
use crate::key::{Share, is_x_only_key};
use crate::persistent::Identity;
use crate::status::{self, Status};
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    pub(super) fn generate_key(&mut self, reply: &mut VecView<u8>) -> Result<(), Status> {
        self.require_factory()?;
        let share = Share::generate(&mut self.rng)?;
        Commitment(share.commitment()).write(reply)?;
        self.volatile.share = Some(share);
        Ok(())
    }

    pub(super) fn issue(
        &mut self,
        issue: &Issue<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        self.require_factory()?;
        let share = self.volatile.share.take().ok_or(status::CONDITIONS)?;
        if !is_x_only_key(issue.owner_key) || !is_x_only_key(issue.leaf_key) {
            return Err(status::INCORRECT_DATA);
        }
        let pin = issue.pin()?;
        let identity = Identity {
            network: issue.network()?,
            account: share.combine(issue.host_share)?,
            owner_key: *issue.owner_key,
            leaf_key: *issue.leaf_key,
            limits: issue.limits()?,
        };
        self.persistent.issue(&identity, &pin)?;
        let issued = Issued {
            public_key: *identity.account.public_key(),
            chain_code: *identity.account.chain_code(),
        };
        Ok(issued.write(reply)?)
    }
}
