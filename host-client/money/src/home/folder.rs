//! An owner's folder before the stories begin: his words and his wallet.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use bitcoin::bip32::{ChildNumber, DerivationPath, Xpriv, Xpub};
use bitcoin::key::{Secp256k1, TapTweak};
use bitcoin::{Amount, Network as Coin, ScriptBuf, TxOut};
use tempfile::TempDir;
use tillcard::owner::{Owner, Words};

use crate::chain::{Network, Node};
use crate::world::Failure;

/// The owner's words.
pub const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                         abandon abandon about";
/// What he begins with, in sat.
const FUNDS: u64 = 900_000;
/// Scripts of each chain of the wallet that are known to be its own: more than any story uses.
const SCRIPTS: u32 = 40;

/// An owner's folder.
pub struct OwnersFolder {
    folder: TempDir,
    /// The scripts of his wallet, derived from his words without his tool.
    pub wallet: HashSet<ScriptBuf>,
}

impl OwnersFolder {
    /// Makes it, and pays the owner what he begins with.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn create(network: &Network, node: &Node) -> Result<(Self, Owner), Failure> {
        let (folder, wallet) = (tempfile::tempdir()?, wallet_scripts()?);
        network.ledger().mine();
        let words = Words::parse(WORDS)?;
        let path = folder.path().join("owner");
        let mut owner = Owner::create(&path, Coin::Regtest, &words, node)?;
        let script = owner.next_address()?.script_pubkey();
        assert!(wallet.contains(&script), "the wallet is what the words say");
        network.ledger().grant(vec![TxOut {
            value: Amount::from_sat(FUNDS),
            script_pubkey: script,
        }]);
        Ok((Self { folder, wallet }, owner))
    }

    /// A copy of it at `to`.
    pub fn copy_to(&self, to: &Path) {
        copy(&self.folder.path().join("owner"), to).expect("a folder in RAM");
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// What BIP86 gives for these words.
fn wallet_scripts() -> Result<HashSet<ScriptBuf>, Failure> {
    let secp = Secp256k1::new();
    let seed = bip39::Mnemonic::parse(WORDS)?.to_seed("");
    let path: DerivationPath = "m/86'/1'/0'".parse()?;
    let account = Xpriv::new_master(Coin::Regtest, &seed)?.derive_priv(&secp, &path)?;
    let account = Xpub::from_priv(&secp, &account);
    let mut scripts = HashSet::new();
    for chain in 0..2 {
        for index in 0..SCRIPTS {
            let path = [chain, index].map(|index| ChildNumber::Normal { index });
            let key = account.derive_pub(&secp, &path)?.to_x_only_pub();
            let (key, _) = key.tap_tweak(&secp, None);
            scripts.insert(ScriptBuf::new_p2tr_tweaked(key));
        }
    }
    Ok(scripts)
}
