//! What a robber would look for in the till: everything from which coins could be spent.

use std::path::Path;

use bip39::Mnemonic;
use bitcoin::bip32::{ChainCode, ChildNumber, DerivationPath, Fingerprint, Xpriv};
use bitcoin::key::{Keypair, Secp256k1, TapTweak};
use bitcoin::secp256k1::{All, SecretKey};
use bitcoin::taproot::{LeafVersion, TapNodeHash};
use bitcoin::{Network, NetworkKind, ScriptBuf, XOnlyPublicKey};
use tillcard_applet::persistent::Persistent;
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::nvm::Store;
use tillcard_protocol::command::Leaf;
use zeroize::Zeroizing;

use super::failure::{DemoError, expect};
use tillcard::owner::Words;
use tillcard::scan::{Finding, Secrets};

/// Words in a row that count as a part of the backup.
const WORDS_IN_A_ROW: usize = 3;

/// The owner's secrets: words, entropy, seed, master key, the wallet's account key (BIP86).
pub(super) fn add_wallet(secrets: &mut Secrets, words: &Words) -> Result<(), DemoError> {
    let phrase = words.phrase();
    let mnemonic = Mnemonic::parse(phrase.as_str())?;
    let words: Vec<&str> = phrase.split(' ').collect();
    for row in words.windows(WORDS_IN_A_ROW) {
        secrets.add_text("backup words", &Zeroizing::new(row.join(" ")));
    }
    let seed = Zeroizing::new(mnemonic.to_seed(""));
    secrets.add_bytes("seed", &*seed);
    secrets.add_bytes("entropy", &Zeroizing::new(mnemonic.to_entropy()));
    let secp = Secp256k1::new();
    let master = Xpriv::new_master(Network::Regtest, &*seed)?;
    secrets.add_bytes("wallet's master key", &master.private_key.secret_bytes());
    let path: DerivationPath = "86h/1h/0h".parse()?;
    let account = master.derive_priv(&secp, &path)?;
    secrets.add_bytes("wallet's account key", &account.private_key.secret_bytes());
    Ok(())
}

/// The card's own secrets, read from its memory while it is out of the reader.
pub(super) struct CardSecrets {
    /// Account key, child keys and PIN, for the search.
    pub(super) secrets: Secrets,
    /// All that the card's memory holds.
    image: Zeroizing<Vec<u8>>,
    /// How many keys are among them.
    pub(super) keys: usize,
}

impl CardSecrets {
    /// Opens the memory of the card in `store`.
    pub(super) fn read(store: &Path, pin: &str, wrong_pin: &str) -> Result<Self, DemoError> {
        let status =
            |status| DemoError::new(format!("the card's memory can't be read: {status:?}"));
        let nvm = Store::open(store)?.card(DEFAULT_NAME)?;
        let image = Zeroizing::new(nvm.image().to_vec());
        let mut card = Persistent::open(nvm);
        let identity = card.identity().map_err(status)?;
        let counters = card.counters().map_err(status)?;
        let next_receive = card.next_receive(&counters).map_err(status)?;
        let next_change = card.next_change(&counters).map_err(status)?;
        let stored_pin = card.pin().map_err(status)?;

        let mut secrets = Secrets::default();
        secrets.add_pin("PIN", pin);
        secrets.add_pin("wrong PIN", wrong_pin);
        let block = hex::encode(stored_pin.as_bytes());
        expect(
            block.contains(pin),
            "the card has another PIN than the holder",
        )?;

        let account = identity.account.to_bytes();
        let root = Xpriv {
            network: NetworkKind::Test,
            depth: 0,
            parent_fingerprint: Fingerprint::default(),
            child_number: ChildNumber::Normal { index: 0 },
            private_key: SecretKey::from_slice(&account[..32])?,
            chain_code: ChainCode::from(*identity.account.chain_code()),
        };
        let keys = KeyRing {
            secp: Secp256k1::new(),
            leaf: leaf_hash(&identity.leaf)?,
        };
        secrets.add_bytes("account key", &root.private_key.secret_bytes());
        let mut count = 1;
        for (chain, next) in [(0, next_receive), (1, next_change)] {
            // The next one too: it may have been made ahead.
            for index in 0..=next {
                keys.add(&mut secrets, &root, chain, index)?;
                count += 2;
            }
        }
        Ok(Self {
            secrets,
            image,
            keys: count,
        })
    }

    /// What the scanner finds in the card's own memory: the account key and the PIN must be among
    /// it, or the scanner is worth nothing.
    pub(super) fn find_at_home(&self) -> Vec<Finding> {
        self.secrets.search(&self.image, |offset| {
            format!("the card's NVM at {offset:#x}")
        })
    }
}

struct KeyRing {
    secp: Secp256k1<All>,
    leaf: TapNodeHash,
}

impl KeyRing {
    /// A child key, and the same with the tweak that its output key has (BIP341).
    fn add(
        &self,
        secrets: &mut Secrets,
        root: &Xpriv,
        chain: u32,
        index: u32,
    ) -> Result<(), DemoError> {
        let path = [chain, index].map(|index| ChildNumber::Normal { index });
        let child = root.derive_priv(&self.secp, &path)?;
        secrets.add_bytes(
            &format!("child key {chain}/{index}"),
            &child.private_key.secret_bytes(),
        );
        let pair = Keypair::from_secret_key(&self.secp, &child.private_key);
        let tweaked = pair.tap_tweak(&self.secp, Some(self.leaf)).to_keypair();
        secrets.add_bytes(
            &format!("tweaked key {chain}/{index}"),
            &tweaked.secret_bytes(),
        );
        Ok(())
    }
}

fn leaf_hash(leaf: &Leaf) -> Result<TapNodeHash, DemoError> {
    let Leaf::Key(primary) = leaf else {
        return Err(DemoError::new(
            "the card has another leaf than it was given",
        ));
    };
    let leaf = ScriptBuf::builder()
        .push_x_only_key(&XOnlyPublicKey::from_slice(primary)?)
        .push_opcode(bitcoin::opcodes::all::OP_CHECKSIG)
        .into_script();
    Ok(TapNodeHash::from_script(&leaf, LeafVersion::TapScript))
}
