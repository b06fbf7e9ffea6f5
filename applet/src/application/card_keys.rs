//! Personalisation: GENERATE ASYMMETRIC KEY PAIR of the card keys, PUT DATA.

use super::Tillcard;
use super::state::Personalising;
use crate::key::{AgreementKey, CardKeyPairs};
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::PutData;
use tillcard_protocol::status::{self, Status};

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    #[inline(never)]
    pub(super) fn generate_card_keys(
        &mut self,
        _: Personalising,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let keys = CardKeyPairs::generate(&mut self.rng)?;
        self.persistent.set_card_keys(&keys)?;
        Ok(keys.public_keys().write(reply)?)
    }

    #[inline(never)]
    pub(super) fn put_data(&mut self, _: Personalising, put: &PutData<'_>) -> Result<(), Status> {
        match *put {
            PutData::Piece {
                certificate,
                number,
                bytes,
            } => self.persistent.put_certificate(certificate, number, bytes),
            PutData::End => self.persistent.end_personalisation(),
        }
    }

    /// The card keys of an issued card. One that was issued under version 0.1 or 0.2 has but the
    /// key that signs, and draws the other now (`[ACC-1]`).
    pub(super) fn card_keys_of_issued(&mut self) -> Result<CardKeyPairs, Status> {
        if let Some(keys) = self.persistent.card_keys()? {
            return Ok(keys);
        }
        let former = self
            .persistent
            .former_key()?
            .ok_or(status::MEMORY_FAILURE)?;
        let keys = CardKeyPairs {
            identity: former,
            agreement: AgreementKey::generate(&mut self.rng)?,
        };
        self.persistent.set_card_keys(&keys)?;
        Ok(keys)
    }
}
