//! Opening a channel by SCP11b (`docs/protocol.md`, section 2.6).

use p256::PublicKey;
use p256::ecdh::EphemeralSecret;
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;
use subtle::ConstantTimeEq;
use tillcard_protocol::command::{Apdu, ChannelOpened, OpenChannel, UncompressedPoint};
use zeroize::Zeroizing;

use super::keys::{Keys, mac};
use super::messaging::Messaging;
use crate::card::{AgreementKey, CardError};

/// Where the data field stands in a short command.
const DATA: usize = 5;

/// A channel that is asked for.
pub(in crate::card) struct Opening {
    ephemeral: EphemeralSecret,
    command: Apdu,
}

impl Opening {
    /// Draws the client's ephemeral key.
    ///
    /// # Errors
    /// [`CardError::NoRandomness`].
    pub(in crate::card) fn new() -> Result<Self, CardError> {
        let ephemeral = EphemeralSecret::try_generate().map_err(|_| CardError::NoRandomness)?;
        let point = ephemeral.public_key().to_sec1_point(false);
        let point = UncompressedPoint::try_from(point.as_bytes()).expect("a point has 65 bytes");
        Ok(Self {
            ephemeral,
            command: OpenChannel::to_apdu(&point),
        })
    }

    /// The command APDU.
    pub(in crate::card) fn command(&self) -> &[u8] {
        self.command.as_bytes()
    }

    /// The channel, if the card that gave this answer has the agreement key `key`.
    ///
    /// # Errors
    /// [`CardError::NotThisCard`] when it hasn't; [`CardError::Malformed`].
    pub(in crate::card) fn complete(
        &self,
        answer: &[u8],
        key: &AgreementKey,
    ) -> Result<Messaging, CardError> {
        const MALFORMED: CardError = CardError::Malformed { command: NAME };
        let opened = ChannelOpened::parse(answer).map_err(|_| MALFORMED)?;
        let card_ephemeral = PublicKey::from_sec1_bytes(&opened.card_key).map_err(|_| MALFORMED)?;
        let card_key = PublicKey::from_sec1_bytes(&key.0).map_err(|_| CardError::NotThisCard)?;

        let mut agreed = Zeroizing::new([0; 64]);
        let halves = agreed.chunks_exact_mut(32);
        for (half, public) in halves.zip([&card_ephemeral, &card_key]) {
            half.copy_from_slice(self.ephemeral.diffie_hellman(public).raw_secret_bytes());
        }
        let keys = Keys::derive(&agreed);
        let (_, sent) = self.command().split_at(DATA);
        // Le isn't a part of the data.
        let data = &sent[..sent.len() - 1];
        let covered = ChannelOpened::receipt_message(data, &opened.card_key);
        let expected = mac(&keys.receipt, &covered);
        if !bool::from(opened.receipt.ct_eq(&expected)) {
            return Err(CardError::NotThisCard);
        }
        Ok(Messaging::new(keys, opened.receipt))
    }
}

/// The command's name.
pub(in crate::card) const NAME: &str = "INTERNAL AUTHENTICATE";
