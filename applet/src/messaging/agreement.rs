//! SCP11b, the card's side: one key agreement with the client's ephemeral key and
//! both of the card's, the lasting and an ephemeral one.

use super::channel::Channel;
use super::primitives::{BLOCK, Key};
use crate::key::AgreementKey;
use p256::PublicKey;
use rand_core::TryCryptoRng;
use sha2::{Digest, Sha256};
use tillcard_protocol::command::{ChannelOpened, OpenChannel, RECEIPT_LENGTH};
use tillcard_protocol::status::{self, Status};
use zeroize::Zeroizing;

/// Key usage, key type and key length, as in the control reference template.
const SHARED_INFO: [u8; 3] = [0x3C, 0x88, 0x10];
/// Receipt key, S-ENC, S-MAC, S-RMAC; the data encryption key behind them isn't
/// used.
const KEYS: usize = 4;

/// The client's ephemeral key.
///
/// # Errors
/// `6A80` unless it is on the curve.
pub fn client_key(open: &OpenChannel<'_>) -> Result<PublicKey, Status> {
    PublicKey::from_sec1_bytes(open.client_key).map_err(|_| status::INCORRECT_DATA)
}

/// Agrees on a channel's keys: the channel, and what the client is to be answered.
///
/// `[SCP-1]`: the keys of the channel, and the receipt.
///
/// # Errors
/// `6400`
pub fn agree(
    open: &OpenChannel<'_>,
    client: &PublicKey,
    own: &AgreementKey,
    rng: &mut impl TryCryptoRng,
) -> Result<(Channel, ChannelOpened), Status> {
    let ephemeral = AgreementKey::generate(rng)?;
    let card_key = ephemeral.uncompressed();
    let [receipt_key, encryption, mac, response_mac] =
        derive(&[&*ephemeral.agree(client), &*own.agree(client)]);
    let receipt: [u8; RECEIPT_LENGTH] =
        receipt_key.mac(&ChannelOpened::receipt_message(open.data, &card_key));
    Ok((
        Channel::new(encryption, mac, response_mac, receipt),
        ChannelOpened { card_key, receipt },
    ))
}

/// ANSI X9.63's key derivation with SHA-256 (BSI TR-03111 §4.3.3).
fn derive(secret: &[&[u8]; 2]) -> [Key; KEYS] {
    let mut derived = Zeroizing::new([0; 2 * 32]);
    for (counter, block) in (1u32..).zip(derived.chunks_exact_mut(32)) {
        let hash = secret
            .iter()
            .fold(Sha256::new(), |hash, part| hash.chain_update(part))
            .chain_update(counter.to_be_bytes())
            .chain_update(SHARED_INFO);
        hash.finalize_into(block.try_into().expect("a hash has 32 bytes"));
    }
    core::array::from_fn(|key| {
        let mut bytes = [0; BLOCK];
        bytes.copy_from_slice(&derived[key * BLOCK..][..BLOCK]);
        Key::new(bytes)
    })
}
