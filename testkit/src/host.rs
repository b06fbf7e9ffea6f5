//! A host with all keys: owner, holder and till in one. It works with the curve
//! that the card uses and nothing else, so that a run takes little time.

use crate::card::{TestCard, send};
use k256::schnorr::SigningKey;
use k256::schnorr::signature::hazmat::RandomizedPrehashSigner;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use tillcard_applet::persistent::Persistent;
use tillcard_applet::{Card, Configuration};
use tillcard_protocol::command::{
    Announced, CHALLENGE_LENGTH, CardKeys, ChangeOwnerKey, Commitment, EnterCoin, GenerateKey,
    GetChallenge, Issue, Issued, KeySource, Leaf, Limits, Network, OwnerCommand, PIECE_MAX, Place,
    Policy, Select, SetPolicy, TaprootScript,
};
use tillcard_protocol::owner;
use tillcard_protocol::pin::PinBlock;
use tillcard_protocol::session::Session;
use tillcard_runtime::nvm::RamNvm;

/// Amounts of the coins with which a run begins, at receive indexes from 0.
const COINS: [u64; 6] = [100_000, 90_000, 80_000, 70_000, 6_000, 5_000];
/// Places on each chain whose scripts the host knows.
const SCRIPTS: u32 = 48;

pub const LIMITS: Limits = Limits {
    per_payment: 250_000,
    cumulative: 500_000,
    payments: 20,
    fee_cap: 20_000,
    least_fee_rate: 100,
    highest_fee_rate: 100_000,
    least_coin: 1_000,
    without_pin_amount: 2_000,
    without_pin_payments: 3,
};

/// Everything is allowed.
pub const POLICY: Policy = Policy {
    plain_sessions: true,
    statements: true,
};

/// The account with which every run begins, made.
pub const FIRST: usize = 0;
/// The account that is imported when a card is issued again.
pub const SECOND: usize = 1;

/// What a host knows of an account.
struct Account {
    card_id: [u8; owner::CARD_ID_LENGTH],
    /// Its scripts, on the receive and on the change chain.
    scripts: [Vec<TaprootScript>; 2],
}

/// What a host knows of the card with which every run begins.
pub struct Host {
    owner: SigningKey,
    accounts: [Account; 2],
    pub pin: PinBlock,
    pub card_keys: CardKeys,
    /// The memory of the card as it is issued and funded.
    pub funded: RamNvm,
    /// The same for a card that pays in channels only.
    pub in_channels: RamNvm,
}

/// What an owner's signature is good for.
#[derive(Clone, Copy)]
pub struct Bound {
    /// [`FIRST`] or [`SECOND`].
    pub account: usize,
    pub session: Session,
}

impl Bound {
    /// To the card as every run begins with it, in a plain session.
    pub const PLAINLY: Self = Self {
        account: FIRST,
        session: Session::Plain,
    };
}

/// The one host of all runs.
pub static HOST: LazyLock<Host> = LazyLock::new(Host::new);

/// A card with power, not selected.
pub fn card(nvm: RamNvm) -> TestCard {
    Card::new(
        nvm,
        ChaCha20Rng::seed_from_u64(7),
        Configuration::ANY_NETWORK,
    )
}

/// Data and status word of a response.
pub fn split(response: &[u8]) -> (&[u8], [u8; 2]) {
    let (data, status) = response.split_last_chunk().expect("a status word");
    (data, *status)
}

fn expect(card: &mut TestCard, apdu: &[u8]) -> Vec<u8> {
    let (answer, status) = send(card, apdu);
    assert_eq!(status, 0x9000);
    answer
}

/// ISSUE with these keys.
fn issue(owner: &SigningKey, pin: &PinBlock, source: KeySource<'_>, policy: Policy) -> Vec<u8> {
    let leaf = SigningKey::from_slice(&[0x22; 32]).expect("a key");
    Issue::new(
        Network::Regtest,
        source,
        &owner.verifying_key().to_bytes().into(),
        Leaf::Key(leaf.verifying_key().to_bytes().into()),
        pin,
        LIMITS,
        policy,
    )
    .to_apdu()
    .as_bytes()
    .to_vec()
}

const IMPORTED: KeySource<'_> = KeySource::Imported {
    secret: &[0x44; 32],
    chain_code: &[0x55; 32],
};

impl Host {
    fn new() -> Self {
        let owner = SigningKey::from_slice(&[0x11; 32]).expect("a key");
        let pin = PinBlock::from_digits(b"271828").expect("six digits");
        let mut card = card(RamNvm::default());
        expect(&mut card, Select::to_apdu().as_bytes());
        let commitment = expect(&mut card, GenerateKey::to_apdu().as_bytes());
        Commitment::parse(&commitment).expect("a commitment");
        let made = issue(&owner, &pin, KeySource::Made(&[0x33; 32]), POLICY);
        let (first, issued) = Account::issue(&mut card, &made);
        let mut other = self::card(RamNvm::default());
        expect(&mut other, Select::to_apdu().as_bytes());
        let imported = issue(&owner, &pin, IMPORTED, POLICY);
        let (second, _) = Account::issue(&mut other, &imported);
        let mut host = Self {
            owner,
            accounts: [first, second],
            pin,
            card_keys: CardKeys {
                identity_key: issued.identity_key,
                agreement_key: issued.agreement_key,
            },
            funded: RamNvm::default(),
            in_channels: RamNvm::default(),
        };
        for (index, amount) in COINS.into_iter().enumerate() {
            host.fund(&mut card, index as u32, amount);
        }
        host.funded = card.nvm().clone();
        let narrow = SetPolicy::new(Policy {
            plain_sessions: false,
            ..POLICY
        });
        host.as_owner(&mut card, &narrow);
        host.in_channels = card.into_nvm();
        host
    }

    fn fund(&self, card: &mut TestCard, index: u32, amount: u64) {
        let place = Place::receive(index);
        let transaction = self.transaction(FIRST, place, amount, index as u8);
        self.as_owner(card, &announced(&transaction, place));
        for piece in transaction.chunks(PIECE_MAX) {
            expect(card, EnterCoin::piece(piece).expect("it fits").as_bytes());
        }
    }

    fn as_owner<C: OwnerCommand>(&self, card: &mut TestCard, command: &C) {
        let challenge = expect(card, GetChallenge::to_apdu().as_bytes());
        expect(card, &self.command(Bound::PLAINLY, &challenge, command));
    }

    /// A coin with which every run begins, and its amount.
    pub fn coin(&self, number: u8) -> (Announced, u64) {
        let index = usize::from(number) % COINS.len();
        let place = Place::receive(index as u32);
        let amount = COINS[index];
        let transaction = self.transaction(FIRST, place, amount, index as u8);
        (announced(&transaction, place), amount)
    }

    /// An account's script at a place; the first one's for a place that the host
    /// doesn't know.
    pub fn script(&self, account: usize, place: Place) -> &TaprootScript {
        let chain = &self.accounts[account].scripts[(place.chain & 1) as usize];
        chain.get(place.index as usize).unwrap_or(&chain[0])
    }

    /// Whether this is the id of a card with this account.
    pub fn is_card(&self, account: usize, id: &[u8; owner::CARD_ID_LENGTH]) -> bool {
        self.accounts[account].card_id == *id
    }

    /// A transaction whose output 1 pays the card, as it is streamed.
    pub fn transaction(&self, account: usize, place: Place, amount: u64, salt: u8) -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0, 1];
        bytes.extend_from_slice(&[0xAB; 32]);
        bytes.extend_from_slice(&[salt, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 2]);
        bytes.extend_from_slice(&5_000u64.to_le_bytes());
        bytes.extend_from_slice(&[22, 0x00, 0x14]);
        bytes.extend_from_slice(&[0x51; 20]);
        bytes.extend_from_slice(&amount.to_le_bytes());
        bytes.push(34);
        bytes.extend_from_slice(self.script(account, place));
        bytes.extend_from_slice(&[0; 4]);
        bytes
    }

    /// ISSUE that imports the account [`SECOND`].
    pub fn issue_again(&self, policy: Policy) -> Vec<u8> {
        issue(&self.owner, &self.pin, IMPORTED, policy)
    }

    /// An owner command that the card will find authorised for this challenge.
    pub fn command<C: OwnerCommand>(&self, bound: Bound, challenge: &[u8], command: &C) -> Vec<u8> {
        let card_id = if C::NAMES_CARD {
            self.accounts[bound.account].card_id
        } else {
            owner::ANY_CARD
        };
        let signature = self.sign(&card_id, &bound, challenge, C::HEADER, &command.body());
        command.to_apdu(&signature).as_bytes().to_vec()
    }

    /// The owner's signature of a command with this body.
    pub fn sign_bytes(
        &self,
        bound: Bound,
        challenge: &[u8],
        header: [u8; 4],
        body: &[u8],
    ) -> [u8; 64] {
        let card_id = &self.accounts[bound.account].card_id;
        self.sign(card_id, &bound, challenge, header, body)
    }

    fn sign(
        &self,
        card_id: &[u8; owner::CARD_ID_LENGTH],
        bound: &Bound,
        challenge: &[u8],
        header: [u8; 4],
        body: &[u8],
    ) -> [u8; 64] {
        let challenge = &or_none(challenge);
        let session = &bound.session;
        let message = owner::message(Network::Regtest, card_id, session, challenge, &header, body);
        signed(&self.owner, &message)
    }

    /// CHANGE OWNER KEY to the key that it is, which proves itself.
    pub fn change_key(&self, bound: Bound, challenge: &[u8]) -> Vec<u8> {
        let new_key = self.owner.verifying_key().to_bytes().into();
        let proven = owner::key_proof_message(
            Network::Regtest,
            &self.accounts[bound.account].card_id,
            &bound.session,
            &or_none(challenge),
            &new_key,
        );
        let change = ChangeOwnerKey {
            new_key,
            proof: signed(&self.owner, &proven),
        };
        self.command(bound, challenge, &change)
    }
}

impl Account {
    /// Has a card issued, and looks what it is now.
    fn issue(card: &mut TestCard, issue: &[u8]) -> (Self, Issued) {
        let issued = Issued::parse(&expect(card, issue)).expect("an issue record");
        let account = Self {
            card_id: owner::card_id(&issued.public_key, &issued.chain_code),
            scripts: scripts(card.nvm().clone()),
        };
        (account, issued)
    }
}

/// A challenge; where the card gave none, one that it will not take.
fn or_none(challenge: &[u8]) -> [u8; CHALLENGE_LENGTH] {
    challenge.try_into().unwrap_or_default()
}

/// A signature without randomness.
fn signed(key: &SigningKey, message: &[u8; 32]) -> [u8; 64] {
    let mut no_randomness = ChaCha20Rng::seed_from_u64(0);
    key.sign_prehash_with_rng(&mut no_randomness, message)
        .expect("a signature")
        .to_bytes()
}

fn scripts(nvm: RamNvm) -> [Vec<TaprootScript>; 2] {
    let identity = Persistent::open(nvm).identity().expect("an issued card");
    let mut keys = identity.keys();
    [0, 1].map(|chain| {
        (0..SCRIPTS)
            .map(|index| keys.key(Place { chain, index }).expect("a key").script())
            .collect()
    })
}

/// The coin that output 1 of a transaction makes.
pub fn announced(transaction: &[u8], place: Place) -> Announced {
    let txid = double_sha256(transaction);
    Announced {
        txid,
        vout: 1,
        place,
    }
}

/// The hash by which transactions are known.
pub fn double_sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(Sha256::digest(bytes)).into()
}
