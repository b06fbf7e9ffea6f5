//! Certificates: section 3.7. The card stores bytes, so that any bytes will do here.

use super::personalisation::{blank, certificates, personalised};
use super::prelude::*;
use crate::card::certificates_of;
use crate::model::OwnKey;

cases! {
    "TC-CRT-01" version 1 on Own D3 for [CRT_1 FRM_5 FRM_3] runs in_every_state:
        "After the personalisation's end GET DATA answers the bytes stored, batch first, for both \
         keys: in the factory state, issued, authorised, with the PIN blocked, after FACTORY RESET \
         and after power cuts; in parts of any size, whole in extended form; and it takes no \
         authorisation away."
        catches "A card that can't prove itself to the shop, because it is issued, or because its \
                 PIN is blocked.";
    "TC-CRT-02" version 1 on Own D3 for [CRT_2 FRM_8] runs others:
        "After the personalisation's end GET DATA answers 6A88 for all other key identifiers and \
         versions; a data field that isn't six bytes is refused with 6700, one of another form \
         with 6A80."
        catches "One key's certificate for another.";
    "TC-CRT-03" version 1 on Own D3 for [CRT_2 FRM_8] runs before_the_end:
        "Before the end, after each piece stored, GET DATA answers 6A88, in the factory state and \
         issued, and refuses wrong data fields as after it."
        catches "A certificate told before its maker vouches for it.";
}

fn in_every_state(ctx: &mut CaseContext) -> Outcome {
    let chains = personalised(ctx)?;
    ctx.expect_certificates(Some(&chains), "in the factory state")?;
    ctx.power_cycle()?;
    ctx.expect_certificates(Some(&chains), "in the factory state, after a power cut")?;
    ctx.prepare_funded(&[])?;
    ctx.authorise()?;
    ctx.expect_certificates(Some(&chains), "authorised")?;
    ctx.expect_authorised(true, "after GET DATA")?;
    ctx.power_cycle()?;
    ctx.expect_certificates(Some(&chains), "issued, after a power cut")?;
    in_parts(ctx, &chains)?;
    ctx.block_pin().preamble()?;
    ctx.expect_certificates(Some(&chains), "with the PIN blocked")?;
    ctx.factory_reset().preamble()?;
    ctx.expect_certificates(Some(&chains), "after FACTORY RESET")?;
    ctx.power_cycle()?;
    ctx.expect_certificates(Some(&chains), "after FACTORY RESET and a power cut")
}

fn in_parts(ctx: &mut CaseContext, chains: &[Vec<u8>; 2]) -> Outcome {
    for (key, chain) in OwnKey::BOTH.into_iter().zip(chains) {
        let command =
            Command::new(crate::card::CERTIFICATES).data(certificates_of(key.reference()));
        for size in [1, 100, 255] {
            let first = ctx.once(&command.clone().le(size))?;
            let mut answer = first;
            // Parts of this size, whatever is left.
            while answer.sw.more().is_some() {
                let part = ctx.get_response(size)?;
                require!(
                    !part.data.is_empty() && part.data.len() <= size as usize,
                    "GET RESPONSE for {size} bytes gave {}",
                    part.data.len()
                );
                answer.data.extend(part.data);
                answer.sw = part.sw;
            }
            let data = answer.want(Sw::OK, "GET DATA, certificates, in parts")?;
            require!(
                data == *chain,
                "certificates in parts of {size} bytes are others than whole"
            );
        }
        if ctx.capabilities()?.extended_length() {
            ctx.form = Form::Extended;
            let whole = ctx.once(&command.clone().le(LE_SHORT))?;
            ctx.form = Form::Short;
            let data = whole.want(Sw::OK, "GET DATA, certificates, extended")?;
            require!(data == *chain, "certificates in extended form are others");
        }
    }
    Ok(())
}

/// What is asked for in a wrong way must be refused.
fn wrong_fields(ctx: &mut CaseContext, when: &str) -> Outcome {
    let right = certificates_of(OwnKey::Identity.reference());
    let long = [&right[..], &[0; 249]].concat();
    for length in (0..=255).filter(|length| *length != right.len()) {
        ctx.certificates_answer(&long[..length])?
            .want_bare(Sw::WRONG_LENGTH, "GET DATA, certificates")
            .at(|| format!("{when}, {length} data bytes"))?;
    }
    for position in 0..4 {
        for value in (0..=0xFF).filter(|value| *value != right[position]) {
            let mut field = right.clone();
            field[position] = value;
            ctx.certificates_answer(&field)?
                .want_bare(Sw::WRONG_DATA, "GET DATA, certificates")
                .at(|| format!("{when}, data {}", hex::encode_upper(&field)))?;
        }
    }
    Ok(())
}

fn none(ctx: &mut CaseContext, reference: [u8; 2], when: &str) -> Outcome {
    ctx.certificates_answer(&certificates_of(reference))?
        .want_bare(Sw::NOT_FOUND, "GET DATA, certificates")
        .at(|| format!("{when}, key {}", hex::encode_upper(reference)))
}

fn others(ctx: &mut CaseContext) -> Outcome {
    let chains = personalised(ctx)?;
    for identifier in 0..=0xFF {
        for version in [0, 1, 2, 0x13, 0x40, 0x7F, 0x80, 0xFF] {
            let reference = [identifier, version];
            if !OwnKey::BOTH.iter().any(|key| key.reference() == reference) {
                none(ctx, reference, "after the end")?;
            }
        }
    }
    wrong_fields(ctx, "after the end")?;
    ctx.expect_certificates(Some(&chains), "after refused questions")
}

fn before_the_end(ctx: &mut CaseContext) -> Outcome {
    blank(ctx)?;
    wrong_fields(ctx, "before the end")?;
    ctx.own_keys().preamble()?;
    let certificates = certificates(ctx, "certificates before the end", [400, 300, 300]);
    for (p2, piece) in certificates.pieces() {
        ctx.expect_certificates(None, &format!("before piece {p2:02X}"))?;
        ctx.put_data(p2, &piece).preamble()?;
    }
    ctx.expect_certificates(None, "before the end")?;
    ctx.prepare_funded(&[])?;
    ctx.expect_certificates(None, "issued without the personalisation's end")?;
    none(ctx, [0x00, 0x00], "issued")?;
    ctx.power_cycle()?;
    ctx.expect_certificates(None, "issued without the end, after a power cut")
}
