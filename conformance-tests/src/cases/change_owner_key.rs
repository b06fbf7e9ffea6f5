//! CHANGE OWNER KEY. Section 5.4.

use super::prelude::*;
use crate::apdu::Answer;
use crate::card::{CHANGE_OWNER_KEY, READ_COINS, READ_LIMITS, SET_LIMITS, new_owner_body};
use crate::keys::{keypair, sign, tagged_hash, x_off_curve};
use crate::tlv;
use bitcoin::secp256k1::Keypair;

cases! {
    "TC-OWN-07" version 2 on Own D3 for [OWN_4 OWN_2 NVM_1 NVM_2 ACC_1] runs changed:
        "After CHANGE OWNER KEY the old key is refused with 6982 and the new one taken, at once \
         and after power cuts; limits, counters, coins, log, PIN, tries used and account are as \
         before; nobody is authorised by it, and a holder who was stays so, with the coins offered \
         to him. The key is changed again, to itself, and back to the first; the card pays, also \
         with its PIN blocked and unblocked by the new owner."
        catches "An old owner who goes on ruling the card; a change that a power cut undoes; \
                 limits or PIN set anew with it.";
    "TC-OWN-08" version 1 on Issued D1 for [OWN_5 OWN_2 OWN_3] runs refused:
        "CHANGE OWNER KEY is refused, with 6A80 for keys that aren't on the curve, and with 6982 \
         for a proof by another key, over another challenge, card, network, receipt, key or tag, \
         in another order, spoilt or zero, and for a right proof without the old key's signature; \
         after each refusal the challenge is used up, the old key good, and the new one not."
        catches "A card given to a key that nobody has: its owner is locked out for ever.";
    "TC-OWN-09" version 1 on Own D3 for [OWN_3 OWN_4 FRM_8] runs malformed:
        "CHANGE OWNER KEY with another P1 or P2, or of another length, is refused with 6A86 or \
         6700, and with its data objects spoilt with 6A80; none of them uses the challenge up: the \
         right command is taken after them."
        catches "A P1 that stands for something; a key read from beyond the field.";
}

fn x_only(pair: &Keypair) -> [u8; 32] {
    pair.x_only_public_key().0.serialize()
}

/// An owner command signed by this key, over a fresh challenge.
fn by(ctx: &mut CaseContext, pair: &Keypair, header: [u8; 4], body: &[u8]) -> Step<Answer> {
    let challenge = ctx.challenge()?;
    let signature = sign(pair, &ctx.owner_message(&challenge, header, body)?);
    ctx.send(
        &Command::new(header)
            .data(Card::signed(body, &signature))
            .le(LE_SHORT),
    )
}

/// This key must have no authority.
fn has_none(ctx: &mut CaseContext, pair: &Keypair, whose: &str) -> Outcome {
    let limits = Limits::WIDE.per_payment(1);
    let limits = tlv::object(0x85, &limits.encode());
    let commands: [(&str, [u8; 4], &[u8]); 3] = [
        ("READ LIMITS", READ_LIMITS, &[]),
        ("READ COINS", READ_COINS, &[]),
        ("SET LIMITS", SET_LIMITS, &limits),
    ];
    for (name, header, body) in commands {
        by(ctx, pair, header, body)?.want_bare(Sw::SECURITY, &format!("{name} by {whose}"))?;
    }
    Ok(())
}

fn changed(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE.per_payment(40_000);
    let profile = ctx.profile()?.limits(limits);
    ctx.prepare(&profile)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[90_000, 80_000])?;
    ctx.pay_checked(&request_of(20_000)).preamble()?;
    ctx.acknowledge(1, 1).preamble()?;
    let first = profile.owner;
    let second = keypair(&ctx.values.bytes("second owner"))?;
    let third = keypair(&ctx.values.bytes("third owner"))?;
    let mut before = first;
    for (what, next, cut) in [
        ("a second key", second, true),
        ("a third key", third, false),
        ("the third key again", third, true),
        ("the first key", first, false),
    ] {
        let place = || what.to_owned();
        ctx.verify_wrong(2).preamble()?;
        ctx.change_owner(next).at(place)?;
        if cut {
            ctx.power_cycle()?;
        }
        ctx.expect_authorised(false, what)?;
        ctx.expect_tries(2, what)?;
        if x_only(&before) != x_only(&next) {
            has_none(ctx, &before, "the key of before").at(place)?;
        }
        ctx.expect_limits(what)?;
        ctx.expect_ledger(what)?;
        ctx.read_account().at(place)?;
        ctx.verify_right().at(place)?;
        ctx.pay_checked(&request_of(1_000)).at(place)?;
        ctx.power_cycle()?;
        ctx.expect_ledger(what)?;
        if x_only(&before) != x_only(&next) {
            has_none(ctx, &before, "the key of before").at(place)?;
        }
        before = next;
    }
    // With a holder in the middle of his payment.
    let offered = request_of(2_000);
    ctx.offered(&offered)?;
    for next in [third, first] {
        ctx.change_owner(next)?;
    }
    let answer = ctx.pay_answer(&offered)?;
    ctx.paid(&offered, answer)
        .at("a payment previewed before CHANGE OWNER KEY")?;
    // From the first key away once more, with the PIN blocked.
    ctx.block_pin().preamble()?;
    ctx.change_owner(second).at("with the PIN blocked")?;
    ctx.expect_tries(0, "after CHANGE OWNER KEY")?;
    by(ctx, &first, crate::card::SAME_PIN, &[])?
        .want_bare(Sw::SECURITY, "RESET RETRY COUNTER by the key of before")?;
    ctx.expect_tries(0, "after CHANGE OWNER KEY")?;
    ctx.reset_tries(None)?;
    ctx.pay_checked(&request_of(1_000))?;
    ctx.expect_ledger("at the end")
}

/// Keys that are none.
fn off_the_curve(ctx: &CaseContext) -> [(&'static str, [u8; 32]); 4] {
    // The field prime: as an x coordinate it is 0 written twice.
    let mut prime = [0xFF; 32];
    prime[27] = 0xFE;
    prime[30] = 0xFC;
    prime[31] = 0x2F;
    [
        ("off the curve", x_off_curve(&ctx.values.bytes("off"))),
        ("zero", [0; 32]),
        ("p", prime),
        ("too high", [0xFF; 32]),
    ]
}

/// CHANGE OWNER KEY with such a key and proof, signed by the old key, must be answered so, and
/// leave the old key its authority.
fn refusal(
    ctx: &mut CaseContext,
    challenge: &[u8; 16],
    key: &[u8; 32],
    proof: &[u8; 64],
    sw: Sw,
) -> Outcome {
    let body = new_owner_body(key, proof);
    let signature = ctx.owner_signature(challenge, CHANGE_OWNER_KEY, &body)?;
    ctx.once(&Command::new(CHANGE_OWNER_KEY).data(Card::signed(&body, &signature)))?
        .want_bare(sw, "CHANGE OWNER KEY")?;
    let signature = ctx.owner_signature(challenge, READ_LIMITS, &[])?;
    ctx.once(&Command::new(READ_LIMITS).data(Card::signed(&[], &signature)))?
        .want_bare(Sw::SECURITY, "READ LIMITS with a challenge used up")?;
    ctx.expect_limits("the old key, after a refusal")
}

fn refused(ctx: &mut CaseContext) -> Outcome {
    let (network, id, old) = {
        let host = ctx.host()?;
        let profile = &host.profile;
        (profile.network, host.account.card_id(), profile.owner)
    };
    let new = keypair(&ctx.values.bytes("new owner"))?;
    let other = keypair(&ctx.values.bytes("another"))?;
    let (key, other_key) = (x_only(&new), x_only(&other));
    for (name, key) in off_the_curve(ctx) {
        let challenge = ctx.challenge()?;
        let proof = sign(&new, &ctx.proof_message(&challenge, &key)?);
        refusal(ctx, &challenge, &key, &proof, Sw::WRONG_DATA).at(|| format!("a key {name}"))?;
    }
    let mut other_id = id;
    other_id[0] ^= 1;
    let never: [u8; 16] = ctx.values.bytes("no challenge");
    let tag = "Tillcard/owner-key";
    for case in 0..15 {
        let challenge = ctx.challenge()?;
        let right = ctx.proof_message(&challenge, &key)?;
        let parts: [&[u8]; 5] = [&[network], &id, &[0], &challenge, &key];
        let with = |at: usize, part: &[u8]| {
            let mut bytes = Vec::new();
            for (position, right) in parts.iter().enumerate() {
                bytes.extend_from_slice(if position == at { part } else { right });
            }
            sign(&new, &tagged_hash(tag, &[&bytes]))
        };
        let spoilt = |bit: usize| {
            let mut proof = sign(&new, &right);
            proof[bit / 8] ^= 0x80 >> (bit % 8);
            proof
        };
        let (what, proof) = match case {
            0 => ("by another key", sign(&other, &right)),
            1 => ("by the old key", sign(&old, &right)),
            2 => ("for another key", with(4, &other_key)),
            3 => ("for the old key", with(4, &x_only(&old))),
            4 => ("over another challenge", with(3, &never)),
            5 => ("over no challenge", with(3, &[])),
            6 => ("over another network", with(0, &[network ^ 1])),
            7 => ("over another card", with(1, &other_id)),
            8 => ("over another receipt", with(2, &[1])),
            9 => ("over no receipt", with(2, &[])),
            10 => (
                "under the commands' tag",
                sign(&new, &tagged_hash("Tillcard/owner", &parts)),
            ),
            11 => {
                let swapped = [parts[0], parts[1], parts[2], parts[4], parts[3]];
                ("in another order", sign(&new, &tagged_hash(tag, &swapped)))
            }
            12 => ("with a bit of r spoilt", spoilt(255)),
            13 => ("with a bit of s spoilt", spoilt(511)),
            _ => ("of zeros", [0; 64]),
        };
        let place = || format!("a proof {what}");
        require!(
            proof != sign(&new, &right),
            "{what}: the case's own proof is right"
        );
        refusal(ctx, &challenge, &key, &proof, Sw::SECURITY).at(place)?;
        if case % 5 == 0 {
            has_none(ctx, &new, "the new key").at(place)?;
        }
    }
    // A right proof, and not the old key's signature.
    for (what, signer) in [("the new key", &new), ("another key", &other)] {
        let challenge = ctx.challenge()?;
        let proof = sign(&new, &ctx.proof_message(&challenge, &key)?);
        let body = new_owner_body(&key, &proof);
        let message = ctx.owner_message(&challenge, CHANGE_OWNER_KEY, &body)?;
        let signature = sign(signer, &message);
        ctx.once(&Command::new(CHANGE_OWNER_KEY).data(Card::signed(&body, &signature)))?
            .want_bare(Sw::SECURITY, &format!("CHANGE OWNER KEY by {what}"))?;
    }
    let proof = sign(&new, &ctx.proof_message(&never, &key)?);
    let body = new_owner_body(&key, &proof);
    let signature = ctx.owner_signature(&never, CHANGE_OWNER_KEY, &body)?;
    ctx.once(&Command::new(CHANGE_OWNER_KEY).data(Card::signed(&body, &signature)))?
        .want_bare(Sw::SECURITY, "CHANGE OWNER KEY without a challenge")?;
    ctx.power_cycle()?;
    ctx.expect_limits("the old key, after a power cut")?;
    has_none(ctx, &new, "the new key, after a power cut")
}

fn malformed(ctx: &mut CaseContext) -> Outcome {
    let profile = ctx.profile()?;
    ctx.prepare(&profile)?;
    let new = keypair(&ctx.values.bytes("new owner"))?;
    let key = x_only(&new);
    let challenge = ctx.challenge()?;
    let proof = sign(&new, &ctx.proof_message(&challenge, &key)?);
    let body = new_owner_body(&key, &proof);
    let signature = ctx.owner_signature(&challenge, CHANGE_OWNER_KEY, &body)?;
    let right = Card::signed(&body, &signature);
    for value in 1..=0xFF {
        for (p1, p2) in [(value, 0), (0, value)] {
            ctx.once(&Command::new([0x80, 0x4C, p1, p2]).data(right.clone()))?
                .want_bare(Sw::WRONG_P1P2, "CHANGE OWNER KEY")?;
        }
    }
    let long = [&right[..], &[0; 89]].concat();
    for length in (0..=255).filter(|length| *length != right.len()) {
        ctx.once(&Command::new(CHANGE_OWNER_KEY).data(&long[..length]))?
            .want_bare(Sw::WRONG_LENGTH, "CHANGE OWNER KEY")
            .at(|| format!("{length} data bytes"))?;
    }
    // Tags and lengths of the three data objects.
    for at in [0, 1, 34, 35, 100, 101] {
        let mut spoilt = right.clone();
        spoilt[at] ^= 0x01;
        ctx.once(&Command::new(CHANGE_OWNER_KEY).data(spoilt))?
            .want_bare(Sw::WRONG_DATA, "CHANGE OWNER KEY")
            .at(|| format!("byte {at} spoilt"))?;
    }
    ctx.once(&Command::new(CHANGE_OWNER_KEY).data(right))?
        .want_bare(Sw::OK, "CHANGE OWNER KEY after refused ones")?;
    ctx.host_mut()?.profile.owner = new;
    ctx.expect_limits("the new key")?;
    has_none(ctx, &profile.owner, "the key of before")
}
