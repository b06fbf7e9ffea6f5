//! Nonces of signatures, salts and challenges: `[KEY-6]`, and what is drawn anew each time.

use super::prelude::*;
use super::sign::unknown;
use super::statement::issue;
use crate::known_key::{nonce_of, output_pair};
use crate::model::{Leaf, Place, Spend, SpendInput};
use crate::purposes::distinct::Distinct;
use crate::purposes::nonces::{Candidates, require_drawn, require_even};
use crate::tx::sighashes;

/// Nonces in which fixed bits show.
const NONCES: usize = 128;
/// Proofs of genuineness, statements and challenges that are asked for.
const PROOFS: u8 = 40;
const STATEMENTS: u8 = 8;
const CHALLENGES: usize = 64;

cases! {
    "TC-KEY-07" version 1 on Own D3 for [KEY_6 KEY_5 SGN_1] runs known_key:
        "Under a key that the suite knows, imported, 128 signatures of one transaction of SIGN's \
         have 128 nonces, in which no field of 2, 4 or 8 \
         bits has one value more often than chance gives it (a signature tells a nonce or its \
         negative: one fixed bit stays unseen); the same signature asked for again has another \
         nonce, if the card declares auxiliary randomness."
        catches "A nonce that a key, a message or a generator repeats, or of which bits are fixed: \
                 the account key can be computed.";
    "TC-KEY-08" version 1 on Own D3 for [KEY_6 GEN_1 STM_1 ISS_4] runs identity:
        "No two signatures of the identity key have one nonce point, be it in proofs of one \
         challenge, statements or account records, over power cycles; no byte of their salts is \
         always the same, and no two always equal."
        catches "ECDSA with one nonce: whoever has two proofs has the identity key.";
    "TC-OWN-12" version 1 on Own D3 for [OWN_1] runs challenges:
        "Of 64 challenges no byte is always the same, and no two bytes always equal."
        catches "A challenge of which half is constant.";
}

fn known_key(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    ctx.capabilities()?.needs(Capability::Imported)?;
    ctx.capabilities()?.needs(Capability::Signing)?;
    let (key, chain_code) = (ctx.values.bytes("key"), ctx.values.bytes("chain code"));
    let profile = ctx.profile()?.imported(key, chain_code).leaf(Leaf::None);
    ctx.prepare(&profile)?;
    let place = Place::receive(7);
    let mut stream = ctx.values.stream("unknown coins");
    let inputs: Vec<SpendInput> = (0..ctx.host()?.capabilities.sign_inputs)
        .map(|_| unknown(&mut stream, 50_000, place))
        .collect();
    let spend = Spend::elsewhere(inputs, 90_000);
    let account = ctx.host()?.account.clone();
    let pair = output_pair(&profile, place)?;
    let hashes = sighashes(&spend.transaction(&account)?, &spend.spent(&account)?)?;
    ctx.streamed(&spend, 255)?;
    let draws = ctx.has(Capability::AuxiliaryRandomness)?;
    let mut points = Distinct::new("two signatures of one key have one nonce point");
    let mut nonces: Vec<Candidates> = Vec::new();
    for (input, hash) in (0..).zip(&hashes) {
        let signature = signature(ctx, input)?;
        points
            .add(&signature[..32])
            .at(|| format!("input {input}"))?;
        nonces.push(nonce_of(&pair, hash, &signature)?);
    }
    put!(
        nonces.len() >= NONCES,
        "the case needs {NONCES} signatures at once, and the card declares {}",
        nonces.len()
    );
    require_even(&nonces)?;
    if draws {
        for input in 0..4 {
            let again = signature(ctx, input)?;
            points
                .add(&again[..32])
                .at(|| format!("input {input} a second time"))?;
        }
    }
    ctx.note(format!("{} nonces under a known key", nonces.len()));
    Ok(())
}

fn signature(ctx: &mut CaseContext, input: u8) -> Step<[u8; 64]> {
    let data = ctx
        .signature_answer(input)?
        .want(Sw::OK, "SIGN, a signature")?;
    data.try_into()
        .map_err(|_| Stop::Fail("SIGN: a signature hasn't 64 bytes".to_owned()))
}

fn identity(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(ctx, Limits::WIDE, &[90_000])?;
    let identity = ctx.host()?.record.identity_key;
    let request = request_of(10_000);
    ctx.pay_checked(&request).preamble()?;
    let mut points = Distinct::new("two signatures of the identity key have one nonce point");
    let mut salts = Vec::new();
    let same: [u8; 32] = ctx.values.bytes("challenge");
    for number in 0..STATEMENTS {
        let statement = ctx.statement(&request, &same)?;
        points
            .add(&statement.signature[..32])
            .at(|| format!("statement {number}"))?;
        salts.push(statement.salt.to_vec());
    }
    for number in 0..PROOFS {
        if number % 8 == 7 {
            ctx.power_cycle()?;
        }
        let challenge = if number % 2 == 0 { same } else { [number; 32] };
        let proof = ctx.prove(&challenge, &identity)?;
        points
            .add(&proof.signature[..32])
            .at(|| format!("proof {number}"))?;
        salts.push(proof.salt.to_vec());
    }
    require_drawn(&salts, "salts")
}

fn challenges(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    let mut drawn = Vec::new();
    for number in 0..CHALLENGES {
        if number % 16 == 15 {
            ctx.power_cycle()?;
        }
        drawn.push(ctx.challenge()?.to_vec());
    }
    require_drawn(&drawn, "challenges")
}
