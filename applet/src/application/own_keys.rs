//! Personalisation: GENERATE ASYMMETRIC KEY PAIR of the card's own keys, PUT DATA.

use super::Tillcard;
use crate::key::{AgreementKey, OwnKeyPairs};
use crate::persistent::Identity;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::PutData;
use tillcard_protocol::status::{self, Status};

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    #[inline(never)]
    pub(super) fn generate_own_keys(&mut self, reply: &mut VecView<u8>) -> Result<(), Status> {
        self.require_personalisation()?;
        let keys = OwnKeyPairs::generate(&mut self.rng)?;
        self.persistent.set_own_keys(&keys)?;
        Ok(keys.public_keys().write(reply)?)
    }

    #[inline(never)]
    pub(super) fn put_data(&mut self, put: &PutData<'_>) -> Result<(), Status> {
        self.require_personalisation()?;
        match *put {
            PutData::Piece {
                certificate,
                number,
                bytes,
            } => self.persistent.put_certificate(certificate, number, bytes),
            PutData::End => self.persistent.end_personalisation(),
        }
    }

    /// The card's own keys. One that was issued under version 0.1 or 0.2 has but the
    /// key that signs, and draws the other now (`[ACC-1]`).
    pub(super) fn own_keys_of(&mut self, identity: &mut Identity) -> Result<OwnKeyPairs, Status> {
        if let Some(keys) = self.persistent.own_keys()? {
            return Ok(keys);
        }
        let former = identity.former_key.take().ok_or(status::MEMORY_FAILURE)?;
        let keys = OwnKeyPairs {
            identity: former,
            agreement: AgreementKey::generate(&mut self.rng)?,
        };
        self.persistent.set_own_keys(&keys)?;
        Ok(keys)
    }

    /// `6985` unless the manufacturer still has the card.
    ///
    /// `[PER-4]`: refused after the end, and in every other state.
    fn require_personalisation(&mut self) -> Result<(), Status> {
        self.require_factory()?;
        if self.persistent.is_personalised()? {
            Err(status::CONDITIONS)
        } else {
            Ok(())
        }
    }
}
