//! Card time: without a reader, on memory or on the disk.

use k256::schnorr::SigningKey;
use k256::schnorr::signature::hazmat::PrehashSigner;
use tempfile::TempDir;
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::nvm::{SledNvm, Store};
use tillcard_emu::{CardInSlot, EmulatedCard, Seed};
use tillcard_protocol::command::{Apdu, Select};
use tillcard_runtime::nvm::RamNvm;

use super::support::contacts::{Contacts, powered};
use super::support::owner::{Owner, PIN, pay, verify};

/// One BIP340 signature with `k256`, what everything on the card is measured by.
pub struct Signature(SigningKey);

impl Signature {
    pub fn new() -> Self {
        Self(SigningKey::from_bytes(&[0x33; 32].into()).unwrap())
    }

    pub fn make(&self) -> k256::schnorr::Signature {
        self.0.sign_prehash(&[0x55; 32]).unwrap()
    }
}

/// A card that is about to pay: one coin, payee and change. Nothing of an earlier payment is in
/// its RAM.
pub struct Payment {
    issued: RamNvm,
    command: Apdu,
}

impl Payment {
    pub fn new() -> Self {
        let mut card = powered(EmulatedCard::ephemeral(Seed::Number(1)).unwrap());
        let mut owner = Owner::issue(&mut card);
        owner.enter(&mut card, 0, 100_000, 0);
        Self {
            issued: card.into_nvm(),
            command: pay(21_000),
        }
    }

    /// A card with the PIN entered.
    pub fn ready(&self) -> EmulatedCard<RamNvm> {
        let rng = Seed::Number(2).generator(DEFAULT_NAME, 0).unwrap();
        let mut card = powered(EmulatedCard::new(self.issued.clone(), rng));
        card.done(&Select::to_apdu());
        card.done(&verify(PIN));
        card
    }

    pub fn pay(&self, card: &mut EmulatedCard<RamNvm>) {
        let answer = card.transmit(self.command.as_bytes()).unwrap();
        assert!(
            answer.ends_with(&[0x90, 0x00]),
            "a payment of one coin fits a short answer"
        );
    }
}

/// An issued card on the disk.
pub struct OnDisk {
    card: EmulatedCard<SledNvm>,
    verify: Apdu,
    _folder: TempDir,
}

impl OnDisk {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut card =
            powered(EmulatedCard::persistent(&store, DEFAULT_NAME, Seed::Number(1)).unwrap());
        Owner::issue(&mut card);
        Self {
            card,
            verify: verify(PIN),
            _folder: folder,
        }
    }

    /// The right PIN: the try is used up, compared, given back, and all of it made durable.
    pub fn verify(&mut self) {
        assert_eq!(
            self.card.transmit(self.verify.as_bytes()).unwrap(),
            [0x90, 0x00]
        );
    }
}

/// The same database with nothing but one small value.
pub struct Flush {
    tree: sled::Db,
    count: u64,
    _folder: TempDir,
}

impl Flush {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = sled::Config::new()
            .path(folder.path())
            .flush_every_ms(None)
            .open()
            .unwrap();
        Self {
            tree,
            count: 0,
            _folder: folder,
        }
    }

    pub fn insert_and_flush(&mut self) {
        self.count += 1;
        self.tree.insert(b"key", &self.count.to_be_bytes()).unwrap();
        self.tree.flush().unwrap();
    }
}
