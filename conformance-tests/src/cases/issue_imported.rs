//! Imported keys, leaves, and the issue record. Sections 3.2 and 3.3.

use super::prelude::*;
use crate::keys::{ORDER, keypair};
use crate::model::{Leaf, Profile, Provenance};
use crate::tlv;
use std::collections::HashSet;

cases! {
    "TC-ISS-05" version 1 on Own D3 for [ISS_4 ISS_1] runs issue_records:
        "Two cards issued with the same values sign issue records that are valid for what was sent \
         and answered, with identity keys, salts and signatures of their own; a key is the card's \
         own, not the account's. (A card that draws its key badly may still look so: TC-RND-01 \
         asks about the source.)"
        catches "One identity for all cards; a record that binds less than it should; a salt that \
                 is none.";
    "TC-ISS-06" version 1 on Own D3 for [ISS_1 ISS_3 ISS_4 KEY_2 KEY_4 KEY_5] runs imported:
        "Keys 1, n − 1 and arbitrary ones are imported, with chain codes of zeros, ones and \
         between, also while a key generation is under way; public key and issue record are right, \
         scripts and signatures are those of BIP32 from the imported node, all of it after a power \
         cycle too, and a second ISSUE of either kind is refused."
        catches "An imported key mixed with one of the card's; a chain code left out.";
    "TC-ISS-07" version 1 on Factory D0 for [ISS_2 ISS_3 FRM_8] runs impossible_keys:
        "An imported key of 0, n, n + 1 or 2²⁵⁶ − 1, and leaves that no imported key may have, are \
         refused with 6A80, change nothing, and end a key generation under way; fields of the \
         other kind's length are refused with 6700 and don't."
        catches "A card issued with a key that can't sign; two ways of issuing mixed up.";
    "TC-KEY-06" version 1 on Own D3 for [KEY_4 KEY_5 ISS_1] runs leaves:
        "Cards with a leaf of and_v(v:pk(PRIMARY),older(n)), n being 1, 16, 17, 128 and 65 535, \
         and one without leaf, hand out, enter at, pay from and send change to the descriptor's \
         scripts."
        catches "A number in the leaf that isn't encoded as BIP342 wants it: the owner can't sweep \
                 what he paid there.";
}

fn issue_records(ctx: &mut CaseContext) -> Outcome {
    let profile = ctx.profile()?;
    let mut seen = HashSet::new();
    for card in 0..2 {
        if card > 0 {
            // Not the same one made fresh again, which keeps its own keys.
            ctx.other_card()?;
        }
        // The signature is verified in judging the answer.
        ctx.issue(&profile)?;
        let host = ctx.host()?;
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

fn imported(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.select()?;
    ctx.capabilities()?.needs(Capability::Imported)?;
    let mut one = [0; 32];
    one[31] = 1;
    let mut order_less_one = ORDER;
    order_less_one[31] -= 1;
    let keys = [
        (one, [0; 32], false),
        (order_less_one, [0xFF; 32], true),
        (
            ctx.values.bytes("key"),
            ctx.values.bytes("chain code"),
            false,
        ),
    ];
    for (card, (key, chain_code, generating)) in keys.into_iter().enumerate() {
        let place = || format!("key {card}");
        if card > 0 {
            ctx.fresh_card()?;
        }
        let mut profile = ctx.profile()?;
        profile.provenance = Provenance::Imported { key, chain_code };
        keypair(&key)?;
        if generating {
            ctx.select()?;
            ctx.generate()?;
        }
        ctx.issue(&profile).at(place)?;
        for _ in 0..2 {
            ctx.verify_right().at(place)?;
            ctx.expect_receive_script(0).at(place)?;
            let second = ctx.profile()?;
            ctx.import_answer(&profile.encode())?
                .want_bare(Sw::CONDITIONS, "a second ISSUE, imported")?;
            ctx.issue_answer(&second.encode())?
                .want_bare(Sw::CONDITIONS, "a second ISSUE, made")?;
            ctx.generate_answer()?
                .want_bare(Sw::CONDITIONS, "GENERATE on an issued card")?;
            ctx.power_cycle()?;
        }
        let mut stream = ctx.values.stream("coins");
        ctx.fund(&mut stream, &[50_000, 40_000]).at(place)?;
        ctx.pay_checked(&request_of(70_000)).at(place)?;
        ctx.pay_checked(&request_of(5_000)).at(place)?;
        ctx.expect_ledger("after payments").at(place)?;
    }
    Ok(())
}

fn impossible_keys(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    ctx.capabilities()?.needs(Capability::Imported)?;
    let profile = ctx.profile()?;
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
        ctx.generate().preamble()?;
        ctx.import_answer(field)?
            .want_bare(Sw::WRONG_DATA, "ISSUE")
            .at(*name)?;
        ctx.issue_answer(&profile.encode())?
            .want_bare(Sw::CONDITIONS, "ISSUE, made, after a refused import")
            .at(*name)?;
        ctx.expect_factory(&format!("{name}: the card was issued"))?;
    }
    // Lengths of the other kind.
    ctx.import_answer(&profile.encode())?
        .want_bare(Sw::WRONG_LENGTH, "ISSUE, imported, of 171 bytes")?;
    ctx.issue_answer(&right.encode())?
        .want_bare(Sw::WRONG_LENGTH, "ISSUE, made, of 203 bytes")?;
    ctx.power_cycle()?;
    ctx.expect_factory("the card was issued")?;
    Ok(())
}

fn with_leaf(ctx: &mut CaseContext, first: bool, profile: &Profile) -> Outcome {
    let request_of = ctx.requests();
    if !first {
        ctx.fresh_card()?;
    }
    ctx.issue(profile)?;
    let mut stream = ctx.values.stream("coins");
    for index in 0..3 {
        ctx.authorise()?;
        ctx.expect_receive_script(index)?;
        ctx.fund(&mut stream, &[30_000])?;
    }
    ctx.pay_checked(&request_of(70_000))?;
    ctx.pay_checked(&request_of(4_000)).map(drop)
}

fn leaves(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    let imports = ctx.capabilities()?.needs(Capability::Imported).is_ok();
    let primary = keypair(&ctx.values.bytes("primary"))?;
    for (card, blocks) in [1, 16, 17, 128, 65_535].into_iter().enumerate() {
        let mut profile = ctx.profile()?;
        profile.leaf = Leaf::Older(primary, blocks);
        with_leaf(ctx, card == 0, &profile).at(|| format!("older({blocks})"))?;
    }
    if imports {
        let (key, chain_code) = (ctx.values.bytes("key"), ctx.values.bytes("chain code"));
        let mut profile = ctx.profile()?.imported(key, chain_code);
        profile.leaf = Leaf::None;
        with_leaf(ctx, false, &profile).at("no leaf")?;
    }
    Ok(())
}
