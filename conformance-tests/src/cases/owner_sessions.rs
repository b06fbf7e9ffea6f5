//! The owner's signatures belong to their session: `[OWN-6]`.

use super::channel_opening::needs_channel;
use super::prelude::*;
use crate::card::{
    CHANGE_OWNER_KEY, PLAIN_SESSION, READ_ACCOUNT, READ_LIMITS, SAME_PIN, SET_LIMITS,
    new_owner_body,
};
use crate::keys::{keypair, sign, tagged_hash};
use crate::tlv;

cases! {
    "TC-OWN-10" version 1 on Issued D1 for [OWN_6 OWN_2 OWN_3 MSG_3] runs other_sessions:
        "In a channel the owner's signature is refused with 6982 when it is over a plain session, \
         the receipt of the channel before, no receipt, part of this one, this one without its \
         length, or the class of the protected command; in a plain session, when it is over the \
         receipt of the channel before. The challenge is used up each time, the channel stays, and \
         the right signature is taken in each kind of session."
        catches "A shop that takes the owner's signature from his session into its own.";
    "TC-OWN-11" version 1 on Issued D1 for [OWN_6 OWN_3 OWN_5 OWN_2] runs other_commands:
        "In a channel an owner command is refused with 6982 when it is sent again, on another \
         command, with another body, over another card's id (READ ACCOUNT: over this one's), or \
         over a challenge that the plain session before had; and a proof of CHANGE OWNER KEY when \
         it is over a plain session or another receipt. Owner key and limits are as before."
        catches "One signature, two commands; a proof of a new key that serves at another card.";
}

/// READ LIMITS signed over this session.
fn read_limits(
    ctx: &mut CaseContext,
    session: &[u8],
    header: [u8; 4],
) -> Step<crate::apdu::Answer> {
    let challenge = ctx.challenge()?;
    let host = ctx.host()?;
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
    let answer = ctx.send(&command.le(LE_SHORT))?;
    if answer.sw != Sw::OK {
        // Its challenge is gone.
        let right = ctx.owner_signature(&challenge, READ_LIMITS, &[])?;
        ctx.once(&Command::new(READ_LIMITS).data(Card::signed(&[], &right)))?
            .want_bare(Sw::SECURITY, "READ LIMITS with a challenge used up")?;
    }
    Ok(answer)
}

fn other_sessions(ctx: &mut CaseContext) -> Outcome {
    needs_channel(ctx)?;
    ctx.open_channel()?;
    let before = ctx.session();
    ctx.open_channel()?;
    let now = ctx.session();
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
        read_limits(ctx, session, header)?
            .want_bare(Sw::SECURITY, "READ LIMITS in a channel")
            .at(|| format!("signed over {name}"))?;
        ctx.expect_channel(name)?;
    }
    read_limits(ctx, &now, READ_LIMITS)?.want(Sw::OK, "READ LIMITS, signed over the channel")?;
    ctx.expect_limits("in a channel")?;
    for close in ["SELECT", "a plain command"] {
        ctx.open_channel()?;
        let closed = ctx.session();
        if close == "SELECT" {
            ctx.select()?;
        } else {
            ctx.swap_channel(None);
            ctx.get_data(1, 0)?.want_bare(Sw::SECURITY, "GET DATA")?;
        }
        read_limits(ctx, &closed, READ_LIMITS)?
            .want_bare(Sw::SECURITY, "READ LIMITS in a plain session")
            .at(|| format!("signed over a channel that {close} closed"))?;
        ctx.expect_limits("in a plain session")?;
    }
    Ok(())
}

fn other_commands(ctx: &mut CaseContext) -> Outcome {
    needs_channel(ctx)?;
    let plain = ctx.challenge()?;
    ctx.open_channel()?;
    let read = |signature: &[u8; 64], header| {
        Command::new(header)
            .data(Card::signed(&[], signature))
            .le(LE_SHORT)
    };
    let signature = ctx.owner_signature(&plain, READ_LIMITS, &[])?;
    ctx.send(&read(&signature, READ_LIMITS))?.want_bare(
        Sw::SECURITY,
        "READ LIMITS over the plain session's challenge",
    )?;

    let challenge = ctx.challenge()?;
    let signature = ctx.owner_signature(&challenge, READ_LIMITS, &[])?;
    ctx.send(&read(&signature, READ_LIMITS))?
        .want(Sw::OK, "READ LIMITS")?;
    ctx.send(&read(&signature, READ_LIMITS))?
        .want_bare(Sw::SECURITY, "READ LIMITS, again")?;
    ctx.challenge()?;
    ctx.send(&read(&signature, READ_LIMITS))?
        .want_bare(Sw::SECURITY, "READ LIMITS, again over another challenge")?;

    let challenge = ctx.challenge()?;
    let signature = ctx.owner_signature(&challenge, READ_LIMITS, &[])?;
    ctx.send(&read(&signature, SAME_PIN))?
        .want_bare(Sw::SECURITY, "RESET RETRY COUNTER signed as READ LIMITS")?;

    let body = |limits: Limits| tlv::object(0x85, &limits.encode());
    let challenge = ctx.challenge()?;
    let signature = ctx.owner_signature(&challenge, SET_LIMITS, &body(Limits::WIDE))?;
    let lower = Limits::WIDE.per_payment(1);
    ctx.once(&Command::new(SET_LIMITS).data(Card::signed(&body(lower), &signature)))?
        .want_bare(Sw::SECURITY, "SET LIMITS to others than those signed")?;

    // READ ACCOUNT names no card, and all others name this one.
    let (network, owner, id) = {
        let host = ctx.host()?;
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
                ctx.open_channel()?;
            } else {
                ctx.select()?;
            }
            let challenge = ctx.challenge()?;
            let session = ctx.session();
            let message = tagged_hash(
                "Tillcard/owner",
                &[&[network], &id, &session, &challenge, &header],
            );
            ctx.send(&read(&sign(&owner, &message), header))?
                .want_bare(Sw::SECURITY, name)?;
        }
    }
    ctx.open_channel()?;
    ctx.read_account()?;
    proofs(ctx)?;
    ctx.expect_limits("at the end, in a channel")?;
    ctx.select()?;
    ctx.expect_limits("at the end, in a plain session")
}

/// CHANGE OWNER KEY whose proof is over another session than this channel.
fn proofs(ctx: &mut CaseContext) -> Outcome {
    let new = keypair(&ctx.values.bytes("new owner"))?;
    let key = new.x_only_public_key().0.serialize();
    let before = ctx.session();
    ctx.open_channel()?;
    let (network, id) = {
        let host = ctx.host()?;
        (host.profile.network, host.account.card_id())
    };
    for (name, session) in [
        ("a plain session", PLAIN_SESSION.to_vec()),
        ("the channel before", before),
    ] {
        let challenge = ctx.challenge()?;
        let message = tagged_hash(
            "Tillcard/owner-key",
            &[&[network], &id, &session, &challenge, &key],
        );
        let body = new_owner_body(&key, &sign(&new, &message));
        let signature = ctx.owner_signature(&challenge, CHANGE_OWNER_KEY, &body)?;
        ctx.once(&Command::new(CHANGE_OWNER_KEY).data(Card::signed(&body, &signature)))?
            .want_bare(Sw::SECURITY, "CHANGE OWNER KEY")
            .at(|| format!("a proof over {name}"))?;
    }
    Ok(())
}
