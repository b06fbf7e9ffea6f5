//! GENERATE ASYMMETRIC KEY PAIR, ISSUE.

use super::state::Factory;
use super::{Tillcard, script_at};
use crate::key::{Account, CardKeyPairs, Share, is_x_only_key};
use crate::persistent::Identity;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{
    CardKeys, Commitment, Issue, Issued, KeySource, Network, Place, XOnlyKey,
};
use tillcard_protocol::owner::IssueRecord;
use tillcard_protocol::status::{self, Status};

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// - `[KEY-1]`: each call draws anew, and nothing persistent changes.
    /// - `[KEY-2]`: only in the factory state.
    #[inline(never)]
    pub(super) fn generate_key(
        &mut self,
        _: Factory,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let share = Share::generate(&mut self.rng)?;
        Commitment(share.commitment()).write(reply)?;
        self.volatile.share = Some(share);
        Ok(())
    }

    /// - `[ISS-1]`: all of it is persistent in one step, before the answer.
    /// - `[ISS-3]`: a made key needs a share of this session.
    #[inline(never)]
    pub(super) fn issue(
        &mut self,
        _: Factory,
        issue: &Issue<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        // Whatever comes of this, the key generation under way ends.
        let share = self.volatile.share.take();
        let account = match issue.key {
            KeySource::Made(host_share) => share.ok_or(status::CONDITIONS)?.combine(host_share),
            KeySource::Imported { secret, chain_code } => Account::import(secret, chain_code),
        }?;
        let leaf = issue.leaf()?;
        require_key(issue.owner_key)?;
        leaf.key().map_or(Ok(()), require_key)?;
        let network = self.permitted(issue.network()?)?;
        let pin = issue.pin()?;
        let limits = issue.limits()?;
        let policy = issue.policy()?;
        let card_keys = match self.persistent.card_keys()? {
            Some(keys) => keys,
            None => CardKeyPairs::generate(&mut self.rng)?,
        };
        let identity = Identity {
            account: account.public().clone(),
            network,
            provenance: issue.key.provenance(),
            owner_key: *issue.owner_key,
            leaf,
        };
        // Everything that could fail does before the card is issued for good.
        let issued = self.issue_record(&identity, &card_keys)?;
        let receive_script = script_at(&identity, Place::receive(0))?;
        self.persistent.issue(
            &identity,
            account.secret(),
            &pin,
            (&limits, policy),
            &receive_script,
            &card_keys,
        )?;
        Ok(issued.write(reply)?)
    }

    /// The network, when the card may be issued for it (`[ISS-2]`).
    ///
    /// # Errors
    /// `6A80`
    fn permitted(&self, network: Network) -> Result<Network, Status> {
        if self.configuration.networks.contains(network) {
            Ok(network)
        } else {
            Err(status::INCORRECT_DATA)
        }
    }

    /// The issue record, signed.
    ///
    /// `[ISS-4]`: signed, with a fresh salt.
    pub(super) fn issue_record(
        &mut self,
        identity: &Identity,
        card_keys: &CardKeyPairs,
    ) -> Result<Issued, Status> {
        let salt = self.salt()?;
        let CardKeys {
            identity_key,
            agreement_key,
        } = card_keys.public_keys();
        let record = IssueRecord {
            network: identity.network,
            provenance: identity.provenance,
            public_key: identity.account.public_key(),
            chain_code: identity.account.chain_code(),
            owner_key: &identity.owner_key,
            leaf: &identity.leaf,
            agreement_key: &agreement_key,
            salt: &salt,
        };
        Ok(Issued {
            public_key: *record.public_key,
            chain_code: *record.chain_code,
            identity_key,
            agreement_key,
            salt,
            signature: card_keys.identity.sign(&record.digest(), &mut self.rng)?,
        })
    }
}

/// `6A80` unless these are the bytes of a key.
pub(super) fn require_key(key: &XOnlyKey) -> Result<(), Status> {
    if is_x_only_key(key) {
        Ok(())
    } else {
        Err(status::INCORRECT_DATA)
    }
}
