//! The owner's signatures belong to their session: `[OWN-6]`.

use super::channel_opening::needs_channel;
use super::prelude::*;
use crate::card::{
    CHANGE_OWNER_KEY, PLAIN_SESSION, READ_ACCOUNT, READ_LIMITS, SAME_PIN, SET_LIMITS,
    new_owner_body,
};
use crate::keys::{keypair, sign, tagged_hash};
use crate::tlv;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-OWN-10",
        version: 1,
        purpose: "In a channel the owner's signature is refused with 6982 when it is over a plain \
                  session, the receipt of the channel before, no receipt, part of this one, this \
                  one without its length, or the class of the protected command; in a plain \
                  session, when it is over the receipt of the channel before. The challenge is \
                  used up each time, the channel stays, and the right signature is taken in each \
                  kind of session.",
        requirements: &[req::OWN_6, req::OWN_2, req::OWN_3, req::MSG_3],
        start: Start::Issued,
        level: Level::D1,
        defect: "A shop that takes the owner's signature from his session into its own.",
        run: other_sessions,
    },
    Case {
        id: "TC-OWN-11",
        version: 1,
        purpose: "In a channel an owner command is refused with 6982 when it is sent again, on \
                  another command, with another body, over another card's id (READ ACCOUNT: over \
                  this one's), or over a challenge that the plain session before had; and a proof \
                  of CHANGE OWNER KEY when it is over a plain session or another receipt. Owner \
                  key and limits are as before.",
        requirements: &[req::OWN_6, req::OWN_3, req::OWN_5, req::OWN_2],
        start: Start::Issued,
        level: Level::D1,
        defect: "One signature, two commands; a proof of a new key that serves at another card.",
        run: other_commands,
    },
];

/// READ LIMITS signed over this session.
fn read_limits(b: &mut Bench, session: &[u8], header: [u8; 4]) -> Step<crate::apdu::Answer> {
    let challenge = b.card.challenge()?;
    let host = b.card.host()?;
    let message = tagged_hash(
        "Tillcard/owner",
        &[
            &[host.profile.network],
            &host.account.card_id(),
            session,
            &challenge,
            &header,
        ],
    );
    let signature = sign(&host.profile.owner, &message);
    let command = Command::new(READ_LIMITS).data(Card::signed(&[], &signature));
    let answer = b.card.send(&command.le(LE_SHORT))?;
    if answer.sw != Sw::OK {
        // Its challenge is gone.
        let right = b.card.owner_signature(&challenge, READ_LIMITS, &[])?;
        b.card
            .once(&Command::new(READ_LIMITS).data(Card::signed(&[], &right)))?
            .want_bare(Sw::SECURITY, "READ LIMITS with a challenge used up")?;
    }
    Ok(answer)
}

fn other_sessions(b: &mut Bench) -> Outcome {
    needs_channel(b)?;
    b.open_channel()?;
    let before = b.card.session();
    b.open_channel()?;
    let now = b.card.session();
    let mut protected = READ_LIMITS;
    protected[0] |= 0x04;
    let receipts: [(&str, &[u8], [u8; 4]); 8] = [
        ("a plain session", &PLAIN_SESSION, READ_LIMITS),
        ("the channel before", &before, READ_LIMITS),
        ("no session", &[], READ_LIMITS),
        ("a receipt without its length", &now[1..], READ_LIMITS),
        ("half a receipt", &now[..9], READ_LIMITS),
        (
            "a receipt of eight bytes",
            &[&[8], &now[1..9]].concat(),
            READ_LIMITS,
        ),
        (
            "a receipt of zeros",
            &[&[16][..], &[0; 16]].concat(),
            READ_LIMITS,
        ),
        ("the class of the protected command", &now, protected),
    ];
    for (name, session, header) in receipts {
        read_limits(b, session, header)?
            .want_bare(Sw::SECURITY, "READ LIMITS in a channel")
            .at(|| format!("signed over {name}"))?;
        b.card.expect_channel(name)?;
    }
    read_limits(b, &now, READ_LIMITS)?.want(Sw::OK, "READ LIMITS, signed over the channel")?;
    b.card.expect_limits("in a channel")?;
    for close in ["SELECT", "a plain command"] {
        b.open_channel()?;
        let closed = b.card.session();
        if close == "SELECT" {
            b.card.select()?;
        } else {
            b.card.swap_channel(None);
            b.card.get_data(1, 0)?.want_bare(Sw::SECURITY, "GET DATA")?;
        }
        read_limits(b, &closed, READ_LIMITS)?
            .want_bare(Sw::SECURITY, "READ LIMITS in a plain session")
            .at(|| format!("signed over a channel that {close} closed"))?;
        b.card.expect_limits("in a plain session")?;
    }
    Ok(())
}

fn other_commands(b: &mut Bench) -> Outcome {
    needs_channel(b)?;
    let plain = b.card.challenge()?;
    b.open_channel()?;
    let read = |signature: &[u8; 64], header| {
        Command::new(header)
            .data(Card::signed(&[], signature))
            .le(LE_SHORT)
    };
    let signature = b.card.owner_signature(&plain, READ_LIMITS, &[])?;
    b.card.send(&read(&signature, READ_LIMITS))?.want_bare(
        Sw::SECURITY,
        "READ LIMITS over the plain session's challenge",
    )?;

    let challenge = b.card.challenge()?;
    let signature = b.card.owner_signature(&challenge, READ_LIMITS, &[])?;
    b.card
        .send(&read(&signature, READ_LIMITS))?
        .want(Sw::OK, "READ LIMITS")?;
    b.card
        .send(&read(&signature, READ_LIMITS))?
        .want_bare(Sw::SECURITY, "READ LIMITS, again")?;
    b.card.challenge()?;
    b.card
        .send(&read(&signature, READ_LIMITS))?
        .want_bare(Sw::SECURITY, "READ LIMITS, again over another challenge")?;

    let challenge = b.card.challenge()?;
    let signature = b.card.owner_signature(&challenge, READ_LIMITS, &[])?;
    b.card
        .send(&read(&signature, SAME_PIN))?
        .want_bare(Sw::SECURITY, "RESET RETRY COUNTER signed as READ LIMITS")?;

    let body = |limits: Limits| tlv::object(0x85, &limits.encode());
    let challenge = b.card.challenge()?;
    let signature = b
        .card
        .owner_signature(&challenge, SET_LIMITS, &body(Limits::WIDE))?;
    let lower = Limits {
        per_payment: 1,
        ..Limits::WIDE
    };
    b.card
        .once(&Command::new(SET_LIMITS).data(Card::signed(&body(lower), &signature)))?
        .want_bare(Sw::SECURITY, "SET LIMITS to others than those signed")?;

    // READ ACCOUNT names no card, and all others name this one.
    let (network, owner, id) = {
        let host = b.card.host()?;
        (
            host.profile.network,
            host.profile.owner,
            host.account.card_id(),
        )
    };
    let mut other_id = id;
    other_id[15] ^= 1;
    for (name, header, id) in [
        ("READ ACCOUNT with a card id", READ_ACCOUNT, id),
        ("READ LIMITS with no card id", READ_LIMITS, [0; 16]),
        ("READ LIMITS with another card's id", READ_LIMITS, other_id),
    ] {
        for channel in [true, false] {
            if channel {
                b.open_channel()?;
            } else {
                b.card.select()?;
            }
            let challenge = b.card.challenge()?;
            let session = b.card.session();
            let message = tagged_hash(
                "Tillcard/owner",
                &[&[network], &id, &session, &challenge, &header],
            );
            b.card
                .send(&read(&sign(&owner, &message), header))?
                .want_bare(Sw::SECURITY, name)?;
        }
    }
    b.open_channel()?;
    b.card.read_account()?;
    proofs(b)?;
    b.card.expect_limits("at the end, in a channel")?;
    b.card.select()?;
    b.card.expect_limits("at the end, in a plain session")
}

/// CHANGE OWNER KEY whose proof is over another session than this channel.
fn proofs(b: &mut Bench) -> Outcome {
    let new = keypair(&b.values.bytes("new owner"))?;
    let key = new.x_only_public_key().0.serialize();
    let before = b.card.session();
    b.open_channel()?;
    let (network, id) = {
        let host = b.card.host()?;
        (host.profile.network, host.account.card_id())
    };
    for (name, session) in [
        ("a plain session", PLAIN_SESSION.to_vec()),
        ("the channel before", before),
    ] {
        let challenge = b.card.challenge()?;
        let message = tagged_hash(
            "Tillcard/owner-key",
            &[&[network], &id, &session, &challenge, &key],
        );
        let body = new_owner_body(&key, &sign(&new, &message));
        let signature = b
            .card
            .owner_signature(&challenge, CHANGE_OWNER_KEY, &body)?;
        b.card
            .once(&Command::new(CHANGE_OWNER_KEY).data(Card::signed(&body, &signature)))?
            .want_bare(Sw::SECURITY, "CHANGE OWNER KEY")
            .at(|| format!("a proof over {name}"))?;
    }
    Ok(())
}
