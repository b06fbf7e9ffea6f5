//! What the identity key signs besides the issue record: the proof of genuineness, and statements.
//! Sections 3.8 and 7.8.

use super::{Card, STATEMENT, VERSION};
use crate::apdu::{Answer, Command, LE_SHORT};
use crate::keys::{p256_verifies, tagged_hash};
use crate::model::{Coin, Logged, Request};
use crate::outcome::{Step, Stop, require};
use crate::status::Sw;
use crate::tlv::{self, Reader};

/// CLA INS P1 P2 of the proof of genuineness.
pub const GENUINE: [u8; 4] = [0x00, 0x88, 0x00, 0x00];

/// The data field of STATEMENT.
#[must_use]
pub fn statement_field(nonce: &[u8; 32], txid: &[u8; 32]) -> Vec<u8> {
    [tlv::object(0x80, nonce), tlv::object(0x81, txid)].concat()
}

/// Something that the identity key signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// Random bytes of the card.
    pub salt: [u8; 16],
    /// ECDSA, `r ‖ s`.
    pub signature: [u8; 64],
}

impl Signed {
    /// Whether it is a signature of what `preimage` makes of the salt, under a tag.
    #[must_use]
    pub fn is_of(&self, key: &[u8; 33], tag: &str, preimage: &[u8]) -> bool {
        let digest = tagged_hash(tag, &[preimage, &self.salt]);
        p256_verifies(key, &digest, &self.signature)
    }
}

impl Card {
    /// INTERNAL AUTHENTICATE, the proof of genuineness, with this data field.
    pub fn genuine_answer(&mut self, field: &[u8]) -> Step<Answer> {
        self.send(&Command::new(GENUINE).data(field).le(LE_SHORT))
    }

    /// What a proof of genuineness is of, but for the salt.
    #[must_use]
    pub fn genuine_preimage(&self, challenge: &[u8; 32]) -> Vec<u8> {
        [&VERSION[..], &self.session(), challenge].concat()
    }

    /// The proof of genuineness, not verified: whose key it is may be known later only.
    pub fn proof(&mut self, challenge: &[u8; 32]) -> Step<Signed> {
        let what = "INTERNAL AUTHENTICATE, genuineness";
        let data = self.genuine_answer(challenge)?.want(Sw::OK, what)?;
        let mut reader = Reader::new(what, &data);
        let signed = Signed {
            salt: reader.array(0x80)?,
            signature: reader.array(0x81)?,
        };
        reader.end()?;
        Ok(signed)
    }

    /// Has the card prove that it has this identity key.
    pub fn prove(&mut self, challenge: &[u8; 32], identity: &[u8; 33]) -> Step<Signed> {
        let proof = self.proof(challenge)?;
        require!(
            proof.is_of(
                identity,
                "Tillcard/genuine",
                &self.genuine_preimage(challenge)
            ),
            "INTERNAL AUTHENTICATE: the signature isn't valid for challenge, session and salt \
             under the card's identity key"
        );
        Ok(proof)
    }

    /// STATEMENT.
    pub fn statement_answer(&mut self, nonce: &[u8; 32], txid: &[u8; 32]) -> Step<Answer> {
        self.send(
            &Command::new(STATEMENT)
                .data(statement_field(nonce, txid))
                .le(LE_SHORT),
        )
    }

    /// What a statement is of, but for the salt.
    pub fn statement_preimage(&self, nonce: &[u8; 32], payment: &Logged) -> Step<Vec<u8>> {
        let host = self.host()?;
        let facts = Facts::of(self, payment)?;
        let inputs = u8::try_from(payment.plan.inputs.len())
            .map_err(|_| Stop::Error("a payment of too many inputs".to_owned()))?;
        Ok([
            &VERSION[..],
            &self.session(),
            nonce,
            &payment.txid,
            &[host.profile.network, host.profile.provenance.number()],
            &facts.leaf,
            &[inputs],
            &facts.outpoints,
            &facts.keys,
        ]
        .concat())
    }

    /// A statement on the payment of a request, which the model then knows to be pledged.
    pub fn statement(&mut self, request: &Request, nonce: &[u8; 32]) -> Step<Signed> {
        let payment = self.logged(request)?.clone();
        let answer = self.statement_answer(nonce, &payment.txid)?;
        self.stated(&payment, nonce, answer)
    }

    /// Judges the answer to a STATEMENT that must be given.
    pub fn stated(&mut self, payment: &Logged, nonce: &[u8; 32], answer: Answer) -> Step<Signed> {
        let data = answer.want(Sw::OK, "STATEMENT")?;
        let host = self.host()?;
        let facts = Facts::of(self, payment)?;
        let mut reader = Reader::new("STATEMENT", &data);
        let told = [
            ("network", 0x80, vec![host.profile.network]),
            ("provenance", 0x81, vec![host.profile.provenance.number()]),
            ("leaf", 0x82, facts.leaf),
            ("outpoints", 0x83, facts.outpoints),
            ("output keys", 0x84, facts.keys),
        ];
        for (name, tag, expected) in told {
            let value = reader.next(tag)?;
            require!(
                value == expected,
                "STATEMENT: {name} {} instead of {}",
                hex::encode_upper(value),
                hex::encode_upper(&expected)
            );
        }
        let signed = Signed {
            salt: reader.array(0x85)?,
            signature: reader.array(0x86)?,
        };
        reader.end()?;
        let preimage = self.statement_preimage(nonce, payment)?;
        require!(
            signed.is_of(&host.record.identity_key, "Tillcard/statement", &preimage),
            "STATEMENT: the signature isn't valid for nonce, txid, facts and salt under the \
             card's identity key"
        );
        self.host_mut()?.purse.pledge(payment);
        Ok(signed)
    }
}

/// What a statement tells of a payment.
struct Facts {
    leaf: Vec<u8>,
    outpoints: Vec<u8>,
    keys: Vec<u8>,
}

impl Facts {
    fn of(card: &Card, payment: &Logged) -> Step<Self> {
        let host = card.host()?;
        let inputs = &payment.plan.inputs;
        let key = |coin: &Coin| {
            (host.account.output_key(coin.chain, coin.index)).map(|key| key.serialize())
        };
        Ok(Self {
            leaf: host.profile.leaf.encode()[..3].to_vec(),
            outpoints: inputs.iter().flat_map(Coin::outpoint).collect(),
            keys: (inputs.iter().map(key).collect::<Step<Vec<_>>>()?).concat(),
        })
    }
}
