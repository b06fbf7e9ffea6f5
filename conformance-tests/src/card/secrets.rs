//! What a Tillcard must keep: `[KEY-3]`.

use crate::channel::Keys;
use crate::keys::Account;
use crate::leak::{Known, Secrets};
use crate::model::Pin;
use bitcoin::secp256k1::PublicKey;

/// Child keys of each chain whose secrets are looked for, from index 0.
const CHILDREN: u32 = 24;

/// The account: its keys, and what the owner alone may read.
#[must_use]
pub fn of_account(account: &Account) -> Secrets {
    let [_, x @ ..] = account.public_key();
    let mut keys = vec![x];
    for chain in [0, 1] {
        if let Ok(key) = account.chain_key(chain) {
            keys.push(key.public_key.x_only_public_key().0.serialize());
        }
        for index in 0..CHILDREN {
            if let Ok(key) = account.key(chain, index) {
                keys.push(key.x_only_public_key().0.serialize());
            }
            if let Ok(key) = account.output_key(chain, index) {
                keys.push(key.serialize());
            }
        }
    }
    Secrets {
        bytes: vec![
            Known::readable("part of the account's public key", x),
            Known::readable("part of the chain code", account.chain_code()),
        ],
        secp256k1: keys,
        ..Secrets::default()
    }
}

/// The card's share of an account key that it made, by its commitment.
#[must_use]
pub fn of_commitment(commitment: &PublicKey) -> Secrets {
    Secrets {
        secp256k1: vec![commitment.x_only_public_key().0.serialize()],
        ..Secrets::default()
    }
}

/// An account key that the host brought.
#[must_use]
pub fn of_import(key: &[u8; 32]) -> Secrets {
    Secrets {
        bytes: vec![Known::new("part of the account's secret key", *key)],
        chosen: true,
        ..Secrets::default()
    }
}

/// A PIN.
#[must_use]
pub fn of_pin(pin: &Pin) -> Secrets {
    Secrets {
        bytes: vec![
            Known::new("the PIN block", pin.block()),
            Known::new("the PIN's digits", pin.ascii()),
        ],
        ..Secrets::default()
    }
}

/// Keys of the card's own, compressed points of P-256.
#[must_use]
pub fn of_own_keys(keys: &[[u8; 33]]) -> Secrets {
    Secrets {
        p256: keys.iter().map(|[_, x @ ..]| *x).collect(),
        ..Secrets::default()
    }
}

/// The keys of a channel, and the secret of the card's ephemeral key.
#[must_use]
pub fn of_channel(keys: &Keys, ephemeral: [u8; 33]) -> Secrets {
    let session = [keys.receipt, keys.enc, keys.mac, keys.rmac];
    Secrets {
        bytes: session
            .map(|key| Known::new("part of a channel's key", key))
            .to_vec(),
        ..of_own_keys(&[ephemeral])
    }
}
