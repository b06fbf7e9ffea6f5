//! Owner authority: section 5.

use super::prelude::*;
use crate::keys::{keypair, sign, tagged_hash};
use crate::model::Leaf;
use crate::report::Figure;
use std::collections::HashSet;

/// Challenges that TC-OWN-01 asks for.
const CHALLENGES: usize = 256;

cases! {
    "TC-OWN-01" version 1 on Issued D0 for [OWN_1] runs fresh_challenges:
        "256 challenges, among them the first after 64 power-ups, are all different, none has a \
         byte at the same value as all others, and no half of one comes again as a half of \
         another. (Quality of the generator is not for this sample size.)"
        catches "A constant or repeating challenge; a generator that starts over at power-up.";
    "TC-OWN-02" version 3 on Own D3 for [OWN_2 OWN_1] runs wrong_signatures:
        "The owner's signature is refused with 6982 when it is over another challenge, card (the \
         zeros of READ ACCOUNT too), network, header, body, receipt or tag, by another key, spoilt, zero, or not there to be \
         checked for want of a challenge; none of them enters the coin, and the right one then \
         does."
        catches "A part of the message left out: a signature good for another command or card.";
    "TC-OWN-03" version 1 on Own D3 for [OWN_3 OWN_2] runs used_up:
        "A challenge is used up by an owner command that succeeds, by one that fails, and by one \
         refused after the authority check; a replayed command is refused."
        catches "Replay: one signature, two commands; free guesses at one challenge.";
    "TC-OWN-04" version 1 on Issued D1 for [OWN_3] runs not_used_up:
        "A challenge is not used up by commands that never reach the authority check: other \
         commands, and owner commands of a wrong length, encoding or class."
        catches "A challenge that anyone can spoil with a malformed command.";
    "TC-OWN-05" version 1 on Issued D1 for [OWN_2 RCV_2] runs apart_from_the_holder:
        "The holder's PIN gives no owner authority, and the owner's signature gives no holder \
         authority."
        catches "One authority taken for the other.";
}

fn fresh_challenges(ctx: &mut CaseContext) -> Outcome {
    let mut all: Vec<[u8; 16]> = Vec::new();
    for call in 0..CHALLENGES {
        if call % 4 == 0 {
            ctx.power_cycle()?;
        }
        let data = ctx.challenge_answer()?.want(Sw::OK, "GET CHALLENGE")?;
        let challenge: [u8; 16] = data
            .try_into()
            .map_err(|_| Stop::Fail("GET CHALLENGE didn't answer 16 bytes".to_owned()))?;
        all.push(challenge);
    }
    let samples: Vec<Vec<u8>> = all.iter().map(|challenge| challenge.to_vec()).collect();
    ctx.draw(Figure::bits("Challenges", &samples));
    let mut halves = HashSet::new();
    for challenge in &all {
        for half in challenge.chunks(8) {
            require!(halves.insert(half.to_vec()), "half a challenge came twice");
        }
    }
    for position in 0..16 {
        let values: HashSet<u8> = all.iter().map(|challenge| challenge[position]).collect();
        require!(
            values.len() > 64,
            "byte {position} of 256 challenges took only {} values",
            values.len()
        );
    }
    Ok(())
}

fn wrong_signatures(ctx: &mut CaseContext) -> Outcome {
    let profile = ctx.profile()?;
    ctx.prepare(&profile)?;
    let mut stream = ctx.values.stream("coin");
    let (entry, transaction) = ctx.coin_at(&mut stream, 20_000, 0)?;
    let body = entry.body();
    let (network, id) = {
        let host = ctx.host()?;
        (host.profile.network, host.account.card_id())
    };
    let Leaf::Key(leaf_key) = profile.leaf else {
        return Err(Stop::Error("the case needs a leaf key".to_owned()));
    };
    let other_key = keypair(&ctx.values.bytes("another owner"))?;
    let other_body = entry.vout(1).body();
    let header = Entry::BEGIN;
    let mut other_id = id;
    other_id[15] ^= 1;
    let message = |tag: &str, parts: &[&[u8]]| tagged_hash(tag, parts);
    let tag = "Tillcard/owner";

    let refused = |ctx: &mut CaseContext, what: &str, signature: &[u8; 64]| -> Outcome {
        ctx.once(&Command::new(header).data(Card::signed(&body, signature)))?
            .want_bare(Sw::SECURITY, &format!("ENTER COIN, {what}"))?;
        ctx.piece(&transaction)?
            .want_bare(Sw::CONDITIONS, &format!("a piece after ENTER COIN, {what}"))
    };

    let without: [u8; 16] = ctx.values.bytes("no challenge");
    let signature = ctx.owner_signature(&without, header, &body)?;
    refused(ctx, "signed without a challenge outstanding", &signature)?;
    let zeros = ctx.owner_signature(&[0; 16], header, &body)?;
    refused(
        ctx,
        "signed over a challenge of zeros, none outstanding",
        &zeros,
    )?;

    let older = ctx.challenge()?;
    ctx.challenge()?;
    let signature = ctx.owner_signature(&older, header, &body)?;
    refused(ctx, "signed over a challenge since replaced", &signature)?;

    for case in 0..15 {
        let challenge = ctx.challenge()?;
        let right = ctx.owner_signature(&challenge, header, &body)?;
        let parts: [&[u8]; 6] = [&[network], &id, &[0], &challenge, &header, &body];
        let with = |at: usize, part: &[u8]| {
            let mut bytes = Vec::new();
            for (position, right) in parts.iter().enumerate() {
                bytes.extend_from_slice(if position == at { part } else { right });
            }
            sign(&profile.owner, &message(tag, &[&bytes]))
        };
        let (what, signature) = match case {
            0 => ("another network", with(0, &[network ^ 1])),
            1 => ("another card", with(1, &other_id)),
            2 => ("a receipt of another length", with(2, &[1])),
            3 => ("no receipt", with(2, &[])),
            13 => ("no card", with(1, &[0; 16])),
            12 => ("a receipt", with(2, &[&[16][..], &without].concat())),
            4 => ("another challenge", with(3, &without)),
            5 => ("another P1", with(4, &Entry::PIECE)),
            6 => ("another instruction", with(4, &[0x80, 0x30, 0x00, 0x00])),
            7 => ("another body", with(5, &other_body)),
            8 => ("no body", with(5, &[])),
            9 => (
                "another tag",
                sign(&profile.owner, &message("Tillcard/other", &parts)),
            ),
            10 => ("another key", sign(&other_key, &message(tag, &parts))),
            11 => ("zeros", [0; 64]),
            _ => ("the leaf key", sign(&leaf_key, &message(tag, &parts))),
        };
        require!(
            signature != right,
            "{what}: the case's own signature is right"
        );
        refused(ctx, what, &signature)?;
    }
    for bit in [0, 255, 256, 511] {
        let challenge = ctx.challenge()?;
        let mut signature = ctx.owner_signature(&challenge, header, &body)?;
        signature[bit / 8] ^= 0x80 >> (bit % 8);
        refused(
            ctx,
            &format!("bit {bit} of the signature flipped"),
            &signature,
        )?;
    }
    ctx.authorise()?;
    ctx.expect_receive_script(0)?;
    ctx.enter(&entry, &transaction, 20_000)
        .at("with the right signature, after wrong ones")
}

fn used_up(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    let mut stream = ctx.values.stream("coins");
    let (entry, transaction) = ctx.coin_at(&mut stream, 20_000, 0)?;
    let begin = |signature: &[u8; 64], entry: &Entry| {
        Command::new(Entry::BEGIN).data(Card::signed(&entry.body(), signature))
    };

    // By success: the same command again is a replay.
    let challenge = ctx.challenge()?;
    let right = ctx.owner_signature(&challenge, Entry::BEGIN, &entry.body())?;
    ctx.once(&begin(&right, &entry))?
        .want_bare(Sw::OK, "ENTER COIN")?;
    ctx.once(&begin(&right, &entry))?
        .want_bare(Sw::SECURITY, "ENTER COIN, replayed")?;
    ctx.piece(&transaction)?
        .want_bare(Sw::CONDITIONS, "a piece after a replayed ENTER COIN")?;

    // By failure.
    let challenge = ctx.challenge()?;
    let right = ctx.owner_signature(&challenge, Entry::BEGIN, &entry.body())?;
    ctx.once(&begin(&[7; 64], &entry))?
        .want_bare(Sw::SECURITY, "ENTER COIN, wrong signature")?;
    ctx.once(&begin(&right, &entry))?.want_bare(
        Sw::SECURITY,
        "ENTER COIN with the right signature after a wrong one",
    )?;

    // By a refusal that comes after the authority check.
    let far = entry.place(4096);
    let challenge = ctx.challenge()?;
    let allowed = ctx.owner_signature(&challenge, Entry::BEGIN, &far.body())?;
    let right = ctx.owner_signature(&challenge, Entry::BEGIN, &entry.body())?;
    ctx.once(&begin(&allowed, &far))?
        .want_bare(Sw::INDEX, "ENTER COIN at index 4096")?;
    ctx.once(&begin(&right, &entry))?.want_bare(
        Sw::SECURITY,
        "ENTER COIN with a challenge that a refused one used up",
    )?;

    ctx.enter(&entry, &transaction, 20_000)?;
    ctx.power_cycle()?;
    ctx.once(&begin(&right, &entry))?
        .want_bare(Sw::SECURITY, "ENTER COIN, replayed after a power cycle")
}

fn not_used_up(ctx: &mut CaseContext) -> Outcome {
    let mut stream = ctx.values.stream("coin");
    let (entry, _) = ctx.coin_at(&mut stream, 20_000, 0)?;
    let body = entry.body();
    let challenge = ctx.challenge()?;
    let signature = ctx.owner_signature(&challenge, Entry::BEGIN, &body)?;
    let right = Card::signed(&body, &signature);
    let mut spoilt = right.clone();
    spoilt[0] = 0x8F;
    ctx.once(&Command::new(Entry::BEGIN).data(&right[..111]))?
        .want_bare(Sw::WRONG_LENGTH, "ENTER COIN, cut")?;
    ctx.once(&Command::new(Entry::BEGIN).data(spoilt))?
        .want_bare(Sw::WRONG_DATA, "ENTER COIN, spoilt")?;
    ctx.once(&Command::new([0x80, 0x22, 0x03, 0x00]).data(right.clone()))?
        .want_bare(Sw::WRONG_P1P2, "ENTER COIN, P1 03")?;
    ctx.once(&Command::new([0x90, 0x22, 0x00, 0x00]).data(right.clone()))?
        .want_bare(Sw::NO_CHAINING, "ENTER COIN, chained")?;
    ctx.status()?;
    ctx.authorise()?;
    ctx.expect_receive_script(0)?;
    ctx.piece(&[1])?
        .want_bare(Sw::CONDITIONS, "ENTER COIN, a piece")?;
    ctx.once(&Command::new(Entry::BEGIN).data(right))?
        .want_bare(Sw::OK, "ENTER COIN with a challenge that nothing used up")
}

fn apart_from_the_holder(ctx: &mut CaseContext) -> Outcome {
    let mut stream = ctx.values.stream("coin");
    let (entry, _) = ctx.coin_at(&mut stream, 20_000, 0)?;
    let body = entry.body();
    ctx.authorise()?;
    ctx.challenge()?;
    ctx.once(&Command::new(Entry::BEGIN).data(Card::signed(&body, &[1; 64])))?
        .want_bare(Sw::SECURITY, "ENTER COIN by the holder")?;
    ctx.power_cycle()?;
    ctx.begun_entry(&entry)?;
    ctx.expect_authorised(false, "after an owner command")
}
