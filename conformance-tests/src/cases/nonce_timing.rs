//! Whether the time of a signature tells how long its nonce is. Section 3.3.

use super::prelude::*;
use super::sign::unknown;
use crate::known_key::{nonce_of, output_pair};
use crate::model::{Leaf, Place, Spend, SpendInput};
use crate::purposes::nonces::Candidates;
use crate::purposes::rank_correlation::rank_correlation;
use crate::report::{Figure, Series};
use crate::tx::sighashes;

/// Signatures that are measured in each run, at least.
const SIGNATURES: usize = 2_000;
/// Standard deviations of the rank correlation above which it isn't chance: once in 10⁶ runs, and
/// a FAIL needs it twice.
const THRESHOLD: f64 = 5.0;

cases! {
    "TC-KEY-09" version 1 on Own D3 for [KEY_6 KEY_5] runs signing_time:
        "Under an imported key, which the suite knows, the time of 2 000 signatures of SIGN's or \
         more doesn't go with the length of their nonces in bits (Spearman's rank correlation; a \
         nonce is known but for its sign, so that half of the lengths are another's). FAIL needs \
         |z| > 5 in two independent runs, which by chance happens less than once in 10¹² runs; a \
         correlation of 0.14 is seen nine times in ten. Through a PC reader only what outlasts the \
         link's noise shows."
        catches "A multiplication that takes as long as its scalar: a few hundred signatures tell \
                 the key (Minerva, CVE-2019-15809).";
}

fn signing_time(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    ctx.capabilities()?.needs(Capability::Imported)?;
    ctx.capabilities()?.needs(Capability::Signing)?;
    ctx.capabilities()?.needs(Capability::AuxiliaryRandomness)?;
    let (key, chain_code) = (ctx.values.bytes("key"), ctx.values.bytes("chain code"));
    let profile = ctx.profile()?.imported(key, chain_code).leaf(Leaf::None);
    ctx.prepare(&profile)?;
    let at_once = ctx.host()?.capabilities.sign_inputs;
    put!(
        at_once > 1,
        "the case needs several signatures at once, and the card declares {at_once}"
    );
    let mut found = [0.0; 2];
    for (z, run) in found.iter_mut().zip(["first run", "second run"]) {
        *z = measure(ctx, run)?;
        ctx.measure(&format!("{run}: rank correlation z"), *z);
        if z.abs() <= THRESHOLD {
            return Ok(());
        }
    }
    let [first, second] = found;
    Err(Stop::Fail(format!(
        "the time of a signature goes with the length of its nonce: z = {first:.1} and \
         {second:.1} in two independent runs"
    )))
}

fn measure(ctx: &mut CaseContext, run: &str) -> Step<f64> {
    let profile = ctx.host()?.profile.clone();
    let account = ctx.host()?.account.clone();
    let place = Place::receive(7);
    let pair = output_pair(&profile, place)?;
    let mut stream = ctx.values.stream(run);
    let (mut bits, mut times) = (Vec::new(), Vec::new());
    while times.len() < SIGNATURES {
        let inputs: Vec<SpendInput> = (0..ctx.host()?.capabilities.sign_inputs)
            .map(|_| unknown(&mut stream, 50_000, place))
            .collect();
        let spend = Spend::elsewhere(inputs, 90_000);
        let hashes = sighashes(&spend.transaction(&account)?, &spend.spent(&account)?)?;
        ctx.streamed(&spend, 255).preamble()?;
        for (input, hash) in (0..).zip(&hashes) {
            let answer = ctx.signature_answer(input)?;
            let took = ctx.took_ns;
            let signature = answer.want(Sw::OK, "SIGN, a signature")?;
            // The first one has the card write to its memory.
            if input > 0 {
                bits.push(length(&nonce_of(&pair, hash, &array(signature)?)?));
                times.push(took as f64 / 1000.0);
            }
        }
    }
    let z = rank_correlation(&bits, &times);
    ctx.draw(Figure::Scatter {
        title: format!("Signatures of SIGN, {run}"),
        measured: "time, µs".to_owned(),
        at: Some("length of the nonce or of its negative, bits".to_owned()),
        series: vec![Series {
            name: "signatures".to_owned(),
            at: bits,
            values: times,
        }],
    });
    Ok(z)
}

fn array(signature: Vec<u8>) -> Step<[u8; 64]> {
    signature
        .try_into()
        .map_err(|_| Stop::Fail("SIGN: a signature hasn't 64 bytes".to_owned()))
}

/// Bits of the shorter one: the other has 256, but for one nonce in 2¹²⁷.
fn length(candidates: &Candidates) -> f64 {
    let bits = |nonce: &[u8; 32]| {
        let zeros = nonce.iter().take_while(|byte| **byte == 0).count();
        let next = nonce.get(zeros).map_or(0, |byte| 8 - byte.leading_zeros());
        8 * 31u32.saturating_sub(zeros as u32) + next
    };
    f64::from(candidates.iter().map(bits).min().unwrap_or_default())
}
