//! Imported keys, leaves, and the issue record. Sections 3.2 and 3.3.

use super::prelude::*;
use crate::keys::{ORDER, keypair};
use crate::model::{Leaf, Profile, Provenance};
use crate::tlv;
use std::collections::HashSet;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-ISS-05",
        version: 1,
        purpose: "Two cards issued with the same values sign issue records that are valid for \
                  what was sent and answered, with identity keys, salts and signatures of their \
                  own; a key is the card's own, not the account's. (A card that draws its key \
                  badly may still look so: TC-RND-01 asks about the source.)",
        requirements: &[req::ISS_4, req::ISS_1],
        start: Start::Own,
        level: Level::D3,
        defect: "One identity for all cards; a record that binds less than it should; a salt that \
                 is none.",
        run: issue_records,
    },
    Case {
        id: "TC-ISS-06",
        version: 1,
        purpose: "Keys 1, n − 1 and arbitrary ones are imported, with chain codes of zeros, ones \
                  and between, also while a key generation is under way; public key and issue \
                  record are right, scripts and signatures are those of BIP32 from the imported \
                  node, all of it after a power cycle too, and a second ISSUE of either kind is \
                  refused.",
        requirements: &[
            req::ISS_1,
            req::ISS_3,
            req::ISS_4,
            req::KEY_2,
            req::KEY_4,
            req::KEY_5,
        ],
        start: Start::Own,
        level: Level::D3,
        defect: "An imported key mixed with one of the card's; a chain code left out.",
        run: imported,
    },
    Case {
        id: "TC-ISS-07",
        version: 1,
        purpose: "An imported key of 0, n, n + 1 or 2²⁵⁶ − 1, and leaves that no imported key may \
                  have, are refused with 6A80, change nothing, and end a key generation under \
                  way; fields of the other kind's length are refused with 6700 and don't.",
        requirements: &[req::ISS_2, req::ISS_3, req::FRM_8],
        start: Start::Factory,
        level: Level::D0,
        defect: "A card issued with a key that can't sign; two ways of issuing mixed up.",
        run: impossible_keys,
    },
    Case {
        id: "TC-KEY-06",
        version: 1,
        purpose: "Cards with a leaf of and_v(v:pk(PRIMARY),older(n)), n being 1, 16, 17, 128 and \
                  65 535, and one without leaf, hand out, enter at, pay from and send change to \
                  the descriptor's scripts.",
        requirements: &[req::KEY_4, req::KEY_5, req::ISS_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A number in the leaf that isn't encoded as BIP342 wants it: the owner can't \
                 sweep what he paid there.",
        run: leaves,
    },
];

fn issue_records(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    let mut seen = HashSet::new();
    for card in 0..2 {
        if card > 0 {
            b.fresh_card()?;
        }
        // The signature is verified in judging the answer.
        b.card.issue(&profile)?;
        let host = b.card.host()?;
        let (record, account) = (host.record.clone(), host.account.public_key());
        require!(
            record.identity_key[1..] != account[1..]
                && record.agreement_key[1..] != account[1..]
                && record.agreement_key[1..] != record.identity_key[1..],
            "two of account key, identity key and agreement key are one"
        );
        for part in [
            &record.identity_key[..],
            &record.agreement_key,
            &record.salt,
            &record.signature,
            &account,
        ] {
            require!(
                seen.insert(part.to_vec()),
                "two cards have the same identity key, agreement key, salt, signature or account"
            );
        }
        require!(record.salt != [0; 16], "the salt is zero");
    }
    Ok(())
}

fn imported(b: &mut Bench) -> Outcome {
    b.card.select()?;
    b.card.capabilities()?.needs(Capability::Imported)?;
    let mut one = [0; 32];
    one[31] = 1;
    let mut order_less_one = ORDER;
    order_less_one[31] -= 1;
    let keys = [
        (one, [0; 32], false),
        (order_less_one, [0xFF; 32], true),
        (b.values.bytes("key"), b.values.bytes("chain code"), false),
    ];
    for (card, (key, chain_code, generating)) in keys.into_iter().enumerate() {
        let place = || format!("key {card}");
        if card > 0 {
            b.fresh_card()?;
        }
        let mut profile = b.profile()?;
        profile.provenance = Provenance::Imported { key, chain_code };
        keypair(&key)?;
        if generating {
            b.card.select()?;
            b.card.generate()?;
        }
        b.card.issue(&profile).at(place)?;
        for _ in 0..2 {
            b.card.verify_right().at(place)?;
            b.card.expect_receive_script(0).at(place)?;
            let second = b.profile()?;
            b.card
                .import_answer(&profile.encode())?
                .want_bare(Sw::CONDITIONS, "a second ISSUE, imported")?;
            b.card
                .issue_answer(&second.encode())?
                .want_bare(Sw::CONDITIONS, "a second ISSUE, made")?;
            b.card
                .generate_answer()?
                .want_bare(Sw::CONDITIONS, "GENERATE on an issued card")?;
            b.card.power_cycle()?;
        }
        let mut stream = b.values.stream("coins");
        b.card.fund(&mut stream, &[50_000, 40_000]).at(place)?;
        b.card.pay_checked(&request(70_000)).at(place)?;
        b.card.pay_checked(&request(5_000)).at(place)?;
        b.card.expect_books("after payments").at(place)?;
    }
    Ok(())
}

fn impossible_keys(b: &mut Bench) -> Outcome {
    b.card.select()?;
    b.card.capabilities()?.needs(Capability::Imported)?;
    let profile = b.profile()?;
    let right = profile.clone().imported([5; 32], [6; 32]);
    let mut above = ORDER;
    above[31] += 1;
    let mut fields: Vec<(&str, Vec<u8>)> = Vec::new();
    for (name, key) in [
        ("a = 0", [0; 32]),
        ("a = n", ORDER),
        ("a = n + 1", above),
        ("a = 2^256 - 1", [0xFF; 32]),
    ] {
        let mut profile = right.clone();
        profile.provenance = Provenance::Imported {
            key,
            chain_code: [6; 32],
        };
        fields.push((name, profile.encode()));
    }
    let leaves: [(&str, u8, u16, [u8; 32]); 4] = [
        ("no leaf, with a key", 0, 0, [1; 32]),
        ("no leaf, with blocks", 0, 1, [0; 32]),
        ("a leaf without key", 1, 0, [0; 32]),
        ("a delay of no blocks", 2, 0, [1; 32]),
    ];
    for (name, kind, blocks, key) in leaves {
        let value = [&[kind][..], &blocks.to_be_bytes(), &key].concat();
        let field = (right.objects().iter())
            .flat_map(|(tag, own)| tlv::object(*tag, if *tag == 0x83 { &value } else { own }))
            .collect();
        fields.push((name, field));
    }
    for (name, field) in &fields {
        b.card.generate().preamble()?;
        b.card
            .import_answer(field)?
            .want_bare(Sw::WRONG_DATA, "ISSUE")
            .at(|| (*name).to_owned())?;
        b.card
            .issue_answer(&profile.encode())?
            .want_bare(Sw::CONDITIONS, "ISSUE, made, after a refused import")
            .at(|| (*name).to_owned())?;
        require!(
            b.card.status()? == Status::Factory,
            "{name}: the card was issued"
        );
    }
    // Lengths of the other kind.
    b.card
        .import_answer(&profile.encode())?
        .want_bare(Sw::WRONG_LENGTH, "ISSUE, imported, of 171 bytes")?;
    b.card
        .issue_answer(&right.encode())?
        .want_bare(Sw::WRONG_LENGTH, "ISSUE, made, of 203 bytes")?;
    b.card.power_cycle()?;
    require!(b.card.status()? == Status::Factory, "the card was issued");
    Ok(())
}

fn with_leaf(b: &mut Bench, first: bool, profile: &Profile) -> Outcome {
    if !first {
        b.fresh_card()?;
    }
    b.card.issue(profile)?;
    let mut stream = b.values.stream("coins");
    for index in 0..3 {
        b.card.authorise()?;
        b.card.expect_receive_script(index)?;
        b.card.fund(&mut stream, &[30_000])?;
    }
    b.card.pay_checked(&request(70_000))?;
    b.card.pay_checked(&request(4_000)).map(drop)
}

fn leaves(b: &mut Bench) -> Outcome {
    b.card.select()?;
    let imports = b.card.capabilities()?.needs(Capability::Imported).is_ok();
    let primary = keypair(&b.values.bytes("primary"))?;
    for (card, blocks) in [1, 16, 17, 128, 65_535].into_iter().enumerate() {
        let mut profile = b.profile()?;
        profile.leaf = Leaf::Older(primary, blocks);
        with_leaf(b, card == 0, &profile).at(|| format!("older({blocks})"))?;
    }
    if imports {
        let (key, chain_code) = (b.values.bytes("key"), b.values.bytes("chain code"));
        let mut profile = b.profile()?.imported(key, chain_code);
        profile.leaf = Leaf::None;
        with_leaf(b, false, &profile).at(|| "no leaf".to_owned())?;
    }
    Ok(())
}
