//! What a card's identity key signs for others, and what is made of it.

use crate::genuine_support::{key, point};
use bitcoin::hashes::Hash;
use bitcoin::{Network, OutPoint, Txid, XOnlyPublicKey};
use p256::ecdsa::Signature;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use std::time::SystemTime;
use tillcard_client::account::Provenance;
use tillcard_client::genuine::{
    CardKey, Checker, GenuineError as E, Point, SessionId, StatedInput, StatedLeaf, Statement,
    check_proof, check_statement,
};
use tillcard_emu::{CardInSlot, EmulatedCard, Seed};
use tillcard_protocol::command::{self, GetData, ProveGenuine, Select};
use tillcard_protocol::proof::StatementFacts;

const CHALLENGE: [u8; 32] = [0x5A; 32];
const CHANNEL: SessionId = SessionId::Channel([7; 16]);

/// The whole answer of a card to a command that must succeed.
fn ask(card: &mut EmulatedCard<tillcard_runtime::nvm::RamNvm>, command: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut response = card.transmit(command).unwrap().to_vec();
    loop {
        match response.as_slice() {
            [part @ .., 0x90, 0x00] => return [&answer, part].concat(),
            [part @ .., 0x61, left] => {
                answer.extend_from_slice(part);
                let next = [0x00, 0xC0, 0x00, 0x00, *left];
                response = card.transmit(&next).unwrap().to_vec();
            }
            other => panic!("{other:02X?}"),
        }
    }
}

#[test]
fn an_emulated_card_proves_that_it_is_genuine() {
    let mut card = EmulatedCard::ephemeral(Seed::Number(1)).unwrap();
    card.power_on().unwrap();
    ask(&mut card, Select::to_apdu().as_bytes());
    let certificates = GetData::Certificates(CardKey::Identity).to_apdu();
    let certificates = ask(&mut card, certificates.as_bytes());
    let checker = Checker::new(Network::Regtest).unwrap();
    let now = SystemTime::now();
    let identity = checker
        .check(&certificates, CardKey::Identity, now)
        .unwrap()
        .key;

    let command = ProveGenuine {
        challenge: &CHALLENGE,
    };
    let proof = ask(&mut card, command.to_apdu().as_bytes());
    check_proof(&identity, &SessionId::Plain, &CHALLENGE, &proof).unwrap();

    let refused = |identity: &Point, session: &SessionId, challenge: &[u8; 32], proof: &[u8]| {
        matches!(
            check_proof(identity, session, challenge, proof),
            Err(E::NotSigned)
        )
    };
    assert!(refused(&point(9), &SessionId::Plain, &CHALLENGE, &proof));
    assert!(refused(&[0; 33], &SessionId::Plain, &CHALLENGE, &proof));
    assert!(refused(&identity, &CHANNEL, &CHALLENGE, &proof));
    assert!(refused(&identity, &SessionId::Plain, &[0; 32], &proof));
    for at in (2..18).chain(20..84) {
        let mut changed = proof.clone();
        changed[at] ^= 1;
        assert!(
            refused(&identity, &SessionId::Plain, &CHALLENGE, &changed),
            "byte {at}"
        );
    }
    for malformed in [&[][..], &proof[..83], &[&proof[..], &[0]].concat(), &[0x80]] {
        let result = check_proof(&identity, &SessionId::Plain, &CHALLENGE, malformed);
        assert!(matches!(result, Err(E::Malformed)), "{result:?}");
    }
}

/// A statement of a card whose identity key is `key(3)`, in parts.
#[derive(Clone)]
struct Said {
    leaf: [u8; 3],
    outpoints: Vec<u8>,
    output_keys: Vec<u8>,
}

fn txid() -> Txid {
    Txid::from_byte_array([0xAB; 32])
}

fn output_key(byte: u8) -> XOnlyPublicKey {
    let secp = bitcoin::secp256k1::Secp256k1::new();
    let secret = bitcoin::secp256k1::SecretKey::from_slice(&[byte; 32]).unwrap();
    secret.x_only_public_key(&secp).0
}

impl Said {
    fn new() -> Self {
        Self {
            leaf: [2, 0x00, 0x90],
            outpoints: [[&[0xCD; 32][..], &[0, 0, 1, 2]], [&[0xEF; 32], &[0; 4]]]
                .concat()
                .concat(),
            output_keys: [output_key(1), output_key(2)]
                .map(|key| key.serialize())
                .concat(),
        }
    }

    /// As the card answers in the channel.
    fn signed(&self) -> Vec<u8> {
        let facts = StatementFacts {
            session: &CHANNEL,
            nonce: &CHALLENGE,
            txid: &txid().to_byte_array(),
            network: command::Network::Signet,
            provenance: command::Provenance::Made,
            leaf: &self.leaf,
            outpoints: &self.outpoints,
            output_keys: &self.output_keys,
            salt: &[9; 16],
        };
        let signature: Signature = key(3).sign_prehash(&facts.digest()).unwrap();
        self.answer(&signature.to_bytes())
    }

    fn answer(&self, signature: &[u8]) -> Vec<u8> {
        [
            &[0x80, 1, 2, 0x81, 1, 0, 0x82, 3][..],
            &self.leaf,
            &[0x83, self.outpoints.len() as u8],
            &self.outpoints,
            &[0x84, self.output_keys.len() as u8],
            &self.output_keys,
            &[0x85, 16],
            &[9; 16],
            &[0x86, 64],
            signature,
        ]
        .concat()
    }
}

fn check(answer: &[u8]) -> Result<Statement, E> {
    check_statement(&point(3), &CHANNEL, &CHALLENGE, &txid(), answer)
}

#[test]
fn a_statement_is_read() {
    let input = |txid: u8, vout, key| StatedInput {
        outpoint: OutPoint::new(Txid::from_byte_array([txid; 32]), vout),
        output_key: output_key(key),
    };
    let expected = Statement {
        network: Network::Signet,
        provenance: Provenance::Made,
        leaf: StatedLeaf::Delayed { blocks: 0x90 },
        inputs: vec![input(0xCD, 0x102, 1), input(0xEF, 0, 2)],
    };
    assert_eq!(check(&Said::new().signed()).unwrap(), expected);
    for (leaf, read) in [([0; 3], StatedLeaf::None), ([1, 0, 0], StatedLeaf::Key)] {
        let said = Said {
            leaf,
            ..Said::new()
        };
        assert_eq!(check(&said.signed()).unwrap().leaf, read);
    }
}

#[test]
fn a_statement_is_of_its_payment_and_session() {
    let answer = Said::new().signed();
    let refused = |key: &Point, session: &SessionId, nonce: &[u8; 32], txid: &Txid| {
        let result = check_statement(key, session, nonce, txid, &answer);
        matches!(result, Err(E::NotSigned))
    };
    let other = Txid::from_byte_array([0; 32]);
    assert!(!refused(&point(3), &CHANNEL, &CHALLENGE, &txid()));
    assert!(refused(&point(4), &CHANNEL, &CHALLENGE, &txid()));
    assert!(refused(&point(3), &SessionId::Plain, &CHALLENGE, &txid()));
    assert!(refused(&point(3), &CHANNEL, &[0; 32], &txid()));
    assert!(refused(&point(3), &CHANNEL, &CHALLENGE, &other));
    for at in 0..answer.len() {
        let mut changed = answer.clone();
        changed[at] ^= 1;
        assert!(check(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn nonsense_is_refused_though_it_is_signed() {
    let said = Said::new();
    let malformed = |said: Said| matches!(check(&said.signed()), Err(E::Malformed));
    for leaf in [[0, 0, 1], [1, 0, 1], [2, 0, 0], [3, 0, 0]] {
        assert!(
            malformed(Said {
                leaf,
                ..said.clone()
            }),
            "{leaf:?}"
        );
    }
    assert!(malformed(Said {
        output_keys: [0xFF; 64].to_vec(),
        ..said
    }));
}

#[test]
fn outpoints_and_keys_are_of_a_number() {
    let said = Said::new();
    for (outpoints, output_keys) in [(36, 64), (72, 32), (71, 64), (72, 63), (0, 0)] {
        let said = Said {
            outpoints: said.outpoints[..outpoints].to_vec(),
            output_keys: said.output_keys[..output_keys].to_vec(),
            ..said
        };
        let result = check(&said.answer(&[1; 64]));
        assert!(matches!(result, Err(E::Malformed)), "{result:?}");
    }
}
