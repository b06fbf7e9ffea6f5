//! A card at a till, in a plain session or in a channel. What the till computes is done
//! before: only the card's time is measured.

#![allow(dead_code)] // Each benchmark uses its part.

use p256::{PublicKey, SecretKey, ecdh};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tillcard_applet::{Card, Configuration};
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::card::{Reader, SELECT, TestCard, apdu, fresh, send};
use tillcard_testkit::channel::{Client, open_apdu};
use tillcard_testkit::oracle::model::Model;
use tillcard_testkit::oracle::owner::enter;
use tillcard_testkit::oracle::payment::request;
use tillcard_testkit::oracle::random::Random;
use tillcard_testkit::oracle::wallet::{Leaf, Limits, Profile, Wallet};

/// Each coin's amount, in sat.
pub const COIN: u64 = 10_000;

/// A card with sixteen equal coins, and its wallet.
pub fn funded() -> (RamNvm, Wallet) {
    let mut random = Random::new(1);
    let mut card = fresh(1);
    let profile = Profile {
        network: 3,
        imported: false,
        leaf: Leaf::Key,
        limits: Limits::WIDE,
        policy: 1,
    };
    let wallet = Wallet::issue(&mut card, &mut random, &profile);
    let model = &mut Model::new(&wallet, Limits::WIDE);
    for index in 0..16 {
        enter(&mut card, model, &mut random, (0, index), COIN);
    }
    (card.into_nvm(), wallet)
}

pub fn selected(nvm: &RamNvm) -> TestCard {
    let mut card = Card::new(
        nvm.clone(),
        ChaCha20Rng::seed_from_u64(2),
        Configuration::ANY_NETWORK,
    );
    assert_eq!(send(&mut card, SELECT).1, 0x9000);
    card
}

/// Header and data field of a command.
type Command = ([u8; 4], Vec<u8>);

/// The kind of session.
#[derive(Clone, Copy)]
pub enum Session {
    Plain,
    Channel,
}

/// What tills do, from the same card each time.
pub struct Till {
    nvm: RamNvm,
    wallet: Wallet,
    ephemeral: SecretKey,
    other: PublicKey,
}

/// A card, and commands that are about to be sent to it.
pub struct Ready {
    card: TestCard,
    commands: Vec<Vec<u8>>,
}

impl Till {
    pub fn new() -> Self {
        let (nvm, wallet) = funded();
        let ephemeral = SecretKey::from_slice(&[7; 32]).unwrap();
        Self {
            nvm,
            wallet,
            other: ephemeral.public_key(),
            ephemeral,
        }
    }

    /// The opening of a channel.
    pub fn opening(&self) -> Ready {
        Ready {
            card: selected(&self.nvm),
            commands: vec![open_apdu(&self.ephemeral)],
        }
    }

    /// One of the card's three multiplications by a secret when a channel is opened.
    pub fn agreement(&self) -> ecdh::SharedSecret {
        ecdh::diffie_hellman(self.ephemeral.to_nonzero_scalar(), self.other.as_affine())
    }

    /// GET DATA of the status.
    pub fn status(&self, session: Session) -> Ready {
        self.ready(session, &[([0x00, 0xCA, 0x01, 0x00], Vec::new())])
    }

    /// VERIFY, PREVIEW and PAY of one coin, with payee and change.
    pub fn payment(&self, session: Session) -> Ready {
        let request = request(&mut Random::new(3), 1_000, 1_000).data();
        let verify = ([0x00, 0x20, 0x00, 0x80], self.wallet.pin.to_vec());
        let preview = ([0x80, 0x32, 0x00, 0x00], request.clone());
        let pay = ([0x80, 0x30, 0x00, 0x00], request);
        self.ready(session, &[verify, preview, pay])
    }

    fn ready(&self, session: Session, commands: &[Command]) -> Ready {
        let mut card = selected(&self.nvm);
        let commands = match session {
            Session::Plain => commands
                .iter()
                .map(|(header, data)| apdu(*header, data, true))
                .collect(),
            Session::Channel => {
                let agreement_key = &self.wallet.card_keys.agreement;
                let mut client = Client::open(&mut card, &self.ephemeral, agreement_key);
                commands
                    .iter()
                    .map(|(header, data)| client.protect(*header, data))
                    .collect()
            }
        };
        Ready { card, commands }
    }
}

impl Ready {
    pub fn run(&mut self) {
        for command in &self.commands {
            let response = Reader::transmit(&mut self.card, command);
            let status = &response[response.len() - 2..];
            assert!(matches!(status, [0x90, 0x00] | [0x61, _]));
        }
    }
}
