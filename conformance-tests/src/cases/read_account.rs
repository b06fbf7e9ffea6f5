//! READ LIMITS and READ ACCOUNT. Sections 8.6 and 8.7.

use super::personalisation::{blank, personalised};
use super::prelude::*;
use crate::card::{READ_ACCOUNT, READ_LIMITS};
use crate::card_under_test::Fault;
use crate::keys::{keypair, sign};
use crate::model::{Leaf, Profile};
use crate::purposes::distinct::Distinct;

cases! {
    "TC-LIM-04" version 1 on Own D3 for [LIM_4 LIM_3 NVM_2] runs limits:
        "READ LIMITS answers the limits of ISSUE and then those of each SET LIMITS, to the byte, \
         at once and after power cuts, whatever was paid and with the PIN blocked; those of a \
         refused SET LIMITS never. It changes nothing."
        catches "An owner told other limits than those that bind; what is left told instead.";
    "TC-ACC-01" version 1 on Own D3 for [ACC_1 ISS_4 KEY_3 FRM_5] runs account:
        "READ ACCOUNT of cards with a made and an imported key, of three networks, with each kind \
         of leaf, answers P, chain code and identity key as ISSUE did, network, provenance and \
         leaf, and a signature that is valid by the digest of section 3.2, over a salt that none \
         of the readings had before; the same after payments, power cuts, with the PIN blocked, in \
         extended form, and after CHANGE OWNER KEY with the new key in it."
        catches "A record that no wallet can verify, or that names an owner of before; a salt used \
                 twice; a leaf that isn't the card's.";
    "TC-ACC-03" version 1 on Own D3 for [ACC_2 ACC_1 OWN_3] runs in_channels:
        "A personalised card refuses READ ACCOUNT with 6982 in a plain session, to its owner too, \
         before and after one in a channel, which is answered; the challenge stays good: READ \
         LIMITS that is signed over it is answered."
        catches "An owner who takes the account of whoever sits at the contacts for his card's.";
    "TC-ACC-04" version 1 on Own D3 for [ACC_2 ACC_1] runs in_plain_sessions:
        "A card that nobody personalised answers READ ACCOUNT in a plain session, and in a \
         channel. (Only a target that has the memory in its hands, or a card that nobody \
         personalised, can run this.)"
        catches "An owner of a card without certificates who can't have his account back.";
    "TC-ACC-02" version 2 on Funded D1 for [OWN_2 KEY_3 ACC_1 LIM_4 FRM_8] runs by_others:
        "READ LIMITS and READ ACCOUNT are refused with 6982 to anyone and to the authorised \
         holder, replayed, signed by another key, and each with the other's signature; with other \
         P1-P2 with 6A86, of another length than 66 with 6700. Neither these nor good readings \
         change coins, counters, log, tries or PIN."
        catches "A shop that reads the account key's xpub, and so every coin there ever was.";
    "TC-RND-03" version 2 on Own D3 for [RND_1 ACC_1] runs bad_source:
        "With a source that failed at power-up READ ACCOUNT is refused with 6982, since authority \
         comes first and no challenge is to be had; with one that fails after the challenge, with \
         6400, while READ LIMITS, RESET RETRY COUNTER and CHANGE OWNER KEY, which draw nothing, \
         work; nothing else changes, and the next power-up restores it. (Only a target that has \
         the source in its hands can run this.)"
        catches "An issue record with a nonce from a dead generator: the identity's key.";
}

fn limits(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
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
    ctx.prepare_limited(first, &[])?;
    // As the card declares them.
    let first = ctx.host()?.profile.limits;
    let second = first.per_payment(0).cumulative(1).payments(0).fee_cap(0);
    ctx.expect_limits("after ISSUE")?;
    ctx.power_cycle()?;
    ctx.expect_limits("after ISSUE and a power cut")?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[90_000, 80_000])?;
    ctx.pay_checked(&request_of(20_000)).preamble()?;
    ctx.expect_limits("after a payment")?;
    ctx.set_limits_answer(&second)?
        .want_bare(Sw::CONDITIONS, "SET LIMITS with a payment not acknowledged")
        .preamble()?;
    ctx.expect_limits("after a refused SET LIMITS")?;
    ctx.acknowledge(1, 0).preamble()?;
    let impossible = second.least_rate(0);
    ctx.set_limits_answer(&impossible)?
        .want_bare(Sw::WRONG_DATA, "SET LIMITS with impossible limits")
        .preamble()?;
    ctx.expect_limits("after an impossible SET LIMITS")?;
    for (when, limits) in [("second limits", second), ("wide limits", Limits::WIDE)] {
        ctx.set_limits(limits).preamble()?;
        ctx.expect_limits(when)?;
        ctx.power_cycle()?;
        ctx.expect_limits(when)?;
        ctx.expect_ledger(when)?;
    }
    ctx.block_pin().preamble()?;
    ctx.expect_limits("with the PIN blocked")?;
    ctx.expect_tries(0, "after READ LIMITS")?;
    ctx.expect_ledger("at the end")
}

/// Profiles that differ in all that READ ACCOUNT answers.
fn profiles(ctx: &mut CaseContext) -> Step<Vec<Profile>> {
    ctx.select()?;
    let imports = ctx.capabilities()?.needs(Capability::Imported).is_ok();
    let primary = keypair(&ctx.values.bytes("primary"))?;
    let mut all = vec![ctx.profile()?];
    let mut delayed = ctx.profile()?;
    delayed.network = 1;
    delayed.leaf = Leaf::Older(primary, 0x1234);
    all.push(delayed);
    if imports {
        let mut imported = ctx
            .profile()?
            .imported(ctx.values.bytes("key"), ctx.values.bytes("chain code"));
        imported.network = 2;
        imported.leaf = Leaf::None;
        all.push(imported);
    }
    Ok(all)
}

/// Reads the account; its salt must be new.
fn read(ctx: &mut CaseContext, salts: &mut Distinct, when: &str) -> Outcome {
    let record = ctx.read_account().at(when)?;
    salts.add(&record.salt).at(when)?;
    require!(record.salt != [0; 16], "{when}: the salt is zero");
    Ok(())
}

fn account(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    for (card, profile) in profiles(ctx)?.into_iter().enumerate() {
        let place = || format!("card {card}");
        if card > 0 {
            ctx.fresh_card()?;
        }
        ctx.prepare(&profile)?;
        let mut salts = Distinct::new("READ ACCOUNT answers a salt that came before");
        salts.add(&ctx.host()?.record.salt)?;
        for _ in 0..2 {
            read(ctx, &mut salts, "after ISSUE").at(place)?;
        }
        ctx.power_cycle()?;
        read(ctx, &mut salts, "after a power cut").at(place)?;
        let mut stream = ctx.values.stream("coins");
        ctx.fund(&mut stream, &[50_000, 40_000])?;
        ctx.pay_checked(&request_of(60_000)).preamble()?;
        read(ctx, &mut salts, "after a payment").at(place)?;
        for owner in ["second owner", "third owner"] {
            let owner = keypair(&ctx.values.bytes(owner))?;
            ctx.change_owner(owner).preamble()?;
            read(ctx, &mut salts, "after CHANGE OWNER KEY").at(place)?;
            ctx.power_cycle()?;
            read(ctx, &mut salts, "after CHANGE OWNER KEY and a power cut").at(place)?;
        }
        if ctx.host()?.capabilities.extended_length() {
            ctx.form = Form::Extended;
            read(ctx, &mut salts, "in extended form").at(place)?;
            ctx.form = Form::Short;
        }
        ctx.block_pin().preamble()?;
        read(ctx, &mut salts, "with the PIN blocked").at(place)?;
        ctx.expect_tries(0, "after READ ACCOUNT").at(place)?;
        ctx.expect_ledger("after READ ACCOUNT").at(place)?;
    }
    Ok(())
}

/// A session in which the card answers this to its owner.
fn begin(ctx: &mut CaseContext, header: [u8; 4]) -> Outcome {
    ctx.select()?;
    if header == READ_ACCOUNT && ctx.chains()?.is_some() {
        ctx.open_channel()?;
    }
    Ok(())
}

/// READ ACCOUNT must be refused in a plain session, and leave the challenge.
fn refused_plainly(ctx: &mut CaseContext, when: &str) -> Outcome {
    let challenge = ctx.challenge()?;
    let right = ctx.owner_signature(&challenge, READ_ACCOUNT, &[])?;
    for signature in [[0; 64], right] {
        let command = Command::new(READ_ACCOUNT).data(Card::signed(&[], &signature));
        ctx.send(&command.le(LE_SHORT))?
            .want_bare(Sw::SECURITY, "READ ACCOUNT in a plain session")
            .at(when)?;
    }
    let signature = ctx.owner_signature(&challenge, READ_LIMITS, &[])?;
    let command = Command::new(READ_LIMITS).data(Card::signed(&[], &signature));
    ctx.send(&command.le(LE_SHORT))?
        .want(Sw::OK, "READ LIMITS over the challenge of a READ ACCOUNT")
        .at(when)
        .map(drop)
}

fn in_channels(ctx: &mut CaseContext) -> Outcome {
    personalised(ctx)?;
    let profile = ctx.profile()?;
    ctx.issue(&profile)?;
    refused_plainly(ctx, "at first")?;
    ctx.power_cycle()?;
    refused_plainly(ctx, "after a power cut")?;
    ctx.open_channel()?;
    ctx.read_account()?;
    ctx.expect_channel("after READ ACCOUNT")?;
    ctx.select()?;
    refused_plainly(ctx, "after a channel")
}

fn in_plain_sessions(ctx: &mut CaseContext) -> Outcome {
    blank(ctx)?;
    let profile = ctx.profile()?;
    ctx.issue(&profile)?;
    ctx.read_account()?;
    ctx.power_cycle()?;
    ctx.read_account()?;
    ctx.open_channel()?;
    ctx.read_account().map(drop)
}

fn by_others(ctx: &mut CaseContext) -> Outcome {
    let reads = [("READ LIMITS", READ_LIMITS), ("READ ACCOUNT", READ_ACCOUNT)];
    let stranger = keypair(&ctx.values.bytes("another owner"))?;
    let send = |ctx: &mut CaseContext, header: [u8; 4], signature: &[u8; 64]| {
        let command = Command::new(header).data(Card::signed(&[], signature));
        ctx.send(&command.le(LE_SHORT))
    };
    ctx.verify_wrong(2)?;
    for (position, (name, header)) in reads.into_iter().enumerate() {
        let (_, other) = reads[1 - position];
        for holder in [false, true] {
            let place = || format!("{name}, {}", if holder { "holder" } else { "anyone" });
            begin(ctx, header)?;
            if holder {
                ctx.authorise()?;
            }
            let refused = |ctx: &mut CaseContext, signature: &[u8; 64], what: &str| -> Outcome {
                send(ctx, header, signature)?
                    .want_bare(Sw::SECURITY, what)
                    .at(place)
            };
            refused(ctx, &[0; 64], "without a challenge")?;
            let challenge = ctx.challenge()?;
            let message = ctx.owner_message(&challenge, header, &[])?;
            let stranger = sign(&stranger, &message);
            refused(ctx, &stranger, "by another key")?;
            let challenge = ctx.challenge()?;
            let swapped = ctx.owner_signature(&challenge, other, &[])?;
            refused(ctx, &swapped, "with the other's signature")?;
            let right = ctx.owner_signature(&challenge, header, &[])?;
            refused(ctx, &right, "with a challenge used up")?;
            begin(ctx, header)?;
        }
        // What never reaches the authority check leaves the challenge.
        let challenge = ctx.challenge()?;
        let right = ctx.owner_signature(&challenge, header, &[])?;
        let field = Card::signed(&[], &right);
        for value in 1..=0xFF {
            for (p1, p2) in [(value, 0), (0, value)] {
                ctx.once(&Command::new([header[0], header[1], p1, p2]).data(field.clone()))?
                    .want_bare(Sw::WRONG_P1P2, name)?;
            }
        }
        let long = [&field[..], &[0; 189]].concat();
        let longest = ctx.longest_piece();
        for length in (0..=longest).filter(|length| *length != field.len()) {
            ctx.once(&Command::new(header).data(&long[..length]))?
                .want_bare(Sw::WRONG_LENGTH, name)
                .at(|| format!("{length} data bytes"))?;
        }
        let good = send(ctx, header, &right)?;
        if header == READ_ACCOUNT {
            ctx.recorder.borrow_mut().leaks.for_the_owner();
        }
        good.want(Sw::OK, name)?;
        send(ctx, header, &right)?
            .want_bare(Sw::SECURITY, "replayed")
            .at(name)?;
        ctx.select()?;
    }
    ctx.expect_limits("after refused readings")?;
    ctx.read_account()?;
    ctx.expect_ledger("after readings")?;
    ctx.expect_tries(3, "after readings")
}

fn bad_source(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    let never = ctx.owner_signature(&[0; 16], READ_ACCOUNT, &[])?;
    ctx.inject(&Fault::NoRandom)?;
    ctx.power_cycle()?;
    ctx.once(&Command::new(READ_ACCOUNT).data(Card::signed(&[], &never)))?
        .want_bare(Sw::SECURITY, "READ ACCOUNT without authority")?;
    ctx.inject(&Fault::GoodRandom)?;
    ctx.power_cycle()?;

    // The source fails when the challenge is out.
    for (name, header) in [("READ ACCOUNT", READ_ACCOUNT), ("READ LIMITS", READ_LIMITS)] {
        begin(ctx, header)?;
        let command = ctx.owner_command(header, &[])?;
        ctx.inject(&Fault::NoRandom)?;
        let answer = ctx.send(&command.clone().le(LE_SHORT))?;
        if header == READ_ACCOUNT {
            answer.want_bare(Sw::EXECUTION, name)?;
        } else {
            answer.want(Sw::OK, name)?;
        }
        ctx.send(&command.le(LE_SHORT))?
            .want_bare(Sw::SECURITY, &format!("{name}, replayed"))?;
        ctx.inject(&Fault::GoodRandom)?;
        ctx.power_cycle()?;
    }
    ctx.verify_wrong(2)?;
    let command = ctx.owner_command(crate::card::SAME_PIN, &[])?;
    ctx.inject(&Fault::NoRandom)?;
    ctx.once(&command)?
        .want_bare(Sw::OK, "RESET RETRY COUNTER")?;
    ctx.inject(&Fault::GoodRandom)?;
    let owner = keypair(&ctx.values.bytes("new owner"))?;
    let command = ctx.change_owner_command(&owner)?;
    ctx.inject(&Fault::NoRandom)?;
    ctx.once(&command)?.want_bare(Sw::OK, "CHANGE OWNER KEY")?;
    ctx.host_mut()?.profile.owner = owner;
    ctx.inject(&Fault::GoodRandom)?;
    ctx.power_cycle()?;
    ctx.expect_tries(3, "after RESET RETRY COUNTER")?;
    ctx.expect_ledger("after the next power-up")?;
    ctx.read_account().map(drop)
}
