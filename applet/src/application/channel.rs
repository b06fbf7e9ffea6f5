//! INTERNAL AUTHENTICATE, both: opening a channel, and proving genuineness.

use super::Tillcard;
use crate::messaging;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{GenuineProof, OpenChannel, ProveGenuine};
use tillcard_protocol::proof::Genuine;
use tillcard_protocol::status::{self, Status};

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// Opens a channel in a session that has nothing in it: what came before was
    /// forgotten when the command came (`[SES-2]`).
    ///
    /// - `[SCP-2]`: a new ephemeral key each time.
    /// - `[SCP-3]`: the order of its refusals; inside a channel it is refused.
    #[inline(never)]
    pub(super) fn open_channel(
        &mut self,
        open: &OpenChannel<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let client = messaging::client_key(open)?;
        let card_keys = self.persistent.card_keys()?.ok_or(status::CONDITIONS)?;
        if self.volatile.channel.is_some() {
            return Err(status::CONDITIONS);
        }
        let (channel, opened) =
            messaging::agree(open, &client, &card_keys.agreement, &mut self.rng)?;
        opened.write(reply)?;
        self.volatile.channel = Some(channel);
        Ok(())
    }

    /// - `[GEN-1]`: a valid signature, over a fresh salt.
    /// - `[GEN-2]`: without card keys it is refused.
    /// - `[GEN-3]`: it gives no authority, and changes nothing.
    #[inline(never)]
    pub(super) fn prove_genuine(
        &mut self,
        prove: &ProveGenuine<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let card_keys = self.persistent.card_keys()?.ok_or(status::CONDITIONS)?;
        let salt = self.salt()?;
        let digest = Genuine {
            session: &self.volatile.session(),
            challenge: prove.challenge,
            salt: &salt,
        }
        .digest();
        let signature = card_keys.identity.sign(&digest, &mut self.rng)?;
        Ok(GenuineProof { salt, signature }.write(reply)?)
    }
}
