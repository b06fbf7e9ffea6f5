//! What a story at home begins with.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use bitcoin::bip32::{ChildNumber, DerivationPath, Xpriv, Xpub};
use bitcoin::key::{Secp256k1, TapTweak};
use bitcoin::{Amount, Network as Coin, ScriptBuf, TxOut};
use tempfile::TempDir;
use tillcard::owner::{Limits, Owner, Words};
use tillcard_client::account::Leaf;
use tillcard_client::card::{self, IssueOrder, PinBlock, Policy};
use tillcard_client::genuine::Checker;
use tillcard_emu::nvm::CardMemory;
use tillcard_emu::{EmulatedCard, Seed};

use crate::chain::{Ledger, Network, Node};
use crate::dice::Dice;
use crate::fuse::Fuse;
use crate::issuing::NewCard;
use crate::world::Failure;

/// The owner's words.
const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                     abandon abandon about";
/// The PIN of each card of his.
pub const PIN: &str = "5310";
/// What he begins with, in sat.
const FUNDS: u64 = 900_000;
/// Scripts of each chain of the wallet that are known to be its own: more than any story uses.
const SCRIPTS: u32 = 40;

/// The card that the owner issued before he lost his folder.
pub const FORMER: usize = 0;
/// Cards that are nobody's yet.
pub const BLANK: [usize; 2] = [1, 2];
/// A thief's card. It obeys the owner's key, has his leaf, and shows no certificates; a thief has its
/// secret.
pub const THIEF: usize = 3;

/// What a story at home begins with.
pub struct HomeFacts {
    /// The owner's folder: his words and his wallet, and no card.
    pub folder: TempDir,
    /// The cards' memories.
    pub images: Vec<Vec<u8>>,
    /// The chain.
    pub ledger: Ledger,
    /// The height above which stories are.
    pub granted: u32,
    /// The scripts of his wallet, derived from his words without his tool.
    pub wallet: HashSet<ScriptBuf>,
    /// Whom he trusts.
    pub checker: Checker,
}

impl HomeFacts {
    /// Makes it.
    ///
    /// # Errors
    /// When a card or the folder can't be made.
    pub fn new(checker: Checker) -> Result<Self, Failure> {
        let wallet = wallet_scripts()?;
        let folder = tempfile::tempdir()?;
        let network = Network::new(Ledger::new());
        let node = Node::new(network.clone(), Dice::new(0, 0), Fuse::new());
        network.ledger().mine();
        let words = Words::parse(WORDS)?;
        let mut owner = Owner::create(&folder.path().join("owner"), Coin::Regtest, &words, &node)?;
        let script = owner.next_address()?.script_pubkey();
        assert!(wallet.contains(&script), "the wallet is what the words say");
        network.ledger().grant(vec![TxOut {
            value: Amount::from_sat(FUNDS),
            script_pubkey: script,
        }]);
        let granted = network.ledger().bury();
        owner.sync(&node, &mut |_, _| ())?;
        let certified = |seed| -> Result<Vec<u8>, Failure> {
            let card = EmulatedCard::ephemeral(Seed::Number(seed))?;
            card.into_nvm().read_image()
        };
        let bare = EmulatedCard::ephemeral_blank(Seed::Number(14))?;
        let images = vec![
            issued(&owner, &certified(11)?)?,
            certified(12)?,
            certified(13)?,
            issued(&owner, &bare.into_nvm().read_image()?)?,
        ];
        let ledger = network.ledger().clone();
        Ok(Self {
            folder,
            images,
            ledger,
            granted,
            wallet,
            checker,
        })
    }

    /// A copy of the owner's folder at `to`.
    pub fn copy_folder(&self, to: &Path) {
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

/// The memory of a card with this one, once it is issued as the owner's card 0.
fn issued(owner: &Owner, image: &[u8]) -> Result<Vec<u8>, Failure> {
    let order = IssueOrder {
        network: Coin::Regtest,
        owner_key: owner.owner_key(0)?.public(),
        leaf: Leaf::with_delay(owner.leaf_key(0)?, 0),
        import: None,
        pin: &PinBlock::from_digits(PIN.as_bytes()).ok_or("a PIN")?,
        limits: card::Limits::from(&Limits::DEFAULT),
        policy: Policy {
            plain_sessions: false,
            statements: false,
        },
    };
    Ok(NewCard::issue(image, 5, &order)?.card.image())
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
