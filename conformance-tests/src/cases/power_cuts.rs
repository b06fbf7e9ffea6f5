//! Power that fails inside a command: personalisation, STATEMENT, FACTORY RESET and TERMINATE CARD
//! USAGE. Sections 3.6, 5.6, 5.7, 7.8 and 11.

use super::personalisation::{blank, certificates, personalised};
use super::prelude::*;
use super::statement;
use crate::card::{
    END, FACTORY_RESET, GENERATE_OWN_KEYS, OwnKeys, STATEMENT, TERMINATE, put_data, statement_field,
};
use crate::model::{Certificates, LONGEST_PIECE, OwnKey, PLAIN, STATEMENTS, Spend};
use crate::purposes::tearing::Torn;

/// One in so many of the cards that were reset is issued anew, and of those whose statement was cut
/// is asked again: what they answer takes its time to be searched for leaks.
const ISSUED_EVERY: u32 = 16;
const STATED_EVERY: u32 = 8;

cases! {
    "TC-PER-05" version 1 on Own D3 for [PER_1 PER_2 PER_3 NVM_1 NVM_3] runs personalisation:
        "The power fails after each byte that PUT DATA of a piece, the end of the personalisation, \
         and the drawing of the card's own keys write: afterwards the certificate is the old or \
         the new one, the end is there or can be asked for again, and there are the old keys and \
         all pieces, or other keys and none; what was answered stays. (Only a target whose power \
         can fail inside a command can run this.)"
        catches "Keys of one drawing with certificates of another; a certificate of two halves.";
    "TC-STM-07" version 1 on Own D3 for [STM_3 STM_4 NVM_1 NVM_3] runs statement:
        "The power fails after each byte that STATEMENT writes: afterwards both places of the \
         payment's two inputs are pledged, or neither, and the statement can be asked for; once it \
         was answered, both are. (Only a target whose power can fail inside a command can run \
         this.)"
        catches "A promise made before it is kept in mind.";
    "TC-RST-05" version 2 on Own D3 for [RST_1 RST_2 NVM_1 NVM_3] runs reset:
        "The power fails at each of the first 600 and the last 300 bytes that FACTORY RESET writes \
         or erases, and at many between, and in half of these again while the card starts: afterwards the card is \
         issued, with all its books, PIN and owner, or in the factory state, with its own keys and \
         certificates, nothing of the account in its memory, and can be issued anew; never \
         between. (Only a target whose power can fail inside a command can run this.)"
        catches "A reset cut in the middle: a card with coins and no PIN, or without its keys.";
    "TC-TRM-02" version 2 on Own D3 for [TRM_1 NVM_1 NVM_3] runs termination:
        "As TC-RST-05, for TERMINATE CARD USAGE: the card is issued as before, or at its end, with \
         nothing of the account and no certificate in its memory."
        catches "A card that a well-timed power cut saves from its end, without its PIN.";
}

/// The power fails inside a command that is answered `9000` when it doesn't.
pub(super) fn torn<'a>(
    start: &'a [u8],
    ask: &'a dyn Fn(&mut CaseContext) -> Step<Command>,
) -> Torn<'a> {
    Torn {
        start,
        again: false,
        sw: Sw::OK,
        ask,
    }
}

pub(super) fn note(ctx: &mut CaseContext, what: &str, cuts: u64, done: u64) -> Outcome {
    ctx.note(format!(
        "{what}: {cuts} power cuts, after {done} of them it was done"
    ));
    require!(
        cuts > done,
        "{what}: done before a byte was written, or without one"
    );
    Ok(())
}

fn personalisation(ctx: &mut CaseContext) -> Outcome {
    ctx.memory()?;
    blank(ctx)?;
    let old = certificates(ctx, "certificates", [300, 250, 240]);
    let keys = ctx.own_keys().preamble()?;
    ctx.store(&old).preamble()?;
    let start = ctx.memory()?;
    piece(ctx, &start, &old)?;
    end(ctx, &start, &old)?;
    drawing(ctx, &start, &old, &keys)
}

fn chains(certificates: &Certificates) -> [Vec<u8>; 2] {
    OwnKey::BOTH.map(|key| certificates.chain(key))
}

/// A piece in the place of one that is there, the first of its certificate or a later one.
fn piece(ctx: &mut CaseContext, start: &[u8], old: &Certificates) -> Outcome {
    let bytes: [u8; 239] = ctx.values.bytes("another piece");
    let later = [&old.identity[..LONGEST_PIECE], &bytes].concat();
    for (p2, identity) in [(0x10, bytes.to_vec()), (0x11, later)] {
        let new = old.clone().identity(identity);
        let mut done = 0;
        let cuts = torn(start, &|_| Ok(Command::new(put_data(p2)).data(bytes))).sweep(
            ctx,
            &mut |ctx, answered| {
                ctx.end_personalisation()?;
                let found = ctx.chains()?;
                if found == Some(chains(&new)) {
                    done += u64::from(!answered);
                    return Ok(());
                }
                require!(
                    !answered && found == Some(chains(old)),
                    "PUT DATA: the certificates are neither the old nor the new ones, or the old \
                     ones after an answer"
                );
                Ok(())
            },
        )?;
        note(ctx, &format!("PUT DATA, piece {p2:02X}"), cuts, done)?;
    }
    Ok(())
}

fn end(ctx: &mut CaseContext, start: &[u8], old: &Certificates) -> Outcome {
    let mut done = 0;
    let cuts =
        torn(start, &|_| Ok(Command::new(put_data(END)))).sweep(ctx, &mut |ctx, answered| {
            if ctx.chains()?.is_none() {
                require!(!answered, "the end was answered, and isn't there");
                ctx.end_personalisation()?;
            } else {
                done += u64::from(!answered);
                ctx.put_data_answer(END, &[])?
                    .want_bare(Sw::CONDITIONS, "PUT DATA, the end, a second time")?;
            }
            ctx.expect_certificates(Some(&chains(old)), "after the end")
        })?;
    note(ctx, "PUT DATA, the end", cuts, done)
}

fn drawing(ctx: &mut CaseContext, start: &[u8], old: &Certificates, keys: &OwnKeys) -> Outcome {
    let challenge = ctx.values.bytes("challenge");
    let mut done = 0;
    let cuts = torn(start, &|_| Ok(Command::new(GENERATE_OWN_KEYS).le(LE_SHORT))).sweep(
        ctx,
        &mut |ctx, answered| {
            let proof = ctx.proof(&challenge)?;
            let preimage = ctx.genuine_preimage(&challenge);
            if proof.is_of(&keys.identity, "Tillcard/genuine", &preimage) {
                require!(!answered, "keys were answered, and the old ones are there");
                ctx.end_personalisation()?;
                return ctx.expect_certificates(Some(&chains(old)), "with the old keys");
            }
            done += u64::from(!answered);
            ctx.put_data_answer(END, &[])?
                .want_bare(Sw::CONDITIONS, "PUT DATA, the end, with other keys")
        },
    )?;
    note(ctx, "GENERATE of the card's own keys", cuts, done)
}

fn statement(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.memory()?;
    statement::issue(ctx, Limits::WIDE, &[90_000, 80_000])?;
    ctx.needs(Capability::Signing)?;
    let request = request_of(150_000);
    ctx.pay_checked(&request).preamble()?;
    let payment = ctx.logged(&request)?.clone();
    let inputs = payment.plan.inputs;
    put!(inputs.len() == 2, "the case needs a payment of two coins");
    let nonce: [u8; 32] = ctx.values.bytes("nonce");
    let start = ctx.memory()?;
    let (mut done, mut rounds) = (0, 0);
    let ask = |ctx: &mut CaseContext| {
        ctx.pay_answer(&request)?
            .want(Sw::OK, "PAY again")
            .preamble()?;
        Ok(Command::new(STATEMENT)
            .data(statement_field(&nonce, &payment.txid))
            .le(LE_SHORT))
    };
    let cuts = torn(&start, &ask).sweep(ctx, &mut |ctx, answered| {
        let mut pledged = Vec::new();
        for input in inputs.chunks(1) {
            let sw = ctx.sign_stream(&Spend::against(input), 255)?.sw;
            require!(
                [Sw::OK, Sw::PLEDGED].contains(&sw),
                "SIGN is answered {sw} after a power cut in STATEMENT"
            );
            pledged.push(sw == Sw::PLEDGED);
        }
        require!(
            pledged[0] == pledged[1],
            "of the payment's two inputs one is pledged"
        );
        require!(
            pledged[0] || !answered,
            "a statement was answered, and nothing is pledged"
        );
        done += u64::from(pledged[0] && !answered);
        rounds += 1;
        if rounds % STATED_EVERY != 1 && !answered {
            return Ok(());
        }
        let command = ask(ctx)?;
        ctx.send(&command)?
            .want(Sw::OK, "STATEMENT after a power cut")
            .map(drop)
    })?;
    note(ctx, "STATEMENT", cuts, done)
}

/// What a card has of its own.
struct Own {
    /// What GET DATA answers for both of its keys.
    chains: [Vec<u8>; 2],
    /// The key that signs.
    identity: [u8; 33],
}

/// Cuts the power inside a command that ends the account, and looks that the card is as before or
/// as `ended` wants it.
fn ending(
    ctx: &mut CaseContext,
    header: [u8; 4],
    ended: &mut dyn FnMut(&mut CaseContext, &Own) -> Outcome,
) -> Outcome {
    ctx.memory()?;
    let chains = personalised(ctx)?;
    let profile = ctx
        .profile()?
        .imported(ctx.values.bytes("key"), ctx.values.bytes("chain code"))
        .policy(PLAIN | STATEMENTS);
    ctx.capabilities()?.needs(Capability::Imported)?;
    ctx.prepare(&profile)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[90_000, 80_000])?;
    let request_of = ctx.requests();
    ctx.pay_checked(&request_of(30_000)).preamble()?;
    ctx.verify_wrong(2).preamble()?;
    let start = ctx.memory()?;
    let own = Own {
        chains,
        identity: ctx.host()?.record.identity_key,
    };
    let secret = ctx.host()?.account.chain_code();
    let shows = |memory: &[u8]| memory.windows(32).any(|window| window == secret);
    let shown = shows(&start);
    let mut done = 0;
    let cuts = Torn {
        again: true,
        ..torn(&start, &|ctx| ctx.owner_command(header, &[]))
    }
    .sweep(ctx, &mut |ctx, answered| {
        if let Status::Issued { tries, .. } = ctx.status()? {
            require!(!answered, "the account's end was answered, and it is there");
            require!(tries == 2, "{tries} tries are left instead of 2");
            ctx.expect_ledger("the account not ended")?;
            ctx.expect_certificates(Some(&own.chains), "not ended")?;
            return ctx.verify_right();
        }
        done += u64::from(!answered);
        let memory = ctx.memory()?;
        require!(
            !(shown && shows(&memory)),
            "the account is ended, and its chain code in the memory"
        );
        ended(ctx, &own)
    })?;
    note(ctx, "the account's end", cuts, done)?;
    require!(
        done > 0,
        "nothing was left to be erased after the step that decided"
    );
    Ok(())
}

fn reset(ctx: &mut CaseContext) -> Outcome {
    let mut resets = 0;
    ending(ctx, FACTORY_RESET, &mut |ctx, own| {
        let status = ctx.status()?;
        require!(
            status == Status::Factory,
            "the status is {status:?}, neither issued nor factory"
        );
        ctx.expect_certificates(Some(&own.chains), "after the reset")?;
        resets += 1;
        if resets % ISSUED_EVERY != 1 {
            return Ok(());
        }
        ctx.prove(&[7; 32], &own.identity)?;
        let old = ctx.forget_account()?;
        let profile = ctx.profile()?;
        ctx.issue(&profile)?;
        require!(
            ctx.host()?.record.identity_key == own.identity,
            "issued anew, the card has another identity key"
        );
        ctx.expect_ledger("issued anew")?;
        ctx.recall_account(old);
        Ok(())
    })
}

fn termination(ctx: &mut CaseContext) -> Outcome {
    ending(ctx, TERMINATE, &mut |ctx, own| {
        let status = ctx.status()?;
        require!(
            status == Status::Terminated,
            "the status is {status:?}, neither issued nor terminated"
        );
        ctx.expect_certificates(None, "terminated")?;
        let memory = ctx.memory()?;
        require!(
            !memory
                .windows(64)
                .any(|window| own.chains[0].starts_with(window)),
            "the card is terminated, and a certificate in its memory"
        );
        ctx.generate_answer()?
            .want_bare(Sw::CONDITIONS, "GENERATE ASYMMETRIC KEY PAIR, terminated")?;
        ctx.genuine_answer(&[7; 32])?
            .want_bare(Sw::CONDITIONS, "INTERNAL AUTHENTICATE, terminated")
    })
}
