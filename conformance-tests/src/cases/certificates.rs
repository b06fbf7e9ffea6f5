//! Certificates: section 3.7. The card stores bytes, so that any bytes will do here.

use super::personal::{blank, certificates, personalised};
use super::prelude::*;
use crate::card::certificates_of;
use crate::model::OwnKey;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-CRT-01",
        version: 1,
        purpose: "After the personalisation's end GET DATA answers the bytes stored, batch first, \
                  for both keys: in the factory state, issued, authorised, with the PIN blocked, \
                  after FACTORY RESET and after power cuts; in parts of any size, whole in \
                  extended form; and it takes no authorisation away.",
        requirements: &[req::CRT_1, req::FRM_5, req::FRM_3],
        start: Start::Own,
        level: Level::D3,
        defect: "A card that can't prove itself to the shop, because it is issued, or because \
                 its PIN is blocked.",
        run: in_every_state,
    },
    Case {
        id: "TC-CRT-02",
        version: 1,
        purpose: "After the personalisation's end GET DATA answers 6A88 for all other key \
                  identifiers and versions; a data field that isn't six bytes is refused with \
                  6700, one of another form with 6A80.",
        requirements: &[req::CRT_2, req::FRM_8],
        start: Start::Own,
        level: Level::D3,
        defect: "One key's certificate for another.",
        run: others,
    },
    Case {
        id: "TC-CRT-03",
        version: 1,
        purpose: "Before the end, after each piece stored, GET DATA answers 6A88, in the factory \
                  state and issued, and refuses wrong data fields as after it.",
        requirements: &[req::CRT_2, req::FRM_8],
        start: Start::Own,
        level: Level::D3,
        defect: "A certificate told before its maker vouches for it.",
        run: before_the_end,
    },
];

fn in_every_state(b: &mut Bench) -> Outcome {
    let chains = personalised(b)?;
    b.card
        .expect_certificates(Some(&chains), "in the factory state")?;
    b.card.power_cycle()?;
    b.card
        .expect_certificates(Some(&chains), "in the factory state, after a power cut")?;
    let profile = b.profile()?;
    b.issue(&profile)?;
    b.card.authorise()?;
    b.card.expect_certificates(Some(&chains), "authorised")?;
    b.card.expect_authorised(true, "after GET DATA")?;
    b.card.power_cycle()?;
    b.card
        .expect_certificates(Some(&chains), "issued, after a power cut")?;
    in_parts(b, &chains)?;
    for left in [2, 1, 0] {
        b.card.verify_wrong(left).preamble()?;
    }
    b.card
        .expect_certificates(Some(&chains), "with the PIN blocked")?;
    b.card.factory_reset().preamble()?;
    b.card
        .expect_certificates(Some(&chains), "after FACTORY RESET")?;
    b.card.power_cycle()?;
    b.card
        .expect_certificates(Some(&chains), "after FACTORY RESET and a power cut")
}

fn in_parts(b: &mut Bench, chains: &[Vec<u8>; 2]) -> Outcome {
    for (key, chain) in OwnKey::BOTH.into_iter().zip(chains) {
        let command =
            Command::new(crate::card::CERTIFICATES).data(certificates_of(key.reference()));
        for size in [1, 100, 255] {
            let first = b.card.once(&command.clone().le(size))?;
            let mut answer = first;
            // Parts of this size, whatever is left.
            while answer.sw.more().is_some() {
                let part = b.card.get_response(size)?;
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
        if b.card.capabilities()?.extended_length() {
            b.card.form = Form::Extended;
            let whole = b.card.once(&command.clone().le(LE_SHORT))?;
            b.card.form = Form::Short;
            let data = whole.want(Sw::OK, "GET DATA, certificates, extended")?;
            require!(data == *chain, "certificates in extended form are others");
        }
    }
    Ok(())
}

/// What is asked for in a wrong way must be refused.
fn wrong_fields(b: &mut Bench, when: &str) -> Outcome {
    let right = certificates_of(OwnKey::Identity.reference());
    let long = [&right[..], &[0; 249]].concat();
    for length in (0..=255).filter(|length| *length != right.len()) {
        b.card
            .certificates_answer(&long[..length])?
            .want_bare(Sw::WRONG_LENGTH, "GET DATA, certificates")
            .at(|| format!("{when}, {length} data bytes"))?;
    }
    for position in 0..4 {
        for value in (0..=0xFF).filter(|value| *value != right[position]) {
            let mut field = right.clone();
            field[position] = value;
            b.card
                .certificates_answer(&field)?
                .want_bare(Sw::WRONG_DATA, "GET DATA, certificates")
                .at(|| format!("{when}, data {}", hex::encode_upper(&field)))?;
        }
    }
    Ok(())
}

fn none(b: &mut Bench, reference: [u8; 2], when: &str) -> Outcome {
    b.card
        .certificates_answer(&certificates_of(reference))?
        .want_bare(Sw::NOT_FOUND, "GET DATA, certificates")
        .at(|| format!("{when}, key {}", hex::encode_upper(reference)))
}

fn others(b: &mut Bench) -> Outcome {
    let chains = personalised(b)?;
    for identifier in 0..=0xFF {
        for version in [0, 1, 2, 0x13, 0x40, 0x7F, 0x80, 0xFF] {
            let reference = [identifier, version];
            if !OwnKey::BOTH.iter().any(|key| key.reference() == reference) {
                none(b, reference, "after the end")?;
            }
        }
    }
    wrong_fields(b, "after the end")?;
    b.card
        .expect_certificates(Some(&chains), "after refused questions")
}

fn before_the_end(b: &mut Bench) -> Outcome {
    blank(b)?;
    wrong_fields(b, "before the end")?;
    b.card.own_keys().preamble()?;
    let certificates = certificates(b, "certificates before the end", [400, 300, 300]);
    for (p2, piece) in certificates.pieces() {
        b.card
            .expect_certificates(None, &format!("before piece {p2:02X}"))?;
        b.card.put_data(p2, &piece).preamble()?;
    }
    b.card.expect_certificates(None, "before the end")?;
    let profile = b.profile()?;
    b.issue(&profile)?;
    b.card
        .expect_certificates(None, "issued without the personalisation's end")?;
    none(b, [0x00, 0x00], "issued")?;
    b.card.power_cycle()?;
    b.card
        .expect_certificates(None, "issued without the end, after a power cut")
}
