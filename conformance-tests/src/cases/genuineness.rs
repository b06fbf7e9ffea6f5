//! The proof of genuineness: section 3.8.

use super::personalisation::{blank, personalised, without_own_keys};
use super::prelude::*;
use crate::card::{GENUINE, SAME_PIN, Signed};
use crate::card_under_test::Fault;
use crate::model::PLAIN;
use crate::model::STATEMENTS;
use crate::purposes::distinct::Distinct;

/// What is wrong with a salt that isn't new.
const SALT_TWICE: &str = "a salt that came before comes again";
/// Proofs that TC-GEN-01 asks for in a row.
const PROOFS: usize = 64;

cases! {
    "TC-GEN-01" version 1 on Own D3 for [GEN_1 STA_1] runs proofs:
        "In the factory state (where the card has its keys), issued, authorised, with the PIN \
         blocked, after power-ups, and for challenges of zeros, ones and any other bytes, some of \
         them twice, the signature is valid for challenge, plain session and salt under the \
         identity key of the issue record, and under no other challenge, and no salt comes twice."
        catches "A proof that was recorded once and serves for ever; a nonce that comes twice with \
                 the salt.";
    "TC-GEN-06" version 1 on Issued D0 for [GEN_1 SES_1] runs in_a_channel:
        "Inside a channel the signature is valid for the channel's receipt, and not for a plain \
         session; after SELECT for a plain session again."
        catches "A proof that a shim passes on from one session to another.";
    "TC-GEN-02" version 1 on Own D3 for [GEN_2 FRM_8] runs refused:
        "A challenge of any other length than 32 bytes is refused with 6700, other P1-P2 with \
         6A86, before the card is issued and after."
        catches "A signature of whatever the reader sends.";
    "TC-GEN-05" version 1 on Own D3 for [GEN_2 STA_1] runs without_keys:
        "A card without keys of its own answers 6985, a key generation under way or not, until it \
         is issued."
        catches "A proof by the key of the account, or by none.";
    "TC-GEN-03" version 1 on Own D3 for [GEN_3 NVM_1] runs changes_nothing:
        "A proof gives no holder authorisation and takes none away, leaves an owner's challenge \
         and an offer standing, and changes neither tries, nor coins, nor log, nor, where the \
         memory is in reach, a byte of it."
        catches "A proof that wears out the memory, or that anybody can end a payment with.";
    "TC-GEN-04" version 1 on Own D3 for [GEN_1 STM_1 ISS_4] runs told_apart:
        "Issue record, proof of genuineness and statement, signed by one key: none of their \
         signatures is valid for what another of them says, whatever tag is put before it; a proof \
         for the digest of a statement as its challenge is none for the statement."
        catches "A proof of genuineness that a forger passes off as a statement.";
    "TC-RND-04" version 1 on Own D3 for [RND_1 GEN_1 PER_1 STM_1] runs bad_source:
        "With a source that fails at power-up the card's own keys aren't drawn and nothing is \
         proven, both refused with 6400; a source that fails after a payment keeps the card from \
         stating anything; nothing persistent changes, and the next power-up restores it. (Only a \
         target that has the source in its hands can run this.)"
        catches "An identity key from a dead generator, or with a nonce of one.";
}

/// Proves, and looks that the salt is new.
fn fresh(
    ctx: &mut CaseContext,
    salts: &mut Distinct,
    challenge: &[u8; 32],
    when: &str,
) -> Step<Signed> {
    let identity = ctx.host()?.record.identity_key;
    let proof = ctx.prove(challenge, &identity).at(when)?;
    salts.add(&proof.salt).at(when)?;
    Ok(proof)
}

fn in_a_channel(ctx: &mut CaseContext) -> Outcome {
    ctx.needs(Capability::Channel)?;
    let identity = ctx.host()?.record.identity_key;
    let challenge = ctx.values.bytes("challenge");
    let plain = ctx.genuine_preimage(&challenge);
    ctx.open_channel()?;
    let proof = ctx.prove(&challenge, &identity).at("inside a channel")?;
    require!(
        !proof.is_of(&identity, "Tillcard/genuine", &plain),
        "a proof given inside a channel is valid for a plain session"
    );
    ctx.select()?;
    ctx.prove(&challenge, &identity)
        .map(drop)
        .at("in a plain session again")
}

fn proofs(ctx: &mut CaseContext) -> Outcome {
    personalised(ctx)?;
    let challenge = ctx.values.bytes("challenge");
    let early = [ctx.proof(&challenge)?, ctx.proof(&challenge)?];
    ctx.prepare_funded(&[])?;
    let identity = ctx.host()?.record.identity_key;
    let preimage = ctx.genuine_preimage(&challenge);
    for proof in &early {
        require!(
            proof.is_of(&identity, "Tillcard/genuine", &preimage),
            "a proof given before ISSUE isn't valid under the identity key of the issue record"
        );
    }
    let mut salts = Distinct::new(SALT_TWICE);
    for proof in &early {
        salts.add(&proof.salt)?;
    }
    let mut stream = ctx.values.stream("challenges");
    for round in 0..PROOFS {
        if round % 8 == 0 {
            ctx.power_cycle()?;
        }
        let challenge = match round % 4 {
            0 => challenge,
            1 => [0; 32],
            2 => [0xFF; 32],
            _ => stream.bytes(),
        };
        let proof = fresh(ctx, &mut salts, &challenge, "issued")?;
        let mut other = challenge;
        other[round % 32] ^= 1;
        require!(
            !proof.is_of(&identity, "Tillcard/genuine", &ctx.genuine_preimage(&other)),
            "a proof is valid for another challenge"
        );
    }
    ctx.authorise()?;
    fresh(ctx, &mut salts, &challenge, "authorised")?;
    ctx.block_pin().preamble()?;
    fresh(ctx, &mut salts, &challenge, "with the PIN blocked").map(drop)
}

fn refused(ctx: &mut CaseContext) -> Outcome {
    let spoilt = |ctx: &mut CaseContext| -> Outcome {
        let long = ctx.values.bytes::<255>("challenge");
        for length in (0..=255).filter(|length| *length != 32) {
            ctx.genuine_answer(&long[..length])?
                .want_bare(Sw::WRONG_LENGTH, "INTERNAL AUTHENTICATE")
                .at(|| format!("{length} data bytes"))?;
        }
        for value in 1..=0xFF {
            for (p1, p2) in [(value, 0), (0, value)] {
                ctx.once(&Command::new([GENUINE[0], GENUINE[1], p1, p2]).data(&long[..32]))?
                    .want_bare(Sw::WRONG_P1P2, "INTERNAL AUTHENTICATE")
                    .at(|| format!("P1-P2 {p1:02X}{p2:02X}"))?;
            }
        }
        Ok(())
    };
    ctx.select()?;
    ctx.capabilities()?.needs(Capability::Channel)?;
    spoilt(ctx)?;
    ctx.prepare_funded(&[])?;
    spoilt(ctx)?;
    let identity = ctx.host()?.record.identity_key;
    ctx.prove(&[7; 32], &identity).map(drop)
}

fn without_keys(ctx: &mut CaseContext) -> Outcome {
    without_own_keys(ctx)?;
    for _ in 0..2 {
        ctx.genuine_answer(&[7; 32])?.want_bare(
            Sw::CONDITIONS,
            "INTERNAL AUTHENTICATE without keys of its own",
        )?;
        ctx.generate()?;
    }
    ctx.prepare_funded(&[])?;
    let identity = ctx.host()?.record.identity_key;
    ctx.prove(&[7; 32], &identity).map(drop)
}

fn changes_nothing(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.select()?;
    ctx.capabilities()?.needs(Capability::Channel)?;
    ctx.prepare_funded(&[60_000, 50_000])?;
    ctx.verify_wrong(2).preamble()?;
    let identity = ctx.host()?.record.identity_key;
    let before = ctx.memory().ok();
    let mut stream = ctx.values.stream("challenges");
    let mut prove = |ctx: &mut CaseContext| ctx.prove(&stream.bytes(), &identity).map(drop);
    for _ in 0..50 {
        prove(ctx)?;
    }
    ctx.expect_authorised(false, "after a proof")?;
    ctx.expect_tries(2, "after a proof")?;
    require!(
        ctx.memory().ok() == before,
        "a proof of genuineness wrote to the card's memory"
    );
    ctx.verify_right().preamble()?;
    prove(ctx)?;
    ctx.expect_authorised(true, "after a proof")?;

    let command = ctx.owner_command(SAME_PIN, &[])?;
    prove(ctx)?;
    ctx.once(&command)?.want_bare(
        Sw::OK,
        "RESET RETRY COUNTER over a challenge of before the proof",
    )?;

    let request = request_of(20_000);
    let plan = ctx.preview_checked(&request)?;
    put!(plan.is_ok(), "the case needs a payment");
    prove(ctx)?;
    let answer = ctx.pay_answer(&request)?;
    ctx.paid(&request, answer)?;
    ctx.expect_ledger("after proofs")
}

fn told_apart(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.select()?;
    let capabilities = ctx.capabilities()?;
    capabilities.needs(Capability::Channel)?;
    capabilities.needs(Capability::Statements)?;
    let profile = ctx.profile()?.policy(PLAIN | STATEMENTS);
    ctx.prepare(&profile)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[60_000])?;
    let request = request_of(20_000);
    ctx.pay_checked(&request).preamble()?;
    let payment = ctx.logged(&request)?.clone();
    let nonce: [u8; 32] = ctx.values.bytes("nonce");

    let statement = ctx.statement(&request, &nonce)?;
    let record = ctx.host()?.record.clone();
    let identity = record.identity_key;
    let proof = ctx.prove(&nonce, &identity)?;
    let issue = Signed {
        salt: record.salt,
        signature: record.signature,
    };
    let said = [
        (
            "Tillcard/issue",
            record.preimage(&profile, &ctx.host()?.account),
        ),
        ("Tillcard/genuine", ctx.genuine_preimage(&nonce)),
        (
            "Tillcard/statement",
            ctx.statement_preimage(&nonce, &payment)?,
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
    let proof = ctx.prove(&digest, &identity)?;
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

fn bad_source(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    blank(ctx)?;
    let capabilities = ctx.capabilities()?;
    let keys = ctx.own_keys().preamble()?;
    let challenge = ctx.values.bytes("challenge");
    ctx.inject(&Fault::NoRandom)?;
    ctx.power_cycle()?;
    for _ in 0..2 {
        ctx.own_keys_answer()?
            .want_bare(Sw::EXECUTION, "GENERATE of the card's own keys")?;
        ctx.genuine_answer(&challenge)?
            .want_bare(Sw::EXECUTION, "INTERNAL AUTHENTICATE")?;
        // The source is good again, but untested until the next power-up.
        ctx.inject(&Fault::GoodRandom)?;
    }
    ctx.power_cycle()?;
    ctx.prove(&challenge, &keys.identity)
        .at("after a power-up with a good source")?;

    capabilities.needs(Capability::Statements)?;
    let profile = ctx.profile()?.policy(PLAIN | STATEMENTS);
    ctx.prepare(&profile)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[60_000])?;
    let request = request_of(20_000);
    ctx.pay_checked(&request).preamble()?;
    let txid = ctx.logged(&request)?.txid;
    ctx.inject(&Fault::NoRandom)?;
    ctx.statement_answer(&challenge, &txid)?
        .want_bare(Sw::EXECUTION, "STATEMENT with a source that failed")?;
    ctx.inject(&Fault::GoodRandom)?;
    ctx.power_cycle()?;
    ctx.expect_ledger("after a refused statement")?;
    let answer = ctx.pay_answer(&request)?;
    ctx.paid_again(&request, answer)?;
    ctx.statement(&request, &challenge).map(drop)
}
