//! CHANGE OWNER KEY. Section 5.4.

use super::prelude::*;
use crate::apdu::Answer;
use crate::card::{CHANGE_OWNER_KEY, READ_COINS, READ_LIMITS, SET_LIMITS, new_owner_body};
use crate::keys::{keypair, sign, tagged_hash, x_off_curve};
use crate::tlv;
use bitcoin::secp256k1::Keypair;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-OWN-07",
        version: 2,
        purpose: "After CHANGE OWNER KEY the old key is refused with 6982 and the new one taken, \
                  at once and after power cuts; limits, counters, coins, log, PIN, tries used and \
                  account are as before; nobody is authorised by it, and a holder who was stays so, \
                  with the coins offered to him. The key is changed again, to \
                  itself, and back to the first; the card pays, also with its PIN blocked and \
                  unblocked by the new owner.",
        requirements: &[req::OWN_4, req::OWN_2, req::NVM_1, req::NVM_2, req::ACC_1],
        start: Start::Own,
        level: Level::D3,
        defect: "An old owner who goes on ruling the card; a change that a power cut undoes; \
                 limits or PIN set anew with it.",
        run: changed,
    },
    Case {
        id: "TC-OWN-08",
        version: 1,
        purpose: "CHANGE OWNER KEY is refused, with 6A80 for keys that aren't on the curve, and \
                  with 6982 for a proof by another key, over another challenge, card, network, \
                  receipt, key or tag, in another order, spoilt or zero, and for a right proof \
                  without the old key's signature; after each refusal the challenge is used up, \
                  the old key good, and the new one not.",
        requirements: &[req::OWN_5, req::OWN_2, req::OWN_3],
        start: Start::Issued,
        level: Level::D1,
        defect: "A card given to a key that nobody has: its owner is locked out for ever.",
        run: refused,
    },
    Case {
        id: "TC-OWN-09",
        version: 1,
        purpose: "CHANGE OWNER KEY with another P1 or P2, or of another length, is refused with \
                  6A86 or 6700, and with its data objects spoilt with 6A80; none of them uses the \
                  challenge up: the right command is taken after them.",
        requirements: &[req::OWN_3, req::OWN_4, req::FRM_8],
        start: Start::Own,
        level: Level::D3,
        defect: "A P1 that stands for something; a key read from beyond the field.",
        run: malformed,
    },
];

fn x_only(pair: &Keypair) -> [u8; 32] {
    pair.x_only_public_key().0.serialize()
}

/// An owner command signed by this key, over a fresh challenge.
fn by(b: &mut Bench, pair: &Keypair, header: [u8; 4], body: &[u8]) -> Step<Answer> {
    let challenge = b.card.challenge()?;
    let signature = sign(pair, &b.card.owner_message(&challenge, header, body)?);
    b.card.send(
        &Command::new(header)
            .data(Card::signed(body, &signature))
            .le(LE_SHORT),
    )
}

/// This key must have no authority.
fn has_none(b: &mut Bench, pair: &Keypair, whose: &str) -> Outcome {
    let limits = Limits {
        per_payment: 1,
        ..Limits::WIDE
    };
    let limits = tlv::object(0x85, &limits.encode());
    let commands: [(&str, [u8; 4], &[u8]); 3] = [
        ("READ LIMITS", READ_LIMITS, &[]),
        ("READ COINS", READ_COINS, &[]),
        ("SET LIMITS", SET_LIMITS, &limits),
    ];
    for (name, header, body) in commands {
        by(b, pair, header, body)?.want_bare(Sw::SECURITY, &format!("{name} by {whose}"))?;
    }
    Ok(())
}

fn changed(b: &mut Bench) -> Outcome {
    let limits = Limits {
        per_payment: 40_000,
        ..Limits::WIDE
    };
    let profile = b.profile()?.limits(limits);
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[90_000, 80_000])?;
    b.card.pay_checked(&request(20_000)).preamble()?;
    b.card.acknowledge(1, 1).preamble()?;
    let first = profile.owner;
    let second = keypair(&b.values.bytes("second owner"))?;
    let third = keypair(&b.values.bytes("third owner"))?;
    let mut before = first;
    for (what, next, cut) in [
        ("a second key", second, true),
        ("a third key", third, false),
        ("the third key again", third, true),
        ("the first key", first, false),
    ] {
        let place = || what.to_owned();
        b.card.verify_wrong(2).preamble()?;
        b.card.change_owner(next).at(place)?;
        if cut {
            b.card.power_cycle()?;
        }
        b.card.expect_authorised(false, what)?;
        b.card.expect_tries(2, what)?;
        if x_only(&before) != x_only(&next) {
            has_none(b, &before, "the key of before").at(place)?;
        }
        b.card.expect_limits(what)?;
        b.card.expect_books(what)?;
        b.card.read_account().at(place)?;
        b.card.verify_right().at(place)?;
        b.card.pay_checked(&request(1_000)).at(place)?;
        b.card.power_cycle()?;
        b.card.expect_books(what)?;
        if x_only(&before) != x_only(&next) {
            has_none(b, &before, "the key of before").at(place)?;
        }
        before = next;
    }
    // With a holder in the middle of his payment.
    let offered = request(2_000);
    b.card
        .preview_checked(&offered)?
        .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))?;
    for next in [third, first] {
        b.card.change_owner(next)?;
    }
    let answer = b.card.pay_answer(&offered)?;
    b.card
        .paid(&offered, answer)
        .at(|| "a payment previewed before CHANGE OWNER KEY".to_owned())?;
    // From the first key away once more, with the PIN blocked.
    for left in [2, 1, 0] {
        b.card.verify_wrong(left).preamble()?;
    }
    b.card
        .change_owner(second)
        .at(|| "with the PIN blocked".to_owned())?;
    b.card.expect_tries(0, "after CHANGE OWNER KEY")?;
    by(b, &first, crate::card::SAME_PIN, &[])?
        .want_bare(Sw::SECURITY, "RESET RETRY COUNTER by the key of before")?;
    b.card.expect_tries(0, "after CHANGE OWNER KEY")?;
    b.card.reset_tries(None)?;
    b.card.pay_checked(&request(1_000))?;
    b.card.expect_books("at the end")
}

/// Keys that are none.
fn off_the_curve(b: &Bench) -> [(&'static str, [u8; 32]); 4] {
    // The field prime: as an x coordinate it is 0 written twice.
    let mut prime = [0xFF; 32];
    prime[27] = 0xFE;
    prime[30] = 0xFC;
    prime[31] = 0x2F;
    [
        ("off the curve", x_off_curve(&b.values.bytes("off"))),
        ("zero", [0; 32]),
        ("p", prime),
        ("too high", [0xFF; 32]),
    ]
}

/// CHANGE OWNER KEY with such a key and proof, signed by the old key, must be answered so, and
/// leave the old key its authority.
fn refusal(
    b: &mut Bench,
    challenge: &[u8; 16],
    key: &[u8; 32],
    proof: &[u8; 64],
    sw: Sw,
) -> Outcome {
    let body = new_owner_body(key, proof);
    let signature = b.card.owner_signature(challenge, CHANGE_OWNER_KEY, &body)?;
    b.card
        .once(&Command::new(CHANGE_OWNER_KEY).data(Card::signed(&body, &signature)))?
        .want_bare(sw, "CHANGE OWNER KEY")?;
    let signature = b.card.owner_signature(challenge, READ_LIMITS, &[])?;
    b.card
        .once(&Command::new(READ_LIMITS).data(Card::signed(&[], &signature)))?
        .want_bare(Sw::SECURITY, "READ LIMITS with a challenge used up")?;
    b.card.expect_limits("the old key, after a refusal")
}

fn refused(b: &mut Bench) -> Outcome {
    let (network, id, old) = {
        let host = b.card.host()?;
        let profile = &host.profile;
        (profile.network, host.account.card_id(), profile.owner)
    };
    let new = keypair(&b.values.bytes("new owner"))?;
    let other = keypair(&b.values.bytes("another"))?;
    let (key, other_key) = (x_only(&new), x_only(&other));
    for (name, key) in off_the_curve(b) {
        let challenge = b.card.challenge()?;
        let proof = sign(&new, &b.card.proof_message(&challenge, &key)?);
        refusal(b, &challenge, &key, &proof, Sw::WRONG_DATA).at(|| format!("a key {name}"))?;
    }
    let mut other_id = id;
    other_id[0] ^= 1;
    let never: [u8; 16] = b.values.bytes("no challenge");
    let tag = "Tillcard/owner-key";
    for case in 0..15 {
        let challenge = b.card.challenge()?;
        let right = b.card.proof_message(&challenge, &key)?;
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
        refusal(b, &challenge, &key, &proof, Sw::SECURITY).at(place)?;
        if case % 5 == 0 {
            has_none(b, &new, "the new key").at(place)?;
        }
    }
    // A right proof, and not the old key's signature.
    for (what, signer) in [("the new key", &new), ("another key", &other)] {
        let challenge = b.card.challenge()?;
        let proof = sign(&new, &b.card.proof_message(&challenge, &key)?);
        let body = new_owner_body(&key, &proof);
        let message = b.card.owner_message(&challenge, CHANGE_OWNER_KEY, &body)?;
        let signature = sign(signer, &message);
        b.card
            .once(&Command::new(CHANGE_OWNER_KEY).data(Card::signed(&body, &signature)))?
            .want_bare(Sw::SECURITY, &format!("CHANGE OWNER KEY by {what}"))?;
    }
    let proof = sign(&new, &b.card.proof_message(&never, &key)?);
    let body = new_owner_body(&key, &proof);
    let signature = b.card.owner_signature(&never, CHANGE_OWNER_KEY, &body)?;
    b.card
        .once(&Command::new(CHANGE_OWNER_KEY).data(Card::signed(&body, &signature)))?
        .want_bare(Sw::SECURITY, "CHANGE OWNER KEY without a challenge")?;
    b.card.power_cycle()?;
    b.card.expect_limits("the old key, after a power cut")?;
    has_none(b, &new, "the new key, after a power cut")
}

fn malformed(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    let new = keypair(&b.values.bytes("new owner"))?;
    let key = x_only(&new);
    let challenge = b.card.challenge()?;
    let proof = sign(&new, &b.card.proof_message(&challenge, &key)?);
    let body = new_owner_body(&key, &proof);
    let signature = b
        .card
        .owner_signature(&challenge, CHANGE_OWNER_KEY, &body)?;
    let right = Card::signed(&body, &signature);
    for value in 1..=0xFF {
        for (p1, p2) in [(value, 0), (0, value)] {
            b.card
                .once(&Command::new([0x80, 0x4C, p1, p2]).data(right.clone()))?
                .want_bare(Sw::WRONG_P1P2, "CHANGE OWNER KEY")?;
        }
    }
    let long = [&right[..], &[0; 89]].concat();
    for length in (0..=255).filter(|length| *length != right.len()) {
        b.card
            .once(&Command::new(CHANGE_OWNER_KEY).data(&long[..length]))?
            .want_bare(Sw::WRONG_LENGTH, "CHANGE OWNER KEY")
            .at(|| format!("{length} data bytes"))?;
    }
    // Tags and lengths of the three data objects.
    for at in [0, 1, 34, 35, 100, 101] {
        let mut spoilt = right.clone();
        spoilt[at] ^= 0x01;
        b.card
            .once(&Command::new(CHANGE_OWNER_KEY).data(spoilt))?
            .want_bare(Sw::WRONG_DATA, "CHANGE OWNER KEY")
            .at(|| format!("byte {at} spoilt"))?;
    }
    b.card
        .once(&Command::new(CHANGE_OWNER_KEY).data(right))?
        .want_bare(Sw::OK, "CHANGE OWNER KEY after refused ones")?;
    b.card.host_mut()?.profile.owner = new;
    b.card.expect_limits("the new key")?;
    has_none(b, &profile.owner, "the key of before")
}
