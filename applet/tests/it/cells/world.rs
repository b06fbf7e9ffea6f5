//! Cards in all states, and what they answer.

use super::rows::What;
use super::rules::{Column, Role, Session};
use bitcoin::ScriptBuf;
use bitcoin::key::{Keypair, Secp256k1};
use bitcoin::secp256k1::{Message, SecretKey};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tillcard_applet::{Card, Configuration};
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::card::{Reader, SELECT, TestCard, apdu, fresh, objects, send};
use tillcard_testkit::channel::{InChannel, open_data};
use tillcard_testkit::oracle::model::Model;
use tillcard_testkit::oracle::owner::enter;
use tillcard_testkit::oracle::payment::Request;
use tillcard_testkit::oracle::random::Random;
use tillcard_testkit::oracle::wallet::{Leaf, Limits, Profile, Wallet, tagged_hash};

pub const LIMITS: Limits = Limits {
    payments: 100,
    ..Limits::WIDE
};

/// Cards in all states, and what their host knows.
pub struct World {
    pub wallet: Wallet,
    /// The agreement key of the card in the factory state.
    pub factory_key: Vec<u8>,
    /// ISSUE's data.
    pub issue: Vec<u8>,
    /// Payment 0, which all issued cards made.
    pub paid: Request,
    /// One that none made.
    pub request: Request,
    /// By state: with policy `03`, and with policy `02`.
    pub cards: Vec<[RamNvm; 2]>,
}

pub fn command(card: &mut impl Reader, header: [u8; 4], data: &[u8], expected: u16) -> Vec<u8> {
    let (answer, status) = send(card, &apdu(header, data, true));
    assert_eq!(status, expected, "{header:02X?}");
    answer
}

pub fn payment(number: u8) -> Request {
    Request {
        amount: 1_000,
        rate: 1_000,
        payee: ScriptBuf::from([&[0x00, 0x14][..], &[0x44; 20]].concat()),
        unrooted: false,
        identity: [number; 16],
        merchant: Vec::new(),
        invoice: Vec::new(),
    }
}

impl World {
    pub fn new() -> Self {
        let mut card = fresh(1);
        assert_eq!(send(&mut card, SELECT).1, 0x9000);
        let answer = command(&mut card, [0x00, 0x46, 0, 1], &[], 0x9000);
        let factory_key = answer[37..].to_vec();
        for p2 in [0x00, 0x10, 0x20] {
            command(&mut card, [0x00, 0xDA, 2, p2], &[0x30, 0], 0x9000);
        }
        let factory = card.nvm().clone();
        command(&mut card, [0x00, 0xDA, 2, 0xFF], &[], 0x9000);
        let profile = Profile {
            network: 3,
            imported: true,
            leaf: Leaf::None,
            limits: LIMITS,
            policy: 3,
        };
        let random = &mut Random::new(1);
        let wallet = Wallet::issue(&mut card, random, &profile);
        assert_eq!(wallet.card_keys.agreement, factory_key);
        let model = &mut Model::new(&wallet, LIMITS);
        for index in 0..3 {
            enter(&mut card, model, random, (0, index), 900_000);
        }
        let verify = [0x00, 0x20, 0x00, 0x80];
        command(&mut card, verify, &wallet.pin, 0x9000);
        command(&mut card, [0x80, 0x30, 0, 0], &payment(0).data(), 0x9000);
        let unread = card.nvm().clone();
        let seen = objects(&[(0x80, &1u32.to_be_bytes()), (0x81, &0u32.to_be_bytes())]);
        assert_eq!(
            wallet.command(&mut card, [0x80, 0x44, 0, 0], &seen).1,
            0x9000
        );
        let issued = card.nvm().clone();

        let mut card = selected(&issued);
        for left in [0x63C2, 0x63C1, 0x63C0] {
            command(&mut card, verify, &[0; 8], left);
        }
        let blocked = card.into_nvm();

        let mut card = selected(&unread);
        for number in 1..64 {
            command(&mut card, verify, &wallet.pin, 0x9000);
            command(
                &mut card,
                [0x80, 0x30, 0, 0],
                &payment(number).data(),
                0x9000,
            );
        }
        let log_full = card.into_nvm();

        let mut card = selected(&issued);
        assert_eq!(wallet.command(&mut card, [0x00, 0xFE, 0, 0], &[]).1, 0x9000);
        let terminated = card.into_nvm();

        let not_allowed = |nvm: &RamNvm| {
            let mut card = selected(nvm);
            let policy = objects(&[(0x86, &[2])]);
            let (_, status) = wallet.command(&mut card, [0x80, 0x52, 0, 0], &policy);
            assert_eq!(status, 0x9000);
            card.into_nvm()
        };
        let cards = vec![
            [factory.clone(), factory],
            [issued.clone(), not_allowed(&issued)],
            [blocked.clone(), not_allowed(&blocked)],
            [log_full.clone(), not_allowed(&log_full)],
            [terminated.clone(), terminated],
        ];
        let issue = issue_data(&wallet);
        Self {
            wallet,
            factory_key,
            issue,
            paid: payment(0),
            request: payment(200),
            cards,
        }
    }

    /// What the card answers.
    pub fn answered(&self, state: usize, column: Column, what: &What) -> u16 {
        let [allowed, not_allowed] = &self.cards[state];
        match column.session {
            Session::Plain => self.ask(selected(allowed), column.role, what),
            Session::NotAllowed => self.ask(selected(not_allowed), column.role, what),
            Session::Channel => {
                // A channel must do even where a plain session wouldn't.
                let card = selected(not_allowed);
                let channel = InChannel::new(card, &self.factory_key);
                self.ask(channel, column.role, what)
            }
        }
    }

    pub fn ask(&self, mut card: impl Reader, role: Role, what: &What) -> u16 {
        if role == Role::Holder {
            command(&mut card, [0x00, 0x20, 0, 0x80], &self.wallet.pin, 0x9000);
        }
        let by_owner = role == Role::Owner;
        let (header, data) = match what {
            What::Open => {
                let ephemeral = p256::SecretKey::from_slice(&[9; 32]).unwrap();
                ([0x80, 0x88, 0x01, 0x13], open_data(&ephemeral))
            }
            What::Command(header, data) => (*header, data.clone()),
            What::Signed(header, body) => (
                *header,
                self.signed(&mut card, by_owner, *header, |_| body.clone()),
            ),
            What::ChangeOwnerKey => {
                let header = [0x80, 0x4C, 0, 0];
                let session = card.session();
                let body = |challenge: &[u8]| self.new_key(&session, challenge);
                (header, self.signed(&mut card, by_owner, header, body))
            }
        };
        let protected = card.session() != [0];
        let is_bare = matches!(header[1], 0xA4 | 0xC0);
        if protected && (is_bare || matches!(what, What::Open)) {
            return card.protected(header, &data);
        }
        send(&mut card, &apdu(header, &data, true)).1
    }

    /// An owner command's data, signed by the owner or by somebody else.
    pub fn signed(
        &self,
        card: &mut impl Reader,
        by_owner: bool,
        header: [u8; 4],
        body: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Vec<u8> {
        let (challenge, _) = send(card, &apdu([0x00, 0x84, 0, 0], &[], true));
        let command = self
            .wallet
            .signed(&card.session(), &challenge, header, &body(&challenge));
        let mut data = command[5..command.len() - 1].to_vec();
        if !by_owner {
            *data.last_mut().unwrap() ^= 1;
        }
        data
    }

    pub fn new_key(&self, session: &[u8], challenge: &[u8]) -> Vec<u8> {
        let secp = Secp256k1::new();
        let new = Keypair::from_secret_key(&secp, &SecretKey::from_slice(&[5; 32]).unwrap());
        let key = new.x_only_public_key().0.serialize();
        let message = tagged_hash(
            "Tillcard/owner-key",
            &[&[3], &self.wallet.card_id(), session, challenge, &key],
        );
        let proof = secp.sign_schnorr_no_aux_rand(&Message::from_digest(message), &new);
        objects(&[(0x80, &key), (0x81, &proof.serialize())])
    }
}

pub fn issue_data(wallet: &Wallet) -> Vec<u8> {
    objects(&[
        (0x80, &[3]),
        (0x81, &[1; 64]),
        (
            0x82,
            &[&wallet.account().public_key.serialize()[1..]].concat(),
        ),
        (0x83, &[0; 35]),
        (0x84, &wallet.pin),
        (0x85, &LIMITS.to_bytes()),
        (0x86, &[1]),
    ])
}

pub fn selected(nvm: &RamNvm) -> TestCard {
    let mut card = Card::new(
        nvm.clone(),
        ChaCha20Rng::seed_from_u64(3),
        Configuration::ANY_NETWORK,
    );
    assert_eq!(send(&mut card, SELECT).1, 0x9000);
    card
}
