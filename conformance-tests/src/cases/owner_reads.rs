//! READ LIMITS and READ ACCOUNT. Sections 8.6 and 8.7.

use super::prelude::*;
use crate::card::{READ_ACCOUNT, READ_LIMITS};
use crate::keys::{keypair, sign};
use crate::model::{Leaf, Profile};
use crate::target::Fault;
use std::collections::HashSet;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-LIM-04",
        version: 1,
        purpose: "READ LIMITS answers the limits of ISSUE and then those of each SET LIMITS, to \
                  the byte, at once and after power cuts, whatever was paid and with the PIN \
                  blocked; those of a refused SET LIMITS never. It changes nothing.",
        requirements: &[req::LIM_4, req::LIM_3, req::NVM_2],
        start: Start::Own,
        level: Level::D3,
        defect: "An owner told other limits than those that bind; what is left told instead.",
        run: limits,
    },
    Case {
        id: "TC-ACC-01",
        version: 1,
        purpose: "READ ACCOUNT of cards with a made and an imported key, of three networks, with \
                  each kind of leaf, answers P, chain code and identity key as ISSUE did, network, \
                  provenance and leaf, and a signature that is valid by the digest of section 3.2, \
                  over a salt that none of the readings had before; the same after payments, power \
                  cuts, with the PIN blocked, in extended form, and after CHANGE OWNER KEY with \
                  the new key in it.",
        requirements: &[req::ACC_1, req::ISS_4, req::KEY_3, req::FRM_5],
        start: Start::Own,
        level: Level::D3,
        defect: "A record that no wallet can verify, or that names an owner of before; a salt \
                 used twice; a leaf that isn't the card's.",
        run: account,
    },
    Case {
        id: "TC-ACC-02",
        version: 1,
        purpose: "READ LIMITS and READ ACCOUNT are refused with 6982 to anyone and to the \
                  authorised holder, replayed, signed by another key, and each with the other's \
                  signature; with other P1-P2 with 6A86, of another length than 66 with 6700. \
                  Neither these nor good readings change coins, counters, log, tries or PIN.",
        requirements: &[req::OWN_2, req::KEY_3, req::ACC_1, req::LIM_4, req::FRM_8],
        start: Start::Funded,
        level: Level::D1,
        defect: "A shop that reads the account key's xpub, and so every coin there ever was.",
        run: by_others,
    },
    Case {
        id: "TC-RND-03",
        version: 1,
        purpose: "With a source that failed at power-up READ ACCOUNT is refused with 6982, since \
                  authority comes first and no challenge is to be had; with one that fails after \
                  the challenge, with 6400, while READ LIMITS, RESET RETRY COUNTER and CHANGE OWNER \
                  KEY, which draw nothing, work; nothing else changes, and the next power-up \
                  restores it. (Only a target that has the source in its hands can run this.)",
        requirements: &[req::RND_1, req::ACC_1],
        start: Start::Own,
        level: Level::D3,
        defect: "An issue record with a nonce from a dead generator: the identity's key.",
        run: bad_source,
    },
];

fn limits(b: &mut Bench) -> Outcome {
    let first = Limits {
        per_payment: 50_001,
        cumulative: 300_002,
        payments: 513,
        fee_cap: 60_003,
        least_rate: 104,
        highest_rate: 70_005,
        least_coin: 336,
        without_pin: 2_007,
        payments_without_pin: 258,
    };
    let second = Limits {
        per_payment: 0,
        cumulative: 1,
        payments: 0,
        fee_cap: 0,
        ..first
    };
    let profile = b.profile()?.limits(first);
    b.issue(&profile)?;
    b.card.expect_limits("after ISSUE")?;
    b.card.power_cycle()?;
    b.card.expect_limits("after ISSUE and a power cut")?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[90_000, 80_000])?;
    b.card.pay_checked(&request(20_000)).preamble()?;
    b.card.expect_limits("after a payment")?;
    b.card
        .set_limits_answer(&second)?
        .want_bare(Sw::CONDITIONS, "SET LIMITS with a payment not acknowledged")
        .preamble()?;
    b.card.expect_limits("after a refused SET LIMITS")?;
    b.card.acknowledge(1, 0).preamble()?;
    let impossible = Limits {
        least_rate: 0,
        ..second
    };
    b.card
        .set_limits_answer(&impossible)?
        .want_bare(Sw::WRONG_DATA, "SET LIMITS with impossible limits")
        .preamble()?;
    b.card.expect_limits("after an impossible SET LIMITS")?;
    for (when, limits) in [("second limits", second), ("wide limits", Limits::WIDE)] {
        b.card.set_limits(limits).preamble()?;
        b.card.expect_limits(when)?;
        b.card.power_cycle()?;
        b.card.expect_limits(when)?;
        b.card.expect_books(when)?;
    }
    for left in [2, 1, 0] {
        b.card.verify_wrong(left).preamble()?;
    }
    b.card.expect_limits("with the PIN blocked")?;
    b.card.expect_tries(0, "after READ LIMITS")?;
    b.card.expect_books("at the end")
}

/// Profiles that differ in all that READ ACCOUNT answers.
fn profiles(b: &mut Bench) -> Step<Vec<Profile>> {
    b.card.select()?;
    let imports = b.card.capabilities()?.needs(Capability::Imported).is_ok();
    let primary = keypair(&b.values.bytes("primary"))?;
    let mut all = vec![b.profile()?];
    let mut delayed = b.profile()?;
    delayed.network = 1;
    delayed.leaf = Leaf::Older(primary, 0x1234);
    all.push(delayed);
    if imports {
        let mut imported = b
            .profile()?
            .imported(b.values.bytes("key"), b.values.bytes("chain code"));
        imported.network = 2;
        imported.leaf = Leaf::None;
        all.push(imported);
    }
    Ok(all)
}

/// Reads the account; its salt must be new.
fn read(b: &mut Bench, salts: &mut HashSet<[u8; 16]>, when: &str) -> Outcome {
    let record = b.card.read_account().at(|| when.to_owned())?;
    require!(
        salts.insert(record.salt),
        "{when}: READ ACCOUNT answers a salt that it answered before"
    );
    require!(record.salt != [0; 16], "{when}: the salt is zero");
    Ok(())
}

fn account(b: &mut Bench) -> Outcome {
    for (card, profile) in profiles(b)?.into_iter().enumerate() {
        let place = || format!("card {card}");
        if card > 0 {
            b.fresh_card()?;
        }
        b.issue(&profile)?;
        let mut salts = HashSet::from([b.card.host()?.record.salt]);
        for _ in 0..2 {
            read(b, &mut salts, "after ISSUE").at(place)?;
        }
        b.card.power_cycle()?;
        read(b, &mut salts, "after a power cut").at(place)?;
        let mut stream = b.values.stream("coins");
        b.card.fund(&mut stream, &[50_000, 40_000])?;
        b.card.pay_checked(&request(60_000)).preamble()?;
        read(b, &mut salts, "after a payment").at(place)?;
        for owner in ["second owner", "third owner"] {
            let owner = keypair(&b.values.bytes(owner))?;
            b.card.change_owner(owner).preamble()?;
            read(b, &mut salts, "after CHANGE OWNER KEY").at(place)?;
            b.card.power_cycle()?;
            read(b, &mut salts, "after CHANGE OWNER KEY and a power cut").at(place)?;
        }
        if b.card.host()?.capabilities.extended_length() {
            b.card.form = Form::Extended;
            read(b, &mut salts, "in extended form").at(place)?;
            b.card.form = Form::Short;
        }
        for left in [2, 1, 0] {
            b.card.verify_wrong(left).preamble()?;
        }
        read(b, &mut salts, "with the PIN blocked").at(place)?;
        b.card.expect_tries(0, "after READ ACCOUNT").at(place)?;
        b.card.expect_books("after READ ACCOUNT").at(place)?;
    }
    Ok(())
}

fn by_others(b: &mut Bench) -> Outcome {
    let reads = [("READ LIMITS", READ_LIMITS), ("READ ACCOUNT", READ_ACCOUNT)];
    let stranger = keypair(&b.values.bytes("another owner"))?;
    let send = |b: &mut Bench, header: [u8; 4], signature: &[u8; 64]| {
        let command = Command::new(header).data(Card::signed(&[], signature));
        b.card.send(&command.le(LE_SHORT))
    };
    b.card.verify_wrong(2)?;
    for (position, (name, header)) in reads.into_iter().enumerate() {
        let (_, other) = reads[1 - position];
        for holder in [false, true] {
            let place = || format!("{name}, {}", if holder { "holder" } else { "anyone" });
            b.card.select()?;
            if holder {
                b.card.authorise()?;
            }
            let refused = |b: &mut Bench, signature: &[u8; 64], what: &str| -> Outcome {
                send(b, header, signature)?
                    .want_bare(Sw::SECURITY, what)
                    .at(place)
            };
            refused(b, &[0; 64], "without a challenge")?;
            let challenge = b.card.challenge()?;
            let message = b.card.owner_message(&challenge, header, &[])?;
            let stranger = sign(&stranger, &message);
            refused(b, &stranger, "by another key")?;
            let challenge = b.card.challenge()?;
            let swapped = b.card.owner_signature(&challenge, other, &[])?;
            refused(b, &swapped, "with the other's signature")?;
            let right = b.card.owner_signature(&challenge, header, &[])?;
            refused(b, &right, "with a challenge used up")?;
            b.card.select()?;
        }
        // What never reaches the authority check leaves the challenge.
        let challenge = b.card.challenge()?;
        let right = b.card.owner_signature(&challenge, header, &[])?;
        let field = Card::signed(&[], &right);
        for value in 1..=0xFF {
            for (p1, p2) in [(value, 0), (0, value)] {
                b.card
                    .once(&Command::new([header[0], header[1], p1, p2]).data(field.clone()))?
                    .want_bare(Sw::WRONG_P1P2, name)?;
            }
        }
        let long = [&field[..], &[0; 189]].concat();
        for length in (0..=255).filter(|length| *length != field.len()) {
            b.card
                .once(&Command::new(header).data(&long[..length]))?
                .want_bare(Sw::WRONG_LENGTH, name)
                .at(|| format!("{length} data bytes"))?;
        }
        let good = send(b, header, &right)?;
        if header == READ_ACCOUNT {
            b.recorder.borrow_mut().leaks.for_the_owner();
        }
        good.want(Sw::OK, name)?;
        send(b, header, &right)?
            .want_bare(Sw::SECURITY, "replayed")
            .at(|| name.to_owned())?;
    }
    b.card.expect_limits("after refused readings")?;
    b.card.read_account()?;
    b.card.expect_books("after readings")?;
    b.card.expect_tries(3, "after readings")
}

fn bad_source(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    let never = b.card.owner_signature(&[0; 16], READ_ACCOUNT, &[])?;
    b.card.inject(&Fault::NoRandom)?;
    b.card.power_cycle()?;
    b.card
        .once(&Command::new(READ_ACCOUNT).data(Card::signed(&[], &never)))?
        .want_bare(Sw::SECURITY, "READ ACCOUNT without authority")?;
    b.card.inject(&Fault::GoodRandom)?;
    b.card.power_cycle()?;

    // The source fails when the challenge is out.
    for (name, header) in [("READ ACCOUNT", READ_ACCOUNT), ("READ LIMITS", READ_LIMITS)] {
        let command = b.card.owner_command(header, &[])?;
        b.card.inject(&Fault::NoRandom)?;
        let answer = b.card.send(&command.clone().le(LE_SHORT))?;
        if header == READ_ACCOUNT {
            answer.want_bare(Sw::EXECUTION, name)?;
        } else {
            answer.want(Sw::OK, name)?;
        }
        b.card
            .send(&command.le(LE_SHORT))?
            .want_bare(Sw::SECURITY, &format!("{name}, replayed"))?;
        b.card.inject(&Fault::GoodRandom)?;
        b.card.power_cycle()?;
    }
    b.card.verify_wrong(2)?;
    let command = b.card.owner_command(crate::card::SAME_PIN, &[])?;
    b.card.inject(&Fault::NoRandom)?;
    b.card
        .once(&command)?
        .want_bare(Sw::OK, "RESET RETRY COUNTER")?;
    b.card.inject(&Fault::GoodRandom)?;
    let owner = keypair(&b.values.bytes("new owner"))?;
    let command = b.card.change_owner_command(&owner)?;
    b.card.inject(&Fault::NoRandom)?;
    b.card
        .once(&command)?
        .want_bare(Sw::OK, "CHANGE OWNER KEY")?;
    b.card.host_mut()?.profile.owner = owner;
    b.card.inject(&Fault::GoodRandom)?;
    b.card.power_cycle()?;
    b.card.expect_tries(3, "after RESET RETRY COUNTER")?;
    b.card.expect_books("after the next power-up")?;
    b.card.read_account().map(drop)
}
