//! Personalisation: sections 3.5 and 3.6.

use super::prelude::*;
use crate::card::{END, GENERATE_OWN_KEYS, put_data};
use crate::model::{Certificates, LONGEST_PIECE, OwnKey};
use std::collections::HashSet;

/// Drawings of TC-PER-01.
const DRAWINGS: usize = 16;

cases! {
    "TC-PER-01" version 1 on Own D3 for [PER_1 GEN_1 ISS_1 ISS_4] runs drawings:
        "16 drawings of the card's own keys, some of them the first after a power-up, answer 32 \
         different points of P-256; the last ones are those that prove genuineness, also after a \
         power cut, and that ISSUE's record has, and none of before; a drawing removes every piece \
         of certificates stored. (A card whose personalisation has ended isn't asked, here and \
         below.)"
        catches "Keys from a constant, or that a power cut takes back; a certificate left over \
                 that vouches for a key of before.";
    "TC-PER-02" version 2 on Own D3 for [PER_2 CRT_1] runs pieces:
        "Pieces of 1 to 239 bytes, one to four of each certificate, the first before the others \
         and these in any order, with power cuts between, and some of them a second time with \
         other bytes and another length, are read in the order of their numbers, and as last \
         stored; a first piece stored again removes the others of its certificate, and no other \
         certificate's."
        catches "Pieces joined in the order in which they came; a longer piece of before that \
                 shows behind a shorter one.";
    "TC-PER-03" version 1 on Own D3 for [PER_3 CRT_2 NVM_3] runs end:
        "The end is refused with 6985 without keys, while any of the three certificates lacks its \
         first piece, be there others of its pieces, and while one is missing between two others; \
         with all of them it is taken, and is there after a power cut."
        catches "A card that leaves its maker without a certificate, for good.";
    "TC-PER-04" version 1 on Own D3 for [PER_4 FRM_8 CRT_1] runs after_the_end:
        "After the end, and in the issued state (authorised, with the PIN blocked), drawing and \
         storing are refused with 6985, with any P2, and keys and certificates stay; before that \
         another P1 or P2 is refused with 6A86, a piece of 0 or more than 239 bytes, and an end \
         with data, with 6700."
        catches "A shop that gives a card keys of its own, or another's certificate.";
    "TC-PER-06" version 1 on Own D3 for [PER_4 STA_1] runs issued_before_the_end:
        "On an issued card whose personalisation was never ended, drawing and storing are refused \
         with 6985. (Only a target that has the memory in its hands, or a card that nobody \
         personalised, can run this.)"
        catches "A card of the owner's whose keys any shop can replace.";
}

/// A card whose personalisation hasn't ended, the application selected.
pub(super) fn blank(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    ctx.capabilities()?.needs(Capability::Channel)?;
    if ctx.chains()?.is_some() {
        ctx.blank_card()?;
    }
    Ok(())
}

/// A card without keys of its own, which it draws for good when it is issued; the application
/// selected.
pub(super) fn without_own_keys(ctx: &mut CaseContext) -> Outcome {
    blank(ctx)?;
    if ctx.uses_cards_again() && ctx.genuine_answer(&[0; 32])?.sw == Sw::OK {
        ctx.blank_card()?;
    }
    Ok(())
}

/// A card whose personalisation has ended, the application selected; what GET DATA must answer for
/// both of its keys. Where nobody personalised it, the case does.
pub(super) fn personalised(ctx: &mut CaseContext) -> Step<[Vec<u8>; 2]> {
    ctx.select()?;
    ctx.capabilities()?.needs(Capability::Channel)?;
    if let Some(chains) = ctx.chains()? {
        return Ok(chains);
    }
    let certificates = certificates(ctx, "certificates", [400, 380, 370]);
    ctx.personalise(&certificates)?;
    Ok(OwnKey::BOTH.map(|key| certificates.chain(key)))
}

/// Bytes that stand for certificates, of these lengths.
pub(super) fn certificates(ctx: &CaseContext, name: &str, lengths: [usize; 3]) -> Certificates {
    let mut stream = ctx.values.stream(name);
    let [batch, identity, agreement] = lengths.map(|length| stream.vec(length));
    Certificates {
        batch,
        identity,
        agreement,
    }
}

fn drawings(ctx: &mut CaseContext) -> Outcome {
    blank(ctx)?;
    let challenge = ctx.values.bytes("challenge");
    let mut points = HashSet::new();
    let mut last = ctx.own_keys()?;
    for drawing in 0..DRAWINGS {
        if drawing > 0 {
            let before = last;
            last = ctx.own_keys()?;
            let proof = ctx.prove(&challenge, &last.identity)?;
            let preimage = ctx.genuine_preimage(&challenge);
            require!(
                !proof.is_of(&before.identity, "Tillcard/genuine", &preimage),
                "a proof of genuineness is valid under the key of before"
            );
        }
        if drawing % 4 == 0 {
            ctx.power_cycle()?;
            ctx.prove(&challenge, &last.identity)
                .at("after a power cut")?;
        }
        for point in [last.identity, last.agreement] {
            require!(points.insert(point), "a key was drawn twice");
        }
    }
    let certificates = certificates(ctx, "certificates", [500, 300, 240]);
    ctx.store(&certificates)?;
    last = ctx.own_keys()?;
    // Only the first piece of each.
    let pieces = certificates.pieces();
    for (p2, piece) in pieces.iter().filter(|(p2, _)| p2 & 0x0F == 0) {
        ctx.put_data_answer(END, &[])?
            .want_bare(Sw::CONDITIONS, "PUT DATA, the end, after another drawing")
            .at(|| format!("before piece {p2:02X} is stored again"))?;
        ctx.put_data(*p2, piece)?;
    }
    ctx.end_personalisation()?;
    let first = |bytes: &Vec<u8>| bytes[..bytes.len().min(LONGEST_PIECE)].to_vec();
    let expected = [&certificates.identity, &certificates.agreement]
        .map(|own| [first(&certificates.batch), first(own)].concat());
    ctx.expect_certificates(Some(&expected), "stored after another drawing")?;
    let profile = ctx.profile()?;
    ctx.issue(&profile)?;
    let record = &ctx.host()?.record;
    require!(
        (record.identity_key, record.agreement_key) == (last.identity, last.agreement),
        "the issue record has other keys than the last that were drawn"
    );
    Ok(())
}

fn pieces(ctx: &mut CaseContext) -> Outcome {
    let shapes = [[956, 1, 478], [240, 955, 956]];
    for (round, lengths) in shapes.into_iter().enumerate() {
        let place = || format!("certificates of {lengths:?} bytes");
        if round > 0 {
            ctx.fresh_card()?;
        }
        blank(ctx)?;
        ctx.own_keys().preamble()?;
        let certificates = certificates(ctx, &format!("certificates {round}"), lengths);
        let mut stream = ctx.values.stream(&format!("order {round}"));
        let mut left = certificates.pieces();
        let mut count = 0;
        while !left.is_empty() {
            let chosen = left[stream.below(left.len() as u64) as usize].0;
            // Its certificate's first piece, while that isn't stored.
            let at = (left.iter())
                .position(|(p2, _)| *p2 == chosen & 0xF0)
                .or_else(|| left.iter().position(|(p2, _)| *p2 == chosen))
                .unwrap_or_default();
            let (p2, piece) = left.remove(at);
            for _ in 0..stream.below(3) {
                let length = 1 + stream.below(LONGEST_PIECE as u64) as usize;
                let other = stream.vec(length);
                ctx.put_data(p2, &other).at(place)?;
            }
            ctx.put_data(p2, &piece).at(place)?;
            count += 1;
            if count % 3 == 0 {
                ctx.power_cycle()?;
            }
        }
        let mut certificates = certificates;
        if round == 1 {
            // The first piece again, when all are there.
            let identity = ctx.values.bytes::<100>("a first piece").to_vec();
            ctx.put_data(0x10, &identity)?;
            certificates = certificates.identity(identity);
        }
        ctx.end_personalisation().at(place)?;
        let chains = OwnKey::BOTH.map(|key| certificates.chain(key));
        ctx.expect_certificates(Some(&chains), "after the end")
            .at(place)?;
        ctx.power_cycle()?;
        ctx.expect_certificates(Some(&chains), "after the end and a power cut")
            .at(place)?;
    }
    Ok(())
}

fn end(ctx: &mut CaseContext) -> Outcome {
    blank(ctx)?;
    let refused = |ctx: &mut CaseContext, when: &str| -> Outcome {
        ctx.put_data_answer(END, &[])?
            .want_bare(Sw::CONDITIONS, "PUT DATA, the end")
            .at(when)?;
        ctx.expect_certificates(None, when)
    };
    let certificates = certificates(ctx, "certificates", [300, 250, 500]);
    refused(ctx, "at first")?;
    ctx.store(&certificates)?;
    if ctx.genuine_answer(&[0; 32])?.sw == Sw::CONDITIONS {
        refused(ctx, "with certificates and without keys")?;
    }
    for lacking in [0x00, 0x10, 0x20] {
        ctx.own_keys().preamble()?;
        refused(ctx, "with keys and without certificates")?;
        for (p2, piece) in certificates.pieces() {
            if p2 != lacking {
                ctx.put_data(p2, &piece)?;
            }
        }
        refused(ctx, &format!("without piece {lacking:02X}"))?;
        ctx.power_cycle()?;
        refused(
            ctx,
            &format!("without piece {lacking:02X}, after a power cut"),
        )?;
    }
    ctx.put_data(0x23, &certificates.agreement[..9])?;
    refused(ctx, "with piece 23 in the place of 20")?;
    for (first, gap) in [(0x00, 0x01), (0x10, 0x12), (0x20, 0x22)] {
        ctx.own_keys().preamble()?;
        for p2 in [0x00, 0x10, 0x20] {
            ctx.put_data(p2, &[p2; 20])?;
        }
        for p2 in (first + 1..first + 4).filter(|p2| *p2 != gap) {
            ctx.put_data(p2, &[p2; 20])?;
        }
        refused(ctx, &format!("without piece {gap:02X} between others"))?;
    }
    let keys = ctx.own_keys().preamble()?;
    ctx.store(&certificates)?;
    ctx.end_personalisation()?;
    ctx.power_cycle()?;
    let chains = OwnKey::BOTH.map(|key| certificates.chain(key));
    ctx.expect_certificates(Some(&chains), "after the end and a power cut")?;
    ctx.card
        .prove(&ctx.values.bytes("challenge"), &keys.identity)
        .map(drop)
}

/// Drawing, storing and ending must be refused, and change nothing.
fn closed(ctx: &mut CaseContext, chains: &[Vec<u8>; 2], when: &str) -> Outcome {
    let place = || when.to_owned();
    ctx.own_keys_answer()?
        .want_bare(Sw::CONDITIONS, "GENERATE of the card's own keys")
        .at(place)?;
    let piece = ctx.values.bytes::<200>("another piece");
    for p2 in (0..4).flat_map(|low| [low, 0x10 | low, 0x20 | low]) {
        ctx.put_data_answer(p2, &piece)?
            .want_bare(Sw::CONDITIONS, "PUT DATA")
            .at(place)?;
    }
    ctx.put_data_answer(END, &[])?
        .want_bare(Sw::CONDITIONS, "PUT DATA, the end")
        .at(place)?;
    ctx.expect_certificates(Some(chains), when)
}

fn issued_before_the_end(ctx: &mut CaseContext) -> Outcome {
    blank(ctx)?;
    ctx.prepare_funded(&[])?;
    let identity = ctx.host()?.record.identity_key;
    ctx.own_keys_answer()?
        .want_bare(Sw::CONDITIONS, "GENERATE of the card's own keys, issued")?;
    let piece = ctx.values.bytes::<200>("a piece");
    ctx.put_data_answer(0x10, &piece)?
        .want_bare(Sw::CONDITIONS, "PUT DATA, issued")?;
    ctx.put_data_answer(END, &[])?
        .want_bare(Sw::CONDITIONS, "PUT DATA, the end, issued")?;
    ctx.expect_certificates(None, "issued, never personalised")?;
    ctx.prove(&piece[..32].try_into().unwrap_or_default(), &identity)
        .map(drop)
}

fn after_the_end(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    ctx.capabilities()?.needs(Capability::Channel)?;
    let defined = |p2: u8| (p2 < 0x30 && p2 & 0x0F < 4) || p2 == END;
    for p2 in (0..=0xFF).filter(|p2| !defined(*p2)) {
        ctx.put_data_answer(p2, &[7])?
            .want_bare(Sw::WRONG_P1P2, "PUT DATA")
            .at(|| format!("P2 {p2:02X}"))?;
    }
    let [class, instruction, ..] = put_data(0);
    for p1 in (0..=0xFF).filter(|p1| *p1 != 0x02) {
        ctx.once(&Command::new([class, instruction, p1, 0]).data([7]))?
            .want_bare(Sw::WRONG_P1P2, "PUT DATA")
            .at(|| format!("P1 {p1:02X}"))?;
    }
    let long = ctx.values.bytes::<255>("a long piece");
    for length in [0].into_iter().chain(LONGEST_PIECE + 1..=255) {
        ctx.put_data_answer(0x10, &long[..length])?
            .want_bare(Sw::WRONG_LENGTH, "PUT DATA")
            .at(|| format!("{length} data bytes"))?;
    }
    ctx.put_data_answer(END, &long[..1])?
        .want_bare(Sw::WRONG_LENGTH, "PUT DATA, the end, with data")?;
    ctx.once(&Command::new(GENERATE_OWN_KEYS).data([7]).le(LE_SHORT))?
        .want_bare(
            Sw::WRONG_LENGTH,
            "GENERATE of the card's own keys, with data",
        )?;

    let chains = personalised(ctx)?;
    closed(ctx, &chains, "after the end")?;
    ctx.power_cycle()?;
    closed(ctx, &chains, "after the end and a power cut")?;
    let challenge = ctx.values.bytes("challenge");
    let proof = ctx.proof(&challenge)?;
    ctx.prepare_funded(&[])?;
    let identity = ctx.host()?.record.identity_key;
    let preimage = ctx.genuine_preimage(&challenge);
    require!(
        proof.is_of(&identity, "Tillcard/genuine", &preimage),
        "the identity key changed when the card was issued"
    );
    ctx.authorise()?;
    closed(ctx, &chains, "issued, authorised")?;
    ctx.expect_authorised(true, "after refused commands")?;
    ctx.block_pin().preamble()?;
    closed(ctx, &chains, "with the PIN blocked")?;
    ctx.prove(&challenge, &identity).map(drop)
}
