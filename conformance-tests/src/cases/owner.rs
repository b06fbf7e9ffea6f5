//! Owner authority: section 5.

use super::prelude::*;
use crate::keys::{keypair, sign, tagged_hash};
use crate::model::Leaf;
use std::collections::HashSet;

/// Challenges that TC-OWN-01 asks for.
const CHALLENGES: usize = 256;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-OWN-01",
        version: 1,
        purpose: "256 challenges, among them the first after 64 power-ups, are all different, \
                  none has a byte at the same value as all others, and no half of one comes again \
                  as a half of another. (Quality of the generator is not for this sample size.)",
        requirements: &[req::OWN_1],
        start: Start::Issued,
        level: Level::D0,
        defect: "A constant or repeating challenge; a generator that starts over at power-up.",
        run: fresh_challenges,
    },
    Case {
        id: "TC-OWN-02",
        version: 2,
        purpose: "The owner's signature is refused with 6982 when it is over another challenge, \
                  card, network, header, body, receipt or tag, by another key, spoilt, zero, or \
                  not there to be checked for want of a challenge; none of them enters the coin, \
                  and the right one then does.",
        requirements: &[req::OWN_2, req::OWN_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A part of the message left out: a signature good for another command or card.",
        run: wrong_signatures,
    },
    Case {
        id: "TC-OWN-03",
        version: 1,
        purpose: "A challenge is used up by an owner command that succeeds, by one that fails, \
                  and by one refused after the authority check; a replayed command is refused.",
        requirements: &[req::OWN_3, req::OWN_2],
        start: Start::Own,
        level: Level::D3,
        defect: "Replay: one signature, two commands; free guesses at one challenge.",
        run: used_up,
    },
    Case {
        id: "TC-OWN-04",
        version: 1,
        purpose: "A challenge is not used up by commands that never reach the authority check: \
                  other commands, and owner commands of a wrong length, encoding or class.",
        requirements: &[req::OWN_3],
        start: Start::Issued,
        level: Level::D1,
        defect: "A challenge that anyone can spoil with a malformed command.",
        run: not_used_up,
    },
    Case {
        id: "TC-OWN-05",
        version: 1,
        purpose: "The holder's PIN gives no owner authority, and the owner's signature gives no \
                  holder authority.",
        requirements: &[req::OWN_2, req::RCV_2],
        start: Start::Issued,
        level: Level::D1,
        defect: "One authority taken for the other.",
        run: apart_from_the_holder,
    },
];

fn fresh_challenges(b: &mut Bench) -> Outcome {
    let mut all: Vec<[u8; 16]> = Vec::new();
    for call in 0..CHALLENGES {
        if call % 4 == 0 {
            b.card.power_cycle()?;
        }
        let data = b.card.challenge_answer()?.want(Sw::OK, "GET CHALLENGE")?;
        let challenge: [u8; 16] = data
            .try_into()
            .map_err(|_| Stop::Fail("GET CHALLENGE didn't answer 16 bytes".to_owned()))?;
        all.push(challenge);
    }
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

fn wrong_signatures(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    let mut stream = b.values.stream("coin");
    let (entry, transaction) = b.card.coin_at(&mut stream, 20_000, 0)?;
    let body = entry.body();
    let (network, id) = {
        let host = b.card.host()?;
        (host.profile.network, host.account.card_id())
    };
    let Leaf::Key(leaf_key) = profile.leaf else {
        return Err(Stop::Error("the case needs a leaf key".to_owned()));
    };
    let other_key = keypair(&b.values.bytes("another owner"))?;
    let other_body = Entry { vout: 1, ..entry }.body();
    let header = Entry::BEGIN;
    let mut other_id = id;
    other_id[15] ^= 1;
    let message = |tag: &str, parts: &[&[u8]]| tagged_hash(tag, parts);
    let tag = "Tillcard/owner";

    let refused = |b: &mut Bench, what: &str, signature: &[u8; 64]| -> Outcome {
        b.card
            .once(&Command::new(header).data(Card::signed(&body, signature)))?
            .want_bare(Sw::SECURITY, &format!("ENTER COIN, {what}"))?;
        b.card
            .piece(&transaction)?
            .want_bare(Sw::CONDITIONS, &format!("a piece after ENTER COIN, {what}"))
    };

    let without: [u8; 16] = b.values.bytes("no challenge");
    let signature = b.card.owner_signature(&without, header, &body)?;
    refused(b, "signed without a challenge outstanding", &signature)?;
    let zeros = b.card.owner_signature(&[0; 16], header, &body)?;
    refused(
        b,
        "signed over a challenge of zeros, none outstanding",
        &zeros,
    )?;

    let older = b.card.challenge()?;
    b.card.challenge()?;
    let signature = b.card.owner_signature(&older, header, &body)?;
    refused(b, "signed over a challenge since replaced", &signature)?;

    for case in 0..14 {
        let challenge = b.card.challenge()?;
        let right = b.card.owner_signature(&challenge, header, &body)?;
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
        refused(b, what, &signature)?;
    }
    for bit in [0, 255, 256, 511] {
        let challenge = b.card.challenge()?;
        let mut signature = b.card.owner_signature(&challenge, header, &body)?;
        signature[bit / 8] ^= 0x80 >> (bit % 8);
        refused(
            b,
            &format!("bit {bit} of the signature flipped"),
            &signature,
        )?;
    }
    b.card.authorise()?;
    b.card.expect_receive_script(0)?;
    b.card
        .enter(&entry, &transaction, 20_000)
        .at(|| "with the right signature, after wrong ones".to_owned())
}

fn used_up(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    let (entry, transaction) = b.card.coin_at(&mut stream, 20_000, 0)?;
    let begin = |signature: &[u8; 64], entry: &Entry| {
        Command::new(Entry::BEGIN).data(Card::signed(&entry.body(), signature))
    };

    // By success: the same command again is a replay.
    let challenge = b.card.challenge()?;
    let right = b
        .card
        .owner_signature(&challenge, Entry::BEGIN, &entry.body())?;
    b.card
        .once(&begin(&right, &entry))?
        .want_bare(Sw::OK, "ENTER COIN")?;
    b.card
        .once(&begin(&right, &entry))?
        .want_bare(Sw::SECURITY, "ENTER COIN, replayed")?;
    b.card
        .piece(&transaction)?
        .want_bare(Sw::CONDITIONS, "a piece after a replayed ENTER COIN")?;

    // By failure.
    let challenge = b.card.challenge()?;
    let right = b
        .card
        .owner_signature(&challenge, Entry::BEGIN, &entry.body())?;
    b.card
        .once(&begin(&[7; 64], &entry))?
        .want_bare(Sw::SECURITY, "ENTER COIN, wrong signature")?;
    b.card.once(&begin(&right, &entry))?.want_bare(
        Sw::SECURITY,
        "ENTER COIN with the right signature after a wrong one",
    )?;

    // By a refusal that comes after the authority check.
    let far = Entry {
        place: 4096,
        ..entry
    };
    let challenge = b.card.challenge()?;
    let allowed = b
        .card
        .owner_signature(&challenge, Entry::BEGIN, &far.body())?;
    let right = b
        .card
        .owner_signature(&challenge, Entry::BEGIN, &entry.body())?;
    b.card
        .once(&begin(&allowed, &far))?
        .want_bare(Sw::INDEX, "ENTER COIN at index 4096")?;
    b.card.once(&begin(&right, &entry))?.want_bare(
        Sw::SECURITY,
        "ENTER COIN with a challenge that a refused one used up",
    )?;

    b.card.enter(&entry, &transaction, 20_000)?;
    b.card.power_cycle()?;
    b.card
        .once(&begin(&right, &entry))?
        .want_bare(Sw::SECURITY, "ENTER COIN, replayed after a power cycle")
}

fn not_used_up(b: &mut Bench) -> Outcome {
    let mut stream = b.values.stream("coin");
    let (entry, _) = b.card.coin_at(&mut stream, 20_000, 0)?;
    let body = entry.body();
    let challenge = b.card.challenge()?;
    let signature = b.card.owner_signature(&challenge, Entry::BEGIN, &body)?;
    let right = Card::signed(&body, &signature);
    let mut spoilt = right.clone();
    spoilt[0] = 0x8F;
    b.card
        .once(&Command::new(Entry::BEGIN).data(&right[..111]))?
        .want_bare(Sw::WRONG_LENGTH, "ENTER COIN, cut")?;
    b.card
        .once(&Command::new(Entry::BEGIN).data(spoilt))?
        .want_bare(Sw::WRONG_DATA, "ENTER COIN, spoilt")?;
    b.card
        .once(&Command::new([0x80, 0x22, 0x03, 0x00]).data(right.clone()))?
        .want_bare(Sw::WRONG_P1P2, "ENTER COIN, P1 03")?;
    b.card
        .once(&Command::new([0x90, 0x22, 0x00, 0x00]).data(right.clone()))?
        .want_bare(Sw::NO_CHAINING, "ENTER COIN, chained")?;
    b.card.status()?;
    b.card.authorise()?;
    b.card.expect_receive_script(0)?;
    b.card
        .piece(&[1])?
        .want_bare(Sw::CONDITIONS, "ENTER COIN, a piece")?;
    b.card
        .once(&Command::new(Entry::BEGIN).data(right))?
        .want_bare(Sw::OK, "ENTER COIN with a challenge that nothing used up")
}

fn apart_from_the_holder(b: &mut Bench) -> Outcome {
    let mut stream = b.values.stream("coin");
    let (entry, _) = b.card.coin_at(&mut stream, 20_000, 0)?;
    let body = entry.body();
    b.card.authorise()?;
    b.card.challenge()?;
    b.card
        .once(&Command::new(Entry::BEGIN).data(Card::signed(&body, &[1; 64])))?
        .want_bare(Sw::SECURITY, "ENTER COIN by the holder")?;
    b.card.power_cycle()?;
    b.card.begun_entry(&entry)?;
    b.card.expect_authorised(false, "after an owner command")
}
