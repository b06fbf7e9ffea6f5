//! Each of the owner's commands asks for his signature. Section 5.

use super::prelude::*;
use super::sign_refusals::normal;
use crate::card::{
    ACKNOWLEDGE_LOG, CHANGE_OWNER_KEY, NEW_PIN, READ_ACCOUNT, READ_COINS, READ_LIMITS, READ_LOG,
    RESOLVE, SAME_PIN, SET_LIMITS, new_owner_body, new_pin_body,
};
use crate::keys::{keypair, sign};
use crate::model::Spend;
use crate::tlv::object;

cases! {
    "TC-OWN-06" version 1 on Funded D1 for [OWN_2 OWN_3 LOG_2] runs owner_commands:
        "Each of the owner's commands is refused with 6982, and changes nothing, without a \
         challenge, with a signature over another challenge, header, body or by another key, as a \
         replay, and for the authorised holder; a challenge is good for one of them."
        catches "A command of the owner's that forgets to ask who it is.";
}

fn owner_commands(ctx: &mut CaseContext) -> Outcome {
    let number = object(0x80, &[0; 4]);
    let limits = Limits::WIDE.per_payment(1);
    let mut commands = vec![
        ("READ COINS", READ_COINS, Vec::new()),
        ("READ LOG", READ_LOG, number.clone()),
        (
            "ACKNOWLEDGE LOG",
            ACKNOWLEDGE_LOG,
            [number.clone(), object(0x81, &[0; 4])].concat(),
        ),
        ("SET LIMITS", SET_LIMITS, object(0x85, &limits.encode())),
        ("RESOLVE", RESOLVE, number),
        (
            "RESET RETRY COUNTER, a new PIN",
            NEW_PIN,
            new_pin_body(&Pin::new(&[2, 4, 6, 8]).block()),
        ),
        ("RESET RETRY COUNTER", SAME_PIN, Vec::new()),
        (
            "CHANGE OWNER KEY",
            CHANGE_OWNER_KEY,
            new_owner_body(&[2; 32], &[3; 64]),
        ),
        ("READ LIMITS", READ_LIMITS, Vec::new()),
        ("READ ACCOUNT", READ_ACCOUNT, Vec::new()),
    ];
    if ctx.has(Capability::Signing)? {
        commands.push(("SIGN", Spend::BEGIN, normal(ctx).body()));
    }
    let before = ctx.ledger()?;
    let other_key = keypair(&ctx.values.bytes("another owner"))?;
    let send =
        |ctx: &mut CaseContext, header: [u8; 4], body: &[u8], signature: &[u8; 64], what: &str| {
            let command = Command::new(header).data(Card::signed(body, signature));
            ctx.send(&command)?
                .want_bare(Sw::SECURITY, &format!("an owner command, {what}"))
        };
    for position in 0..commands.len() {
        let (name, header, body) = commands[position].clone();
        let (_, other_header, _) = commands[(position + 1) % commands.len()].clone();
        let place = || name.to_owned();
        ctx.authorise()?;
        let stale: [u8; 16] = ctx.values.bytes("no challenge");
        let signature = ctx.owner_signature(&stale, header, &body)?;
        send(ctx, header, &body, &signature, "without a challenge").at(place)?;
        for what in [
            "another challenge",
            "another header",
            "another body",
            "another key",
            "zeros",
        ] {
            let challenge = ctx.challenge()?;
            let mut longer = body.clone();
            longer.push(0);
            let signature = match what {
                "another challenge" => ctx.owner_signature(&stale, header, &body)?,
                "another header" => ctx.owner_signature(&challenge, other_header, &body)?,
                "another body" => ctx.owner_signature(&challenge, header, &longer)?,
                "another key" => sign(&other_key, &ctx.owner_message(&challenge, header, &body)?),
                _ => [0; 64],
            };
            send(ctx, header, &body, &signature, what).at(place)?;
            // The challenge is used up.
            let right = ctx.owner_signature(&challenge, header, &body)?;
            send(ctx, header, &body, &right, "with a challenge used up").at(place)?;
        }
        // RESOLVE and SET LIMITS would change something, were they right. (READ ACCOUNT's replay
        // is TC-ACC-02's.)
        if ![READ_COINS, READ_LOG, READ_LIMITS].contains(&header) {
            continue;
        }
        let challenge = ctx.challenge()?;
        let right = ctx.owner_signature(&challenge, header, &body)?;
        ctx.send(
            &Command::new(header)
                .data(Card::signed(&body, &right))
                .le(LE_SHORT),
        )?;
        send(ctx, header, &body, &right, "replayed").at(place)?;
    }
    require!(
        ctx.ledger()? == before,
        "image or log changed by commands that were refused"
    );
    ctx.expect_ledger("after refused owner commands")
}
