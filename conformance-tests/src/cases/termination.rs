//! TERMINATE CARD USAGE, and what it has in common with FACTORY RESET. Sections 5.6 and 5.7.

use super::personalisation::personalised;
use super::prelude::*;
use super::samples;
use crate::card::{FACTORY_RESET, TERMINATE};
use crate::channel::Ephemeral;
use crate::keys::{keypair, sign};
use crate::model::{PLAIN, Profile, STATEMENTS};
use crate::outcome::BEYOND_TARGET;

cases! {
    "TC-TRM-01" version 2 on Own D3 for [TRM_1 INF_1 STA_1 CRT_1 FRM_8 NVM_2] runs terminated:
        "After TERMINATE CARD USAGE of a card with coins and an authorised holder, and of one \
         whose PIN is blocked, at once and after power cuts, SELECT answers as before, GET DATA \
         the status 02 alone and the same capabilities, certificates 6A88, and every other command \
         6985, its own replay, VERIFY with the right PIN, key generation and ISSUE, and both forms \
         of INTERNAL AUTHENTICATE included, while what sections 2.2 and 2.7 refuse is refused as \
         they say: other P1-P2 of each command, and protected commands with 6982."
        catches "A card thrown away that comes back to life, or that still proves that it is \
                 genuine.";
    "TC-RST-04" version 1 on Own D3 for [RST_1 TRM_1 OWN_2 OWN_3 FRM_8] runs by_others:
        "FACTORY RESET and TERMINATE CARD USAGE are refused with 6982, and change nothing, to \
         anyone and to the holder, without a challenge, signed by another key, over another \
         challenge, and each with the other's signature; with other P1-P2 with 6A86, of another \
         length than 66 with 6700. The command that was taken is refused as a replay, in the \
         factory state with 6985 and with 6982 after the same owner issued the card anew."
        catches "A thief who makes a stolen card his own; a shop that destroys it.";
    "TC-RST-06" version 1 on Own D3 for [RST_1 TRM_1] runs erased:
        "After FACTORY RESET nothing of an imported key, chain code, PIN block, owner key or payee \
         is in the memory that was there before, and after TERMINATE CARD USAGE nothing of the \
         certificates either. (Only a target that has the memory in its hands can run this; in \
         other encodings they don't show.)"
        catches "A card given away whose memory tells of its owner.";
}

/// The card must be at its end.
fn at_its_end(ctx: &mut CaseContext, fci: &[u8], replay: &Command, right: [u8; 8]) -> Outcome {
    require!(
        ctx.select_fci()? == fci,
        "SELECT answers otherwise than before"
    );
    let status = ctx.status()?;
    require!(
        status == Status::Terminated,
        "the status is {status:?} instead of terminated"
    );
    ctx.expect_certificates(None, "terminated")?;
    ctx.get_data(0x01, 0x02)?
        .want_bare(Sw::NOT_FOUND, "GET DATA, 0102")?;
    for sample in samples::declared(ctx)? {
        if sample.name.starts_with("GET DATA") {
            continue;
        }
        ctx.send(&sample.command)?
            .want_bare(Sw::CONDITIONS, sample.name)?;
    }
    let refused = |ctx: &mut CaseContext, command: &Command, what: &str| {
        ctx.send(command)?.want_bare(Sw::CONDITIONS, what)
    };
    refused(ctx, replay, "TERMINATE CARD USAGE, replayed")?;
    let verify = Command::new([0x00, 0x20, 0x00, 0x80]).data(right);
    refused(ctx, &verify, "VERIFY with the right PIN")?;
    let card = ctx.capabilities()?;
    if card.declares(Capability::Channel) {
        let own = Ephemeral::new(&ctx.values.bytes("ephemeral"))?;
        ctx.open_channel_answer(&own.field())?
            .want_bare(Sw::CONDITIONS, "INTERNAL AUTHENTICATE, a channel")?;
    }
    // Sections 2.2 and 2.7 come first.
    for (what, apdu, sw) in [
        ("another class", &[0xA0, 0x20, 0, 0x80][..], Sw::NO_CLASS),
        ("an instruction", &[0x80, 0xFE, 0, 0], Sw::NO_INSTRUCTION),
        ("P1-P2", &[0x00, 0x46, 0, 9], Sw::WRONG_P1P2),
        ("a length", &[0x00, 0x46, 0, 0, 1, 0], Sw::WRONG_LENGTH),
        ("GET RESPONSE", &[0x00, 0xC0, 0, 0, 0], Sw::CONDITIONS),
        ("SELECT by file", &[0x00, 0xA4, 0, 0, 0], Sw::WRONG_P1P2),
        ("VERIFY, P2", &[0x00, 0x20, 0, 0], Sw::WRONG_P1P2),
    ] {
        ctx.raw(apdu)?.want_bare(sw, what)?;
    }
    if card.declares(Capability::Channel) {
        for (what, apdu, sw) in [
            ("a channel, P2", [0x80, 0x88, 1, 0x14], Sw::NOT_FOUND),
            ("class 04", [0x04, 0xCA, 1, 0], Sw::SECURITY),
            ("class 84", [0x84, 0x40, 0, 0], Sw::SECURITY),
        ] {
            ctx.raw(&apdu)?.want_bare(sw, what)?;
        }
    }
    Ok(())
}

fn terminated(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    for blocked in [false, true] {
        let place = || format!("PIN blocked: {blocked}");
        if blocked {
            ctx.fresh_card()?;
        }
        ctx.select()?;
        if ctx.capabilities()?.needs(Capability::Channel).is_ok() {
            personalised(ctx)?;
        }
        let fci = ctx.select_fci()?;
        let profile = ctx.profile()?.policy(PLAIN | STATEMENTS);
        ctx.prepare(&profile)?;
        let mut stream = ctx.values.stream("coins");
        ctx.fund(&mut stream, &[60_000, 50_000])?;
        let declared = ctx.host()?.capabilities;
        ctx.pay_checked(&request_of(20_000)).preamble()?;
        if blocked {
            ctx.block_pin().preamble()?;
        } else {
            ctx.authorise()?;
        }
        let command = ctx.owner_command(TERMINATE, &[])?;
        ctx.once(&command)?
            .want_bare(Sw::OK, "TERMINATE CARD USAGE")
            .at(place)?;
        let old = ctx.forget_account()?;
        for round in 0..3 {
            let place = || format!("PIN blocked: {blocked}, power-up {round}");
            require!(
                ctx.capabilities().at(place)? == declared,
                "the capabilities are others at the card's end"
            );
            at_its_end(ctx, &fci, &command, old.profile.pin.block()).at(place)?;
            ctx.power_cycle()?;
        }
    }
    Ok(())
}

fn by_others(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[60_000, 50_000])?;
    let stranger = keypair(&ctx.values.bytes("another owner"))?;
    let ends = [("FACTORY RESET", FACTORY_RESET), ("TERMINATE", TERMINATE)];
    for (position, (name, header)) in ends.into_iter().enumerate() {
        let place = || name.to_owned();
        let (_, other) = ends[1 - position];
        ctx.select()?;
        ctx.authorise()?;
        let refused = |ctx: &mut CaseContext, signature: &[u8; 64], what: &str| -> Outcome {
            ctx.once(&Command::new(header).data(Card::signed(&[], signature)))?
                .want_bare(Sw::SECURITY, what)
                .at(place)
        };
        let never = ctx.owner_signature(&[0; 16], header, &[])?;
        refused(ctx, &never, "without a challenge")?;
        for what in ["by another key", "over another challenge", "the other's"] {
            let challenge = ctx.challenge()?;
            let signature = match what {
                "by another key" => sign(&stranger, &ctx.owner_message(&challenge, header, &[])?),
                "over another challenge" => never,
                _ => ctx.owner_signature(&challenge, other, &[])?,
            };
            refused(ctx, &signature, what)?;
            let right = ctx.owner_signature(&challenge, header, &[])?;
            refused(ctx, &right, "with a challenge used up")?;
        }
        // What never reaches the authority check.
        let challenge = ctx.challenge()?;
        let right = ctx.owner_signature(&challenge, header, &[])?;
        let long = [Card::signed(&[], &right), vec![0; 189]].concat();
        for value in 1..=0xFF {
            for (p1, p2) in [(value, 0), (0, value)] {
                ctx.once(&Command::new([header[0], header[1], p1, p2]).data(&long[..66]))?
                    .want_bare(Sw::WRONG_P1P2, name)?;
            }
        }
        for length in (0..=255).filter(|length| *length != 66) {
            ctx.once(&Command::new(header).data(&long[..length]))?
                .want_bare(Sw::WRONG_LENGTH, name)
                .at(|| format!("{length} data bytes"))?;
        }
        ctx.expect_ledger("after refused commands").at(place)?;
    }
    ctx.expect_tries(3, "after refused commands")?;

    // Replays.
    let profile = ctx.host()?.profile.clone();
    let command = ctx.owner_command(FACTORY_RESET, &[])?;
    ctx.once(&command)?.want_bare(Sw::OK, "FACTORY RESET")?;
    ctx.forget_account()?;
    ctx.once(&command)?
        .want_bare(Sw::CONDITIONS, "FACTORY RESET, replayed at once")?;
    ctx.issue(&profile)?;
    ctx.once(&command)?
        .want_bare(Sw::SECURITY, "FACTORY RESET, replayed in a new life")?;
    ctx.challenge()?;
    ctx.once(&command)?.want_bare(
        Sw::SECURITY,
        "FACTORY RESET, replayed over another challenge",
    )?;
    ctx.expect_ledger("after replays")
}

fn erased(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    // Before anything that can't be undone.
    ctx.memory()?;
    let chains = personalised(ctx)?;
    ctx.capabilities()?.needs(Capability::Imported)?;
    let Some(first) = chains[0].get(..64) else {
        return Err(Stop::Inconclusive(format!(
            "the card's certificates have {} bytes: too few to be looked for in a memory",
            chains[0].len()
        )));
    };
    let certificate = ("a certificate", first.to_vec());
    let holds = |memory: &[u8], bytes: &[u8]| memory.windows(bytes.len()).any(|one| one == bytes);
    for (life, terminates) in [("first", false), ("second", true)] {
        let key: [u8; 32] = ctx.values.bytes(&format!("key of the {life} life"));
        let chain_code: [u8; 32] = ctx.values.bytes(&format!("chain code of the {life} life"));
        let payee = payee::p2wsh(ctx.values.bytes(life));
        let profile = Profile::new(&ctx.values, life)?.imported(key, chain_code);
        let secrets = [
            ("the imported key", key[1..31].to_vec()),
            ("the chain code", chain_code.to_vec()),
            ("the PIN block", profile.pin.block().to_vec()),
            (
                "the owner key",
                profile.owner.x_only_public_key().0.serialize().to_vec(),
            ),
            ("a payee", payee.as_bytes()[2..].to_vec()),
        ];
        ctx.issue(&profile).preamble()?;
        let mut stream = ctx.values.stream("coins");
        ctx.fund(&mut stream, &[60_000, 50_000])?;
        // Old values stand on pages that were left, too.
        ctx.pay_checked(&request_of(20_000).payee(payee.clone()))
            .preamble()?;
        for _ in 0..150 {
            ctx.verify_right().preamble()?;
        }
        let before = ctx.memory()?;
        let there: Vec<&str> = (secrets.iter().chain([&certificate]))
            .filter(|(_, bytes)| holds(&before, bytes))
            .map(|(name, _)| *name)
            .collect();
        if there.is_empty() {
            return Err(Stop::NotApplicable(format!(
                "{BEYOND_TARGET}: the memory doesn't show what is looked for"
            )));
        }
        ctx.note(format!("the memory held {}", there.join(", ")));
        if terminates {
            ctx.terminate().preamble()?;
        } else {
            ctx.factory_reset().preamble()?;
        }
        let memory = ctx.memory()?;
        let gone = (secrets.iter()).chain(terminates.then_some(&certificate));
        for (name, bytes) in gone {
            require!(!holds(&memory, bytes), "the memory still holds {name}");
        }
        require!(
            terminates || holds(&memory, &certificate.1),
            "the memory doesn't hold the certificates any more"
        );
    }
    Ok(())
}
