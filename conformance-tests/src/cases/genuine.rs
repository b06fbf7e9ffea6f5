//! The proof of genuineness: section 3.8.

use super::personal::{blank, personalised};
use super::prelude::*;
use crate::card::{GENUINE, SAME_PIN, Signed};
use crate::model::PLAIN;
use crate::model::STATEMENTS;
use crate::target::Fault;
use std::collections::HashSet;

/// Proofs that TC-GEN-01 asks for in a row.
const PROOFS: usize = 64;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-GEN-01",
        version: 1,
        purpose: "In the factory state (where the card has its keys), issued, authorised, with \
                  the PIN blocked, after power-ups, and for challenges of zeros, ones and any \
                  other bytes, some of them twice, the signature is valid for challenge, plain \
                  session and salt under the identity key of the issue record, and under no other \
                  challenge, and no salt comes twice.",
        requirements: &[req::GEN_1, req::STA_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A proof that was recorded once and serves for ever; a nonce that comes twice \
                 with the salt.",
        run: proofs,
    },
    Case {
        id: "TC-GEN-02",
        version: 1,
        purpose: "A challenge of any other length than 32 bytes is refused with 6700, other P1-P2 \
                  with 6A86, before the card is issued and after.",
        requirements: &[req::GEN_2, req::FRM_8],
        start: Start::Own,
        level: Level::D3,
        defect: "A signature of whatever the reader sends.",
        run: refused,
    },
    Case {
        id: "TC-GEN-05",
        version: 1,
        purpose: "A card without keys of its own answers 6985, a key generation under way or not, \
                  until it is issued.",
        requirements: &[req::GEN_2, req::STA_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A proof by the key of the account, or by none.",
        run: without_keys,
    },
    Case {
        id: "TC-GEN-03",
        version: 1,
        purpose: "A proof gives no holder authorisation and takes none away, leaves an owner's \
                  challenge and an offer standing, and changes neither tries, nor coins, nor log, \
                  nor, where the memory is in reach, a byte of it.",
        requirements: &[req::GEN_3, req::NVM_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A proof that wears out the memory, or that anybody can end a payment with.",
        run: changes_nothing,
    },
    Case {
        id: "TC-GEN-04",
        version: 1,
        purpose: "Issue record, proof of genuineness and statement, signed by one key: none of \
                  their signatures is valid for what another of them says, whatever tag is put \
                  before it; a proof for the digest of a statement as its challenge is none for \
                  the statement.",
        requirements: &[req::GEN_1, req::STM_1, req::ISS_4],
        start: Start::Own,
        level: Level::D3,
        defect: "A proof of genuineness that a forger passes off as a statement.",
        run: told_apart,
    },
    Case {
        id: "TC-RND-04",
        version: 1,
        purpose: "With a source that fails at power-up the card's own keys aren't drawn and \
                  nothing is proven, both refused with 6400; a source that fails after a payment \
                  keeps the card from stating anything; nothing persistent changes, and the next \
                  power-up restores it. (Only a target that has the source in its hands can run \
                  this.)",
        requirements: &[req::RND_1, req::GEN_1, req::PER_1, req::STM_1],
        start: Start::Own,
        level: Level::D3,
        defect: "An identity key from a dead generator, or with a nonce of one.",
        run: bad_source,
    },
];

/// Proves, and looks that the salt is new.
fn fresh(
    b: &mut Bench,
    salts: &mut HashSet<[u8; 16]>,
    challenge: &[u8; 32],
    when: &str,
) -> Step<Signed> {
    let identity = b.card.host()?.record.identity_key;
    let proof = b.card.prove(challenge, &identity).at(|| when.to_owned())?;
    require!(
        salts.insert(proof.salt),
        "{when}: a salt that came before comes again"
    );
    Ok(proof)
}

fn proofs(b: &mut Bench) -> Outcome {
    personalised(b)?;
    let challenge = b.values.bytes("challenge");
    let early = [b.card.proof(&challenge)?, b.card.proof(&challenge)?];
    let profile = b.profile()?;
    b.issue(&profile)?;
    let identity = b.card.host()?.record.identity_key;
    let preimage = b.card.genuine_preimage(&challenge);
    for proof in &early {
        require!(
            proof.is_of(&identity, "Tillcard/genuine", &preimage),
            "a proof given before ISSUE isn't valid under the identity key of the issue record"
        );
    }
    let mut salts = HashSet::from(early.map(|proof| proof.salt));
    require!(salts.len() == 2, "two proofs have one salt");
    let mut stream = b.values.stream("challenges");
    for round in 0..PROOFS {
        if round % 8 == 0 {
            b.card.power_cycle()?;
        }
        let challenge = match round % 4 {
            0 => challenge,
            1 => [0; 32],
            2 => [0xFF; 32],
            _ => stream.bytes(),
        };
        let proof = fresh(b, &mut salts, &challenge, "issued")?;
        let mut other = challenge;
        other[round % 32] ^= 1;
        require!(
            !proof.is_of(
                &identity,
                "Tillcard/genuine",
                &b.card.genuine_preimage(&other)
            ),
            "a proof is valid for another challenge"
        );
    }
    b.card.authorise()?;
    fresh(b, &mut salts, &challenge, "authorised")?;
    for left in [2, 1, 0] {
        b.card.verify_wrong(left).preamble()?;
    }
    fresh(b, &mut salts, &challenge, "with the PIN blocked").map(drop)
}

fn refused(b: &mut Bench) -> Outcome {
    let spoilt = |b: &mut Bench| -> Outcome {
        let long = b.values.bytes::<255>("challenge");
        for length in (0..=255).filter(|length| *length != 32) {
            b.card
                .genuine_answer(&long[..length])?
                .want_bare(Sw::WRONG_LENGTH, "INTERNAL AUTHENTICATE")
                .at(|| format!("{length} data bytes"))?;
        }
        for value in 1..=0xFF {
            for (p1, p2) in [(value, 0), (0, value)] {
                b.card
                    .once(&Command::new([GENUINE[0], GENUINE[1], p1, p2]).data(&long[..32]))?
                    .want_bare(Sw::WRONG_P1P2, "INTERNAL AUTHENTICATE")
                    .at(|| format!("P1-P2 {p1:02X}{p2:02X}"))?;
            }
        }
        Ok(())
    };
    b.card.select()?;
    b.card.capabilities()?.needs(Capability::Channel)?;
    spoilt(b)?;
    let profile = b.profile()?;
    b.issue(&profile)?;
    spoilt(b)?;
    let identity = b.card.host()?.record.identity_key;
    b.card.prove(&[7; 32], &identity).map(drop)
}

fn without_keys(b: &mut Bench) -> Outcome {
    blank(b)?;
    for _ in 0..2 {
        b.card.genuine_answer(&[7; 32])?.want_bare(
            Sw::CONDITIONS,
            "INTERNAL AUTHENTICATE without keys of its own",
        )?;
        b.card.generate()?;
    }
    let profile = b.profile()?;
    b.issue(&profile)?;
    let identity = b.card.host()?.record.identity_key;
    b.card.prove(&[7; 32], &identity).map(drop)
}

fn changes_nothing(b: &mut Bench) -> Outcome {
    b.card.select()?;
    b.card.capabilities()?.needs(Capability::Channel)?;
    b.issue_and_fund(&[60_000, 50_000])?;
    b.card.verify_wrong(2).preamble()?;
    let identity = b.card.host()?.record.identity_key;
    let before = b.card.memory().ok();
    let mut stream = b.values.stream("challenges");
    let mut prove = |b: &mut Bench| b.card.prove(&stream.bytes(), &identity).map(drop);
    for _ in 0..50 {
        prove(b)?;
    }
    b.card.expect_authorised(false, "after a proof")?;
    b.card.expect_tries(2, "after a proof")?;
    require!(
        b.card.memory().ok() == before,
        "a proof of genuineness wrote to the card's memory"
    );
    b.card.verify_right().preamble()?;
    prove(b)?;
    b.card.expect_authorised(true, "after a proof")?;

    let command = b.card.owner_command(SAME_PIN, &[])?;
    prove(b)?;
    b.card.once(&command)?.want_bare(
        Sw::OK,
        "RESET RETRY COUNTER over a challenge of before the proof",
    )?;

    let request = request(20_000);
    let plan = b.card.preview_checked(&request)?;
    require!(plan.is_ok(), "the case needs a payment");
    prove(b)?;
    let answer = b.card.pay_answer(&request)?;
    b.card.paid(&request, answer)?;
    b.card.expect_books("after proofs")
}

fn told_apart(b: &mut Bench) -> Outcome {
    b.card.select()?;
    let capabilities = b.card.capabilities()?;
    capabilities.needs(Capability::Channel)?;
    capabilities.needs(Capability::Statements)?;
    let profile = b.profile()?.policy(PLAIN | STATEMENTS);
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[60_000])?;
    let request = request(20_000);
    b.card.pay_checked(&request).preamble()?;
    let payment = b.card.logged(&request)?.clone();
    let nonce: [u8; 32] = b.values.bytes("nonce");

    let statement = b.card.statement(&request, &nonce)?;
    let record = b.card.host()?.record.clone();
    let identity = record.identity_key;
    let proof = b.card.prove(&nonce, &identity)?;
    let issue = Signed {
        salt: record.salt,
        signature: record.signature,
    };
    let said = [
        (
            "Tillcard/issue",
            record.preimage(&profile, &b.card.host()?.account),
        ),
        ("Tillcard/genuine", b.card.genuine_preimage(&nonce)),
        (
            "Tillcard/statement",
            b.card.statement_preimage(&nonce, &payment)?,
        ),
    ];
    let signed = [issue, proof, statement];
    for (position, signature) in signed.iter().enumerate() {
        for (what, (_, preimage)) in said.iter().enumerate() {
            for (tag, (tagged, _)) in said.iter().enumerate() {
                let valid = signature.is_of(&identity, tagged, preimage);
                let own = position == what && position == tag;
                require!(
                    valid == own,
                    "the signature of {} is {}valid for what {} says under the tag {tagged}",
                    said[position].0,
                    if valid { "" } else { "not " },
                    said[what].0
                );
            }
        }
    }
    // The digest that the statement signed, as a challenge.
    let digest = crate::keys::tagged_hash("Tillcard/statement", &[&said[2].1, &statement.salt]);
    let proof = b.card.prove(&digest, &identity)?;
    let salted = Signed {
        salt: statement.salt,
        ..proof
    };
    require!(
        !salted.is_of(&identity, "Tillcard/statement", &said[2].1)
            && !crate::keys::p256_verifies(&identity, &digest, &proof.signature),
        "a proof of genuineness signs its challenge as it is"
    );
    Ok(())
}

fn bad_source(b: &mut Bench) -> Outcome {
    blank(b)?;
    let capabilities = b.card.capabilities()?;
    let keys = b.card.own_keys().preamble()?;
    let challenge = b.values.bytes("challenge");
    b.card.inject(&Fault::NoRandom)?;
    b.card.power_cycle()?;
    for _ in 0..2 {
        b.card
            .own_keys_answer()?
            .want_bare(Sw::EXECUTION, "GENERATE of the card's own keys")?;
        b.card
            .genuine_answer(&challenge)?
            .want_bare(Sw::EXECUTION, "INTERNAL AUTHENTICATE")?;
        // The source is good again, but untested until the next power-up.
        b.card.inject(&Fault::GoodRandom)?;
    }
    b.card.power_cycle()?;
    b.card
        .prove(&challenge, &keys.identity)
        .at(|| "after a power-up with a good source".to_owned())?;

    capabilities.needs(Capability::Statements)?;
    let profile = b.profile()?.policy(PLAIN | STATEMENTS);
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[60_000])?;
    let request = request(20_000);
    b.card.pay_checked(&request).preamble()?;
    let txid = b.card.logged(&request)?.txid;
    b.card.inject(&Fault::NoRandom)?;
    b.card
        .statement_answer(&challenge, &txid)?
        .want_bare(Sw::EXECUTION, "STATEMENT with a source that failed")?;
    b.card.inject(&Fault::GoodRandom)?;
    b.card.power_cycle()?;
    b.card.expect_books("after a refused statement")?;
    let answer = b.card.pay_answer(&request)?;
    b.card.paid_again(&request, answer)?;
    b.card.statement(&request, &challenge).map(drop)
}
