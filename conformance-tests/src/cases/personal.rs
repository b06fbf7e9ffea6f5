//! Personalisation: sections 3.5 and 3.6.

use super::prelude::*;
use crate::card::{END, GENERATE_OWN_KEYS, put_data};
use crate::model::{Certificates, LONGEST_PIECE, OwnKey};
use crate::target::Fault;
use std::collections::HashSet;

/// Drawings of TC-PER-01.
const DRAWINGS: usize = 16;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-PER-01",
        version: 1,
        purpose: "16 drawings of the card's own keys, some of them the first after a power-up, \
                  answer 32 different points of P-256; the last ones are those that prove \
                  genuineness, also after a power cut, and that ISSUE's record has, and none of \
                  before; a drawing removes every piece of certificates stored. (A card whose \
                  personalisation has ended isn't asked, here and below.)",
        requirements: &[req::PER_1, req::GEN_1, req::ISS_1, req::ISS_4],
        start: Start::Own,
        level: Level::D3,
        defect: "Keys from a constant, or that a power cut takes back; a certificate left over \
                 that vouches for a key of before.",
        run: drawings,
    },
    Case {
        id: "TC-PER-02",
        version: 1,
        purpose: "Pieces of 1 to 239 bytes, one to four of each certificate, the first before the \
                  others and these in any order, with power cuts between, and some of them a \
                  second time with other bytes and another length, are read in the order of their \
                  numbers, and as last stored; a first piece stored again removes the others of \
                  its certificate, and no other certificate's.",
        requirements: &[req::PER_2, req::CRT_1],
        start: Start::Own,
        level: Level::D3,
        defect: "Pieces joined in the order in which they came; a longer piece of before that \
                 shows behind a shorter one.",
        run: pieces,
    },
    Case {
        id: "TC-PER-03",
        version: 1,
        purpose: "The end is refused with 6985 without keys, while any of the three certificates \
                  lacks its first piece, be there others of its pieces, and while one is missing \
                  between two others; with all of them it is taken, and is there after a power \
                  cut.",
        requirements: &[req::PER_3, req::CRT_2, req::NVM_3],
        start: Start::Own,
        level: Level::D3,
        defect: "A card that leaves its maker without a certificate, for good.",
        run: end,
    },
    Case {
        id: "TC-PER-04",
        version: 1,
        purpose: "After the end, and in the issued state (authorised, with the PIN blocked), \
                  drawing and storing are refused with 6985, with any P2, and keys and \
                  certificates stay; before that another P1 or P2 is refused with 6A86, a piece \
                  of 0 or more than 239 bytes, and an end with data, with 6700.",
        requirements: &[req::PER_4, req::FRM_8, req::CRT_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A shop that gives a card keys of its own, or another's certificate.",
        run: after_the_end,
    },
];

/// A card whose personalisation hasn't ended, the application selected.
pub(super) fn blank(b: &mut Bench) -> Outcome {
    b.card.select()?;
    b.card.capabilities()?.needs(Capability::Channel)?;
    if b.card.chains()?.is_some() {
        // As the memory was before anybody wrote to it.
        b.card.inject(&Fault::Memory(Vec::new()))?;
        b.card.power_cycle()?;
    }
    Ok(())
}

/// A card whose personalisation has ended, the application selected; what GET DATA must answer for
/// both of its keys. Where nobody personalised it, the case does.
pub(super) fn personalised(b: &mut Bench) -> Step<[Vec<u8>; 2]> {
    b.card.select()?;
    b.card.capabilities()?.needs(Capability::Channel)?;
    if let Some(chains) = b.card.chains()? {
        return Ok(chains);
    }
    let certificates = certificates(b, "certificates", [400, 380, 370]);
    b.card.personalise(&certificates)?;
    Ok(OwnKey::BOTH.map(|key| certificates.chain(key)))
}

/// Bytes that stand for certificates, of these lengths.
pub(super) fn certificates(b: &Bench, name: &str, lengths: [usize; 3]) -> Certificates {
    let mut stream = b.values.stream(name);
    let [batch, identity, agreement] = lengths.map(|length| stream.vec(length));
    Certificates {
        batch,
        identity,
        agreement,
    }
}

fn drawings(b: &mut Bench) -> Outcome {
    blank(b)?;
    let challenge = b.values.bytes("challenge");
    let mut points = HashSet::new();
    let mut last = b.card.own_keys()?;
    for drawing in 0..DRAWINGS {
        if drawing > 0 {
            let before = last;
            last = b.card.own_keys()?;
            let proof = b.card.prove(&challenge, &last.identity)?;
            let preimage = b.card.genuine_preimage(&challenge);
            require!(
                !proof.is_of(&before.identity, "Tillcard/genuine", &preimage),
                "a proof of genuineness is valid under the key of before"
            );
        }
        if drawing % 4 == 0 {
            b.card.power_cycle()?;
            b.card
                .prove(&challenge, &last.identity)
                .at(|| "after a power cut".to_owned())?;
        }
        for point in [last.identity, last.agreement] {
            require!(points.insert(point), "a key was drawn twice");
        }
    }
    let certificates = certificates(b, "certificates", [500, 300, 240]);
    b.card.store(&certificates)?;
    last = b.card.own_keys()?;
    // Only the first piece of each.
    let pieces = certificates.pieces();
    for (p2, piece) in pieces.iter().filter(|(p2, _)| p2 & 0x0F == 0) {
        b.card
            .put_data_answer(END, &[])?
            .want_bare(Sw::CONDITIONS, "PUT DATA, the end, after another drawing")
            .at(|| format!("before piece {p2:02X} is stored again"))?;
        b.card.put_data(*p2, piece)?;
    }
    b.card.end_personalisation()?;
    let first = |bytes: &Vec<u8>| bytes[..bytes.len().min(LONGEST_PIECE)].to_vec();
    let expected = [&certificates.identity, &certificates.agreement]
        .map(|own| [first(&certificates.batch), first(own)].concat());
    b.card
        .expect_certificates(Some(&expected), "stored after another drawing")?;
    let profile = b.profile()?;
    b.card.issue(&profile)?;
    let record = &b.card.host()?.record;
    require!(
        (record.identity_key, record.agreement_key) == (last.identity, last.agreement),
        "the issue record has other keys than the last that were drawn"
    );
    Ok(())
}

fn pieces(b: &mut Bench) -> Outcome {
    let shapes = [[956, 1, 239], [240, 955, 717], [1, 478, 956]];
    for (round, lengths) in shapes.into_iter().enumerate() {
        let place = || format!("certificates of {lengths:?} bytes");
        if round > 0 {
            b.fresh_card()?;
        }
        blank(b)?;
        b.card.own_keys().preamble()?;
        let certificates = certificates(b, &format!("certificates {round}"), lengths);
        let mut stream = b.values.stream(&format!("order {round}"));
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
                b.card.put_data(p2, &other).at(place)?;
            }
            b.card.put_data(p2, &piece).at(place)?;
            count += 1;
            if count % 3 == 0 {
                b.card.power_cycle()?;
            }
        }
        b.card.end_personalisation().at(place)?;
        let chains = OwnKey::BOTH.map(|key| certificates.chain(key));
        b.card
            .expect_certificates(Some(&chains), "after the end")
            .at(place)?;
        b.card.power_cycle()?;
        b.card
            .expect_certificates(Some(&chains), "after the end and a power cut")
            .at(place)?;
    }
    b.fresh_card()?;
    blank(b)?;
    b.card.own_keys().preamble()?;
    let stored = certificates(b, "certificates stored twice", [700, 700, 700]);
    b.card.store(&stored)?;
    let identity = b.values.bytes::<100>("a first piece").to_vec();
    b.card.put_data(0x10, &identity)?;
    b.card.end_personalisation()?;
    let chains = OwnKey::BOTH.map(|key| {
        Certificates {
            identity: identity.clone(),
            ..stored.clone()
        }
        .chain(key)
    });
    b.card
        .expect_certificates(Some(&chains), "after a first piece stored again")
}

fn end(b: &mut Bench) -> Outcome {
    blank(b)?;
    let refused = |b: &mut Bench, when: &str| -> Outcome {
        b.card
            .put_data_answer(END, &[])?
            .want_bare(Sw::CONDITIONS, "PUT DATA, the end")
            .at(|| when.to_owned())?;
        b.card.expect_certificates(None, when)
    };
    let certificates = certificates(b, "certificates", [300, 250, 500]);
    refused(b, "at first")?;
    b.card.store(&certificates)?;
    if b.card.genuine_answer(&[0; 32])?.sw == Sw::CONDITIONS {
        refused(b, "with certificates and without keys")?;
    }
    for lacking in [0x00, 0x10, 0x20] {
        b.card.own_keys().preamble()?;
        refused(b, "with keys and without certificates")?;
        for (p2, piece) in certificates.pieces() {
            if p2 != lacking {
                b.card.put_data(p2, &piece)?;
            }
        }
        refused(b, &format!("without piece {lacking:02X}"))?;
        b.card.power_cycle()?;
        refused(
            b,
            &format!("without piece {lacking:02X}, after a power cut"),
        )?;
    }
    b.card.put_data(0x23, &certificates.agreement[..9])?;
    refused(b, "with piece 23 in the place of 20")?;
    for (first, gap) in [(0x00, 0x01), (0x10, 0x12), (0x20, 0x22)] {
        b.card.own_keys().preamble()?;
        for p2 in [0x00, 0x10, 0x20] {
            b.card.put_data(p2, &[p2; 20])?;
        }
        for p2 in (first + 1..first + 4).filter(|p2| *p2 != gap) {
            b.card.put_data(p2, &[p2; 20])?;
        }
        refused(b, &format!("without piece {gap:02X} between others"))?;
    }
    let keys = b.card.own_keys().preamble()?;
    b.card.store(&certificates)?;
    b.card.end_personalisation()?;
    b.card.power_cycle()?;
    let chains = OwnKey::BOTH.map(|key| certificates.chain(key));
    b.card
        .expect_certificates(Some(&chains), "after the end and a power cut")?;
    b.card
        .prove(&b.values.bytes("challenge"), &keys.identity)
        .map(drop)
}

/// Drawing, storing and ending must be refused, and change nothing.
fn closed(b: &mut Bench, chains: &[Vec<u8>; 2], when: &str) -> Outcome {
    let place = || when.to_owned();
    b.card
        .own_keys_answer()?
        .want_bare(Sw::CONDITIONS, "GENERATE of the card's own keys")
        .at(place)?;
    let piece = b.values.bytes::<200>("another piece");
    for p2 in (0..4).flat_map(|low| [low, 0x10 | low, 0x20 | low]) {
        b.card
            .put_data_answer(p2, &piece)?
            .want_bare(Sw::CONDITIONS, "PUT DATA")
            .at(place)?;
    }
    b.card
        .put_data_answer(END, &[])?
        .want_bare(Sw::CONDITIONS, "PUT DATA, the end")
        .at(place)?;
    b.card.expect_certificates(Some(chains), when)
}

fn after_the_end(b: &mut Bench) -> Outcome {
    b.card.select()?;
    b.card.capabilities()?.needs(Capability::Channel)?;
    let defined = |p2: u8| (p2 < 0x30 && p2 & 0x0F < 4) || p2 == END;
    for p2 in (0..=0xFF).filter(|p2| !defined(*p2)) {
        b.card
            .put_data_answer(p2, &[7])?
            .want_bare(Sw::WRONG_P1P2, "PUT DATA")
            .at(|| format!("P2 {p2:02X}"))?;
    }
    let [class, instruction, ..] = put_data(0);
    for p1 in (0..=0xFF).filter(|p1| *p1 != 0x02) {
        b.card
            .once(&Command::new([class, instruction, p1, 0]).data([7]))?
            .want_bare(Sw::WRONG_P1P2, "PUT DATA")
            .at(|| format!("P1 {p1:02X}"))?;
    }
    let long = b.values.bytes::<255>("a long piece");
    for length in [0].into_iter().chain(LONGEST_PIECE + 1..=255) {
        b.card
            .put_data_answer(0x10, &long[..length])?
            .want_bare(Sw::WRONG_LENGTH, "PUT DATA")
            .at(|| format!("{length} data bytes"))?;
    }
    b.card
        .put_data_answer(END, &long[..1])?
        .want_bare(Sw::WRONG_LENGTH, "PUT DATA, the end, with data")?;
    b.card
        .once(&Command::new(GENERATE_OWN_KEYS).data([7]).le(LE_SHORT))?
        .want_bare(
            Sw::WRONG_LENGTH,
            "GENERATE of the card's own keys, with data",
        )?;

    let chains = personalised(b)?;
    closed(b, &chains, "after the end")?;
    b.card.power_cycle()?;
    closed(b, &chains, "after the end and a power cut")?;
    let challenge = b.values.bytes("challenge");
    let proof = b.card.proof(&challenge)?;
    let profile = b.profile()?;
    b.issue(&profile)?;
    let identity = b.card.host()?.record.identity_key;
    let preimage = b.card.genuine_preimage(&challenge);
    require!(
        proof.is_of(&identity, "Tillcard/genuine", &preimage),
        "the identity key changed when the card was issued"
    );
    b.card.authorise()?;
    closed(b, &chains, "issued, authorised")?;
    b.card.expect_authorised(true, "after refused commands")?;
    for left in [2, 1, 0] {
        b.card.verify_wrong(left).preamble()?;
    }
    closed(b, &chains, "with the PIN blocked")?;
    b.card.prove(&challenge, &identity).map(drop)
}
