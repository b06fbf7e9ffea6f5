//! CHANGE OWNER KEY, READ ACCOUNT.

use super::Tillcard;
use super::issuing::require_key;
use crate::key;
use crate::persistent::Identity;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{AccountRecord, ChangeOwnerKey, ReadAccount, Signed};
use tillcard_protocol::owner;
use tillcard_protocol::status::{self, Status};

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// `[OWN-5]`: the new key is one, and proves that somebody has it.
    #[inline(never)]
    pub(super) fn change_owner_key(
        &mut self,
        change: &Signed<'_, ChangeOwnerKey>,
    ) -> Result<(), Status> {
        let (identity, challenge) = self.authorise(change)?;
        let ChangeOwnerKey { new_key, proof } = &change.command;
        require_key(new_key)?;
        let card_id = identity.account.card_id();
        let message = owner::key_proof_message(
            identity.network,
            &card_id,
            &self.volatile.session(),
            &challenge,
            new_key,
        );
        if !key::verify(new_key, &message, proof) {
            return Err(status::SECURITY_STATUS);
        }
        self.persistent.set_identity(&Identity {
            owner_key: *new_key,
            ..identity
        })
    }

    #[inline(never)]
    pub(super) fn read_account(
        &mut self,
        read: &Signed<'_, ReadAccount>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let (mut identity, _) = self.authorise(read)?;
        let own_keys = self.own_keys_of(&mut identity)?;
        let record = AccountRecord {
            issued: self.issue_record(&identity, &own_keys)?,
            network: identity.network,
            provenance: identity.provenance,
            owner_key: identity.owner_key,
            leaf: identity.leaf,
        };
        Ok(record.write(reply)?)
    }
}
