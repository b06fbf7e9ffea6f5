//! The account key's encrypted copy on the chain.
//!
//! The words don't give a card's made account key, so the primary wallet's own first top-up of a
//! card carries it, encrypted, in an OP_RETURN: words and chain suffice to find the card's coins.
//!
//! - plaintext: x-only account key (32 bytes) ‖ chain code (32 bytes);
//! - cipher: ChaCha20-Poly1305 (RFC 8439), 64 bytes and a tag of 16: 80, the most that every node
//!   relays (a data output of 83 bytes);
//! - key: from the words, one for each card (see [`keys`](super::keys));
//! - nonce: the first 12 bytes of `TH("Tillcard/backup-nonce", outpoint)`, the outpoint being the
//!   transaction's first input (txid ‖ vout as in the transaction). An outpoint is spent once, so
//!   a key never sees a nonce twice with another plaintext;
//! - associated data: format ‖ network ‖ leaf ‖ parity of the account key, a byte each, the leaf's
//!   being 0 for `pk(PRIMARY)`, 1 for one with `older(n)`, 2 for none; then n, two bytes, if there
//!   is one. They are not written down: whoever opens tries the two parities, and the delays.

use bitcoin::consensus::serialize;
use bitcoin::script::PushBytesBuf;
use bitcoin::secp256k1::{Parity, PublicKey};
use bitcoin::{Network, OutPoint, Script, ScriptBuf, XOnlyPublicKey};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce, Tag};

use super::keys::BackupKey;
use tillcard_client::account::CardAccount;
use tillcard_client::account::Leaf;
use tillcard_client::account::tagged_hash;

/// Bytes of a sealed backup.
pub(super) const SEALED_SIZE: usize = 80;

const FORMAT: u8 = 0;
const PLAIN_SIZE: usize = 64;

/// Seals the account for the transaction whose first input is `first_input`.
pub(super) fn seal(
    key: &BackupKey,
    account: &CardAccount,
    first_input: &OutPoint,
) -> [u8; SEALED_SIZE] {
    let (x_only, parity) = account.account_key().x_only_public_key();
    let mut sealed = [0; SEALED_SIZE];
    let (text, tag) = sealed.split_at_mut(PLAIN_SIZE);
    text[..32].copy_from_slice(&x_only.serialize());
    text[32..].copy_from_slice(&account.chain_code());
    let associated = associated_data(account.network(), &account.leaf(), parity);
    let made = cipher(key)
        .encrypt_inout_detached(&nonce(first_input), &associated, text.into())
        .expect("64 bytes are within the cipher's limits");
    tag.copy_from_slice(&made);
    sealed
}

/// What the leaf in a backup may be. Its key is the card's: it comes from the words too.
#[derive(Clone, Copy)]
pub(super) enum LeafGuess {
    /// `pk(PRIMARY)`.
    WithoutDelay(XOnlyPublicKey),
    /// With any delay: this takes a second.
    Delayed(XOnlyPublicKey),
}

impl LeafGuess {
    fn leaves(self) -> impl Iterator<Item = Leaf> {
        let (key, delays) = match self {
            Self::WithoutDelay(key) => (key, 0..=0),
            Self::Delayed(key) => (key, 1..=u16::MAX),
        };
        delays.map(move |delay| Leaf::with_delay(key, delay))
    }
}

/// Opens `sealed`, if it was sealed under this key, for this network, for such a leaf and for the
/// transaction whose first input is `first_input`.
pub(super) fn open(
    key: &BackupKey,
    network: Network,
    leaf: LeafGuess,
    first_input: &OutPoint,
    sealed: &[u8; SEALED_SIZE],
) -> Option<CardAccount> {
    let (text, tag) = sealed.split_at(PLAIN_SIZE);
    let tag = Tag::try_from(tag).ok()?;
    let (cipher, nonce) = (cipher(key), nonce(first_input));
    let parities = [Parity::Even, Parity::Odd];
    let mut guesses = leaf
        .leaves()
        .flat_map(|leaf| parities.map(|parity| (leaf, parity)));
    guesses.find_map(|(leaf, parity)| {
        let mut plain = [0; PLAIN_SIZE];
        plain.copy_from_slice(text);
        let associated = associated_data(network, &leaf, parity);
        cipher
            .decrypt_inout_detached(&nonce, &associated, plain.as_mut_slice().into(), &tag)
            .ok()?;
        let x_only = XOnlyPublicKey::from_slice(&plain[..32]).ok()?;
        let chain_code = plain[32..].try_into().ok()?;
        Some(CardAccount::new(
            network,
            PublicKey::from_x_only_public_key(x_only, parity),
            chain_code,
            leaf,
        ))
    })
}

/// The script that carries a sealed backup.
pub(super) fn script(sealed: &[u8; SEALED_SIZE]) -> ScriptBuf {
    let mut data = PushBytesBuf::with_capacity(SEALED_SIZE);
    data.extend_from_slice(sealed)
        .expect("80 bytes are less than 2^32");
    ScriptBuf::new_op_return(data)
}

/// What may be a sealed backup in an output's script.
pub(super) fn sealed_in(script: &Script) -> Option<[u8; SEALED_SIZE]> {
    // OP_RETURN, OP_PUSHDATA1, length, data.
    match script.as_bytes() {
        [0x6a, 0x4c, 80, data @ ..] => data.try_into().ok(),
        _ => None,
    }
}

fn cipher(key: &BackupKey) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&Key::from(*key.0))
}

fn nonce(first_input: &OutPoint) -> Nonce {
    let hash = tagged_hash("Tillcard/backup-nonce", &[&serialize(first_input)]);
    let mut nonce = [0; 12];
    nonce.copy_from_slice(&hash[..12]);
    Nonce::from(nonce)
}

fn associated_data(network: Network, leaf: &Leaf, parity: Parity) -> Vec<u8> {
    let network = match network {
        Network::Bitcoin => 0,
        Network::Testnet | Network::Testnet4 => 1,
        Network::Signet => 2,
        _ => 3,
    };
    let kind = match leaf {
        Leaf::Key { .. } => 0,
        Leaf::Delayed { .. } => 1,
        Leaf::None => 2,
    };
    let mut associated = vec![FORMAT, network, kind, parity.to_u8()];
    if let Leaf::Delayed { blocks, .. } = leaf {
        associated.extend_from_slice(&blocks.to_be_bytes());
    }
    associated
}

#[cfg(test)]
mod tests {
    use bitcoin::key::Secp256k1;
    use bitcoin::secp256k1::SecretKey;
    use bitcoin::{Txid, hashes::Hash};
    use zeroize::Zeroizing;

    use super::*;

    const LEAF: [u8; 32] = [0x77; 32];

    fn key(byte: u8) -> BackupKey {
        BackupKey(Zeroizing::new([byte; 32]))
    }

    fn outpoint(vout: u32) -> OutPoint {
        OutPoint {
            txid: Txid::from_byte_array([9; 32]),
            vout,
        }
    }

    fn account(secret: u8, network: Network) -> CardAccount {
        let secp = Secp256k1::new();
        let public = |secret| {
            SecretKey::from_slice(&[secret; 32])
                .unwrap()
                .public_key(&secp)
        };
        let key = public(LEAF[0]).x_only_public_key().0;
        CardAccount::new(network, public(secret), [0x55; 32], Leaf::Key { key })
    }

    fn guess(account: &CardAccount) -> LeafGuess {
        let key = account.leaf().key().unwrap();
        match account.leaf().delay() {
            0 => LeafGuess::WithoutDelay(key),
            _ => LeafGuess::Delayed(key),
        }
    }

    #[test]
    fn opens_what_was_sealed_of_either_parity() {
        let mut parities = Vec::new();
        for secret in 1..=4 {
            let mut account = account(secret, Network::Regtest);
            parities.push(account.account_key().x_only_public_key().1);
            if secret > 2 {
                let key = account.leaf().key().unwrap();
                let delayed = Leaf::Delayed { key, blocks: 144 };
                let (key, code) = (account.account_key(), account.chain_code());
                account = CardAccount::new(Network::Regtest, key, code, delayed);
            }
            let sealed = seal(&key(1), &account, &outpoint(0));
            let carried = sealed_in(&script(&sealed)).unwrap();
            let opened = open(
                &key(1),
                Network::Regtest,
                guess(&account),
                &outpoint(0),
                &carried,
            );
            assert_eq!(opened, Some(account));
        }
        assert!(parities.contains(&Parity::Even) && parities.contains(&Parity::Odd));
    }

    #[test]
    fn opens_nothing_else() {
        let account = account(1, Network::Regtest);
        let leaf = guess(&account);
        let sealed = seal(&key(1), &account, &outpoint(0));
        let fails = |key: &BackupKey, network, outpoint: OutPoint, sealed: &[u8; 80]| {
            assert_eq!(open(key, network, leaf, &outpoint, sealed), None);
        };
        fails(&key(2), Network::Regtest, outpoint(0), &sealed);
        fails(&key(1), Network::Signet, outpoint(0), &sealed);
        fails(&key(1), Network::Regtest, outpoint(1), &sealed);
        for place in 0..SEALED_SIZE {
            let mut damaged = sealed;
            damaged[place] ^= 1;
            fails(&key(1), Network::Regtest, outpoint(0), &damaged);
        }
    }

    #[test]
    fn the_output_passes_the_classic_relay_limit() {
        let sealed = seal(&key(1), &account(1, Network::Regtest), &outpoint(0));
        assert_eq!(script(&sealed).len(), 83);
        assert!(script(&sealed).is_op_return());
        assert_eq!(sealed_in(&ScriptBuf::new_op_return([1; 75])), None);
        assert_eq!(sealed_in(&ScriptBuf::new()), None);
    }

    #[test]
    fn the_text_is_hidden_and_never_the_same() {
        let account = account(1, Network::Regtest);
        let first = seal(&key(1), &account, &outpoint(0));
        let second = seal(&key(1), &account, &outpoint(1));
        let (x_only, _) = account.account_key().x_only_public_key();
        assert!(
            !first
                .windows(8)
                .any(|window| window == &x_only.serialize()[..8])
        );
        assert!(
            (0..SEALED_SIZE)
                .filter(|&place| first[place] == second[place])
                .count()
                < 10
        );
    }
}
