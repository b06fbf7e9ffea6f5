//! A host with all keys: owner, holder and till in one. It works with the curve
//! that the card uses and nothing else, so that a run takes little time.

use k256::schnorr::SigningKey;
use k256::schnorr::signature::hazmat::RandomizedPrehashSigner;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use tillcard_applet::command::{
    Announced, CHALLENGE_LENGTH, ChangeOwnerKey, Commitment, EnterCoin, GenerateKey, GetChallenge,
    Issue, Issued, KeySource, Leaf, Limits, Network, OwnerCommand, PIECE_MAX, Place, Select,
    TaprootScript,
};
use tillcard_applet::nvm::RamNvm;
use tillcard_applet::persistent::Persistent;
use tillcard_applet::pin::PinBlock;
use tillcard_applet::{Card, Response, owner};

pub type TestCard = Card<RamNvm, ChaCha20Rng>;

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

/// What a host knows of the card with which every run begins.
pub struct Host {
    owner: SigningKey,
    card_id: [u8; owner::CARD_ID_LENGTH],
    pub pin: PinBlock,
    /// The card's scripts, on the receive and on the change chain.
    scripts: [Vec<TaprootScript>; 2],
    /// The memory of the card as it is issued and funded.
    pub funded: RamNvm,
}

/// The one host of all runs.
pub static HOST: LazyLock<Host> = LazyLock::new(Host::new);

/// A card with power, not selected.
pub fn card(nvm: RamNvm) -> TestCard {
    Card::new(nvm, ChaCha20Rng::seed_from_u64(7))
}

/// One command, its whole answer, and its status word.
pub fn send(card: &mut TestCard, apdu: &[u8]) -> (Vec<u8>, u16) {
    let mut answer = Vec::new();
    let mut response = Response::new();
    card.transmit(apdu, &mut response);
    loop {
        let (data, [high, low]) = split(&response);
        answer.extend_from_slice(data);
        if high != 0x61 {
            return (answer, u16::from_be_bytes([high, low]));
        }
        card.transmit(&[0x00, 0xC0, 0x00, 0x00, low], &mut response);
    }
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

impl Host {
    fn new() -> Self {
        let owner = SigningKey::from_slice(&[0x11; 32]).expect("a key");
        let leaf = SigningKey::from_slice(&[0x22; 32]).expect("a key");
        let pin = PinBlock::from_digits(b"271828").expect("six digits");
        let mut card = card(RamNvm::default());
        expect(&mut card, Select::to_apdu().as_bytes());
        let commitment = expect(&mut card, GenerateKey::to_apdu().as_bytes());
        Commitment::parse(&commitment).expect("a commitment");
        let issue = Issue::new(
            Network::Regtest,
            KeySource::Made(&[0x33; 32]),
            &owner.verifying_key().to_bytes().into(),
            Leaf::Key(leaf.verifying_key().to_bytes().into()),
            &pin,
            LIMITS,
        )
        .to_apdu();
        let issued = Issued::parse(&expect(&mut card, issue.as_bytes())).expect("an issue record");
        let scripts = scripts(card.nvm().clone());
        let mut host = Self {
            owner,
            card_id: owner::card_id(&issued.public_key, &issued.chain_code),
            pin,
            scripts,
            funded: RamNvm::default(),
        };
        for (index, amount) in COINS.into_iter().enumerate() {
            host.fund(&mut card, index as u32, amount);
        }
        host.funded = card.into_nvm();
        host
    }

    fn fund(&self, card: &mut TestCard, index: u32, amount: u64) {
        let place = Place::receive(index);
        let transaction = self.transaction(place, amount, index as u8);
        let announced = announced(&transaction, place);
        let begin = self.owner_command(card, &announced);
        expect(card, &begin);
        for piece in transaction.chunks(PIECE_MAX) {
            expect(card, EnterCoin::piece(piece).expect("it fits").as_bytes());
        }
    }

    /// The card's script at a place; the first one's for a place that the host
    /// doesn't know.
    pub fn script(&self, place: Place) -> &TaprootScript {
        let chain = &self.scripts[(place.chain & 1) as usize];
        chain.get(place.index as usize).unwrap_or(&chain[0])
    }

    /// Whether this is the id of the card that every run begins with.
    pub fn is_card(&self, id: &[u8; owner::CARD_ID_LENGTH]) -> bool {
        self.card_id == *id
    }

    /// A transaction whose output 1 pays the card, as it is streamed.
    pub fn transaction(&self, place: Place, amount: u64, salt: u8) -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0, 1];
        bytes.extend_from_slice(&[0xAB; 32]);
        bytes.extend_from_slice(&[salt, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 2]);
        bytes.extend_from_slice(&5_000u64.to_le_bytes());
        bytes.extend_from_slice(&[22, 0x00, 0x14]);
        bytes.extend_from_slice(&[0x51; 20]);
        bytes.extend_from_slice(&amount.to_le_bytes());
        bytes.push(34);
        bytes.extend_from_slice(self.script(place));
        bytes.extend_from_slice(&[0; 4]);
        bytes
    }

    /// An owner command that the card will find authorised.
    pub fn owner_command<C: OwnerCommand>(&self, card: &mut TestCard, command: &C) -> Vec<u8> {
        let signature = self.sign(card, C::HEADER, &command.body());
        command.to_apdu(&signature).as_bytes().to_vec()
    }

    /// The owner's signature of a command with this body, for a fresh challenge.
    pub fn sign(&self, card: &mut TestCard, header: [u8; 4], body: &[u8]) -> [u8; 64] {
        let (challenge, _) = send(card, GetChallenge::to_apdu().as_bytes());
        self.sign_for(&challenge, header, body)
    }

    /// The owner's signature of a command with this body, for this challenge.
    pub fn sign_for(&self, challenge: &[u8], header: [u8; 4], body: &[u8]) -> [u8; 64] {
        // Without one, a signature that no card takes will do.
        let challenge: [u8; CHALLENGE_LENGTH] = challenge.try_into().unwrap_or_default();
        let network = Network::Regtest;
        let message = owner::message(network, &self.card_id, &challenge, &header, body);
        signed(&self.owner, &message)
    }

    /// CHANGE OWNER KEY to the key that it is, which proves itself.
    pub fn change_key(&self, card: &mut TestCard) -> Vec<u8> {
        let (challenge, _) = send(card, GetChallenge::to_apdu().as_bytes());
        let asked: [u8; CHALLENGE_LENGTH] = challenge.as_slice().try_into().unwrap_or_default();
        let new_key = self.owner.verifying_key().to_bytes().into();
        let proven = owner::key_proof_message(Network::Regtest, &self.card_id, &asked, &new_key);
        let change = ChangeOwnerKey {
            new_key,
            proof: signed(&self.owner, &proven),
        };
        let signature = self.sign_for(&challenge, ChangeOwnerKey::HEADER, &change.body());
        change.to_apdu(&signature).as_bytes().to_vec()
    }
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
