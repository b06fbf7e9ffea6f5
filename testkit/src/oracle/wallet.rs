//! Keys, scripts and descriptors (sections 3 and 5.2).

use super::payment::outpoint_bytes;
use super::random::Random;
use crate::card::{Reader, SELECT, apdu, objects, send};
use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpriv, Xpub};
use bitcoin::hashes::{Hash, sha256};
use bitcoin::key::Keypair;
use bitcoin::secp256k1::{All, Message, PublicKey, Scalar, Secp256k1, SecretKey};
use bitcoin::{NetworkKind, OutPoint, ScriptBuf, Txid, XOnlyPublicKey};
use miniscript::{Descriptor, DescriptorPublicKey};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use std::cell::RefCell;
use std::collections::HashMap;

/// Where a key of the card is: chain, index.
pub type Place = (u32, u32);

/// A place as it travels.
pub fn place_number((chain, index): Place) -> u32 {
    chain << 31 | index
}

/// The way of the primary wallet to the coins.
#[derive(Clone, Copy, Debug)]
pub enum Leaf {
    None,
    Key,
    Delayed(u16),
}

/// The limits of section 7.1, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub per_payment: u64,
    pub cumulative: u64,
    pub payments: u16,
    pub fee_cap: u64,
    pub least_fee_rate: u32,
    pub highest_fee_rate: u32,
    pub least_coin: u32,
    pub without_pin_amount: u64,
    pub without_pin_payments: u16,
}

impl Leaf {
    /// Kind and delay.
    fn policy(self) -> [u8; 3] {
        match self {
            Self::None => [0, 0, 0],
            Self::Key => [1, 0, 0],
            Self::Delayed(n) => [2, (n >> 8) as u8, n as u8],
        }
    }
}

impl Limits {
    pub const WIDE: Self = Self {
        per_payment: 2_100_000_000_000_000,
        cumulative: 2_100_000_000_000_000,
        payments: u16::MAX,
        fee_cap: 2_100_000_000_000_000,
        least_fee_rate: 100,
        highest_fee_rate: u32::MAX,
        least_coin: 330,
        without_pin_amount: 0,
        without_pin_payments: 0,
    };

    pub fn to_bytes(self) -> Vec<u8> {
        [
            &self.per_payment.to_be_bytes()[..],
            &self.cumulative.to_be_bytes(),
            &self.payments.to_be_bytes(),
            &self.fee_cap.to_be_bytes(),
            &self.least_fee_rate.to_be_bytes(),
            &self.highest_fee_rate.to_be_bytes(),
            &self.least_coin.to_be_bytes(),
            &self.without_pin_amount.to_be_bytes(),
            &self.without_pin_payments.to_be_bytes(),
        ]
        .concat()
    }
}

/// Its answer tells the card id, which its signature so can't be over.
const READ_ACCOUNT: [u8; 4] = [0x80, 0x50, 0x00, 0x00];

/// The PIN block of 271828.
const PIN: [u8; 8] = [0x26, 0x27, 0x18, 0x28, 0xFF, 0xFF, 0xFF, 0xFF];

/// What a host knows of a card.
pub struct Wallet {
    pub secp: Secp256k1<All>,
    owner: Keypair,
    network: u8,
    leaf: Leaf,
    account: Xpub,
    /// As section 3.2 writes it, for receiving and for change.
    descriptors: Vec<Descriptor<DescriptorPublicKey>>,
    scripts: RefCell<HashMap<Place, ScriptBuf>>,
    /// The PIN block.
    pub pin: [u8; 8],
    /// The account's secret, when the host gave it.
    pub secret: Option<SecretKey>,
    /// The card's keys: what signs, and what opens channels.
    pub card_keys: CardKeys,
}

/// Public keys, compressed.
#[derive(Clone, Debug, Default)]
pub struct CardKeys {
    pub identity: Vec<u8>,
    pub agreement: Vec<u8>,
}

/// How a card is to be issued.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    pub network: u8,
    pub imported: bool,
    pub leaf: Leaf,
    pub limits: Limits,
    /// Section 5.5's byte.
    pub policy: u8,
}

impl Profile {
    /// Any that the protocol allows.
    pub fn random(random: &mut Random, limits: Limits) -> Self {
        let imported = random.once_in(2);
        let leaf = match random.below(if imported { 3 } else { 2 }) {
            0 => Leaf::Key,
            1 => {
                let any = random.between(1, 65_535) as u16;
                Leaf::Delayed(random.of(&[1, 16, 17, 127, 128, 144, 255, 256, 32_767, 32_768, any]))
            }
            _ => Leaf::None,
        };
        Self {
            network: random.below(4) as u8,
            imported,
            leaf,
            limits,
            policy: random.of(&[1, 1, 1, 3]),
        }
    }
}

impl Wallet {
    /// Selects a factory card and issues it, checking all that it answers.
    pub fn issue(card: &mut impl Reader, random: &mut Random, profile: &Profile) -> Self {
        let secp = Secp256k1::new();
        let secret = |random: &mut Random| SecretKey::from_slice(&random.bytes::<32>()).unwrap();
        let owner = Keypair::from_secret_key(&secp, &secret(random));
        let primary = secret(random).x_only_public_key(&secp).0;
        assert_eq!(send(card, SELECT).1, 0x9000);

        let imported = profile
            .imported
            .then(|| (secret(random), random.bytes::<32>()));
        let host_share = secret(random);
        let (key, commitment) = match &imported {
            Some((secret, chain_code)) => ([&secret[..], chain_code].concat(), Vec::new()),
            None => {
                let (answer, status) = send(card, &apdu([0x00, 0x46, 0, 0], &[], true));
                assert_eq!(status, 0x9000);
                assert_eq!(answer[..5], [0x7F, 0x49, 0x23, 0x86, 0x21]);
                (host_share[..].to_vec(), answer[5..].to_vec())
            }
        };
        let leaf = match profile.leaf {
            Leaf::None => [0; 35].to_vec(),
            Leaf::Key => [&[1, 0, 0][..], &primary.serialize()].concat(),
            Leaf::Delayed(n) => [&[2][..], &n.to_be_bytes(), &primary.serialize()].concat(),
        };
        let owner_key = owner.x_only_public_key().0.serialize();
        let data = objects(&[
            (0x80, &[profile.network]),
            (0x81, &key),
            (0x82, &owner_key),
            (0x83, &leaf),
            (0x84, &PIN),
            (0x85, &profile.limits.to_bytes()),
            (0x86, &[profile.policy]),
        ]);
        let p1 = u8::from(profile.imported);
        let (answer, status) = send(card, &apdu([0x80, 0x10, p1, 0], &data, true));
        assert_eq!(status, 0x9000, "{profile:?}");

        // What the host expects, without looking at the answer.
        let (public_key, chain_code) = match &imported {
            Some((secret, chain_code)) => (secret.public_key(&secp), *chain_code),
            None => (
                PublicKey::from_slice(&commitment)
                    .unwrap()
                    .add_exp_tweak(&secp, &Scalar::from(host_share))
                    .unwrap(),
                tagged_hash("Tillcard/chaincode", &[&commitment, &host_share[..]]),
            ),
        };
        let identity_key = &answer[35 + 34 + 2..][..33];
        let agreement_key = &answer[35 + 34 + 35 + 2..][..33];
        let salt = &answer[35 + 34 + 35 + 35 + 2..][..16];
        let signature = &answer[answer.len() - 64..];
        let expected = objects(&[
            (0x80, &public_key.serialize()),
            (0x81, &chain_code),
            (0x82, identity_key),
            (0x83, agreement_key),
            (0x84, salt),
            (0x85, signature),
        ]);
        assert_eq!(answer, expected);
        let record = tagged_hash(
            "Tillcard/issue",
            &[
                &[0, 4, profile.network, p1],
                &public_key.serialize(),
                &chain_code,
                &owner_key,
                &leaf,
                agreement_key,
                salt,
            ],
        );
        let card_keys = CardKeys {
            identity: identity_key.to_vec(),
            agreement: agreement_key.to_vec(),
        };
        let identity_key = p256::ecdsa::VerifyingKey::from_sec1_bytes(identity_key).unwrap();
        let signature = p256::ecdsa::Signature::from_slice(signature).unwrap();
        identity_key.verify_prehash(&record, &signature).unwrap();

        let account = Xpub {
            network: if profile.network == 0 {
                NetworkKind::Main
            } else {
                NetworkKind::Test
            },
            depth: 0,
            parent_fingerprint: Fingerprint::default(),
            child_number: ChildNumber::from_normal_idx(0).unwrap(),
            public_key,
            chain_code: ChainCode::from(chain_code),
        };
        if let Some((secret, chain_code)) = &imported {
            let xpriv = Xpriv {
                network: account.network,
                depth: 0,
                parent_fingerprint: Fingerprint::default(),
                child_number: account.child_number,
                private_key: *secret,
                chain_code: ChainCode::from(*chain_code),
            };
            assert_eq!(Xpub::from_priv(&secp, &xpriv), account);
        }
        let secret = imported.map(|(secret, _)| secret);
        Self::known(
            owner,
            profile.network,
            account,
            profile.leaf,
            &primary,
            secret,
        )
        .with_card_keys(card_keys)
    }

    /// With the keys that the issue record tells.
    pub fn with_card_keys(self, card_keys: CardKeys) -> Self {
        Self { card_keys, ..self }
    }

    /// The wallet of a card that was issued so.
    pub fn known(
        owner: Keypair,
        network: u8,
        account: Xpub,
        leaf: Leaf,
        primary: &XOnlyPublicKey,
        secret: Option<SecretKey>,
    ) -> Self {
        Self {
            secp: Secp256k1::new(),
            owner,
            network,
            leaf,
            descriptors: descriptors(&account, leaf, primary),
            account,
            scripts: RefCell::default(),
            pin: PIN,
            secret,
            card_keys: CardKeys::default(),
        }
    }

    /// The script at a place, by miniscript.
    pub fn script(&self, place: Place) -> ScriptBuf {
        let mut scripts = self.scripts.borrow_mut();
        let derive = || {
            let (chain, index) = place;
            let descriptor = &self.descriptors[chain as usize];
            let definite = descriptor.at_derivation_index(index).unwrap();
            definite
                .derived_descriptor(&self.secp)
                .unwrap()
                .script_pubkey()
        };
        scripts.entry(place).or_insert_with(derive).clone()
    }

    /// Account key and chain code, as the card must never show them.
    pub fn account(&self) -> &Xpub {
        &self.account
    }

    /// Which the card never sends.
    pub fn card_id(&self) -> [u8; 16] {
        let public_key = self.account.public_key.serialize();
        let chain_code = self.account.chain_code.as_bytes();
        let hash = tagged_hash("Tillcard/card-id", &[&public_key, chain_code]);
        *hash.first_chunk().unwrap()
    }

    /// An owner command for the card's challenge, which must be outstanding.
    pub fn signed(
        &self,
        session: &[u8],
        challenge: &[u8],
        header: [u8; 4],
        body: &[u8],
    ) -> Vec<u8> {
        let card_id = match header {
            READ_ACCOUNT => [0; 16],
            _ => self.card_id(),
        };
        let message = tagged_hash(
            "Tillcard/owner",
            &[&[self.network], &card_id, session, challenge, &header, body],
        );
        let message = Message::from_digest(message);
        let signature = self.secp.sign_schnorr_no_aux_rand(&message, &self.owner);
        apdu(
            header,
            &[body, &objects(&[(0x9E, &signature.serialize())])].concat(),
            true,
        )
    }

    /// Checks a statement on a payment that spends these outputs (section 7.8).
    pub fn check_statement(
        &self,
        session: &[u8],
        nonce: &[u8; 32],
        txid: &Txid,
        spent: &[(OutPoint, ScriptBuf)],
        answer: &[u8],
    ) {
        let outpoints: Vec<u8> = spent
            .iter()
            .flat_map(|(outpoint, _)| outpoint_bytes(outpoint))
            .collect();
        let keys: Vec<u8> = spent
            .iter()
            .flat_map(|(_, script)| script.as_bytes()[2..].to_vec())
            .collect();
        let (said, signature) = answer.split_at(answer.len() - 64);
        let salt = &said[said.len() - 18..][..16];
        let provenance = [self.secret.is_some().into()];
        let expected = objects(&[
            (0x80, &[self.network]),
            (0x81, &provenance),
            (0x82, &self.leaf.policy()),
            (0x83, &outpoints),
            (0x84, &keys),
            (0x85, salt),
            (0x86, signature),
        ]);
        assert_eq!(answer, expected);
        let digest = tagged_hash(
            "Tillcard/statement",
            &[
                &[0, 4],
                session,
                nonce,
                &txid.to_byte_array(),
                &[self.network],
                &provenance,
                &self.leaf.policy(),
                &[spent.len() as u8],
                &outpoints,
                &keys,
                salt,
            ],
        );
        assert!(self.is_signed_by_identity(&digest, signature));
    }

    /// Whether the card's identity key signed a digest.
    pub fn is_signed_by_identity(&self, digest: &[u8; 32], signature: &[u8]) -> bool {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&self.card_keys.identity).unwrap();
        let signature = p256::ecdsa::Signature::from_slice(signature).unwrap();
        key.verify_prehash(digest, &signature).is_ok()
    }

    /// GET CHALLENGE and an owner command for it.
    pub fn command(&self, card: &mut impl Reader, header: [u8; 4], body: &[u8]) -> (Vec<u8>, u16) {
        let (challenge, status) = send(card, &apdu([0x00, 0x84, 0, 0], &[], true));
        assert_eq!((challenge.len(), status), (16, 0x9000));
        let session = card.session();
        send(card, &self.signed(&session, &challenge, header, body))
    }
}

/// The descriptor of section 3.2, one for each chain.
fn descriptors(
    account: &Xpub,
    leaf: Leaf,
    primary: &XOnlyPublicKey,
) -> Vec<Descriptor<DescriptorPublicKey>> {
    let text = match leaf {
        Leaf::None => format!("tr({account}/<0;1>/*)"),
        Leaf::Key => format!("tr({account}/<0;1>/*,pk({primary}))"),
        Leaf::Delayed(n) => format!("tr({account}/<0;1>/*,and_v(v:pk({primary}),older({n})))"),
    };
    let descriptor: Descriptor<DescriptorPublicKey> = text.parse().unwrap();
    descriptor.into_single_descriptors().unwrap()
}

/// BIP340's tagged hash.
pub fn tagged_hash(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let tag = sha256::Hash::hash(tag.as_bytes()).to_byte_array();
    let parts = parts.concat();
    sha256::Hash::hash(&[&tag[..], &tag, &parts].concat()).to_byte_array()
}
