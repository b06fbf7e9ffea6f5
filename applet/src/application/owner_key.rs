//! CHANGE OWNER KEY, READ ACCOUNT.

use super::Tillcard;
use super::issuing::require_key;
use super::state::{AccountSession, OwnerAuthorised, SignedChallenge};
use crate::key;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{AccountRecord, ChangeOwnerKey};
use tillcard_protocol::owner;
use tillcard_protocol::status::{self, Status};

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// `[OWN-5]`: the new key is one, and proves that somebody has it.
    #[inline(never)]
    pub(super) fn change_owner_key(
        &mut self,
        challenge: SignedChallenge,
        ChangeOwnerKey { new_key, proof }: &ChangeOwnerKey,
    ) -> Result<(), Status> {
        require_key(new_key)?;
        let identity = self.persistent.identity()?;
        let card_id = identity.account.card_id();
        let message = owner::key_proof_message(
            identity.network,
            &card_id,
            &self.volatile.session(),
            challenge.as_bytes(),
            new_key,
        );
        if !key::verify(new_key, &message, proof) {
            return Err(status::SECURITY_STATUS);
        }
        self.persistent.set_owner_key(new_key)
    }

    #[inline(never)]
    pub(super) fn read_account(
        &mut self,
        _: AccountSession,
        _: OwnerAuthorised,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let identity = self.persistent.identity()?;
        let card_keys = self.card_keys_of_issued()?;
        let record = AccountRecord {
            issued: self.issue_record(&identity, &card_keys)?,
            network: identity.network,
            provenance: identity.provenance,
            owner_key: identity.owner_key,
            leaf: identity.leaf,
        };
        Ok(record.write(reply)?)
    }
}
