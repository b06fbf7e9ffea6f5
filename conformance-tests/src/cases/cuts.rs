//! Power that fails inside a command: personalisation, STATEMENT, FACTORY RESET and TERMINATE CARD
//! USAGE. Sections 3.6, 5.6, 5.7, 7.8 and 11.

use super::personal::{blank, certificates, personalised};
use super::pledges::against;
use super::prelude::*;
use super::statements;
use crate::card::{
    END, FACTORY_RESET, GENERATE_OWN_KEYS, OwnKeys, STATEMENT, TERMINATE, put_data, statement_field,
};
use crate::model::{Certificates, LONGEST_PIECE, OwnKey, PLAIN, STATEMENTS};
use crate::target::Fault;

/// Up to so many bytes written or erased, the power fails after each.
const DENSE: u64 = 600;
/// Beyond, after so many more each time: no power of two, so that it hits every part of a page.
const STRIDE: u64 = 509;
/// After so many bytes, in turn, it fails again while the card starts.
const AGAIN: [u64; 6] = [1, 7, 40, 300, 1_500, 2_100];

/// One in so many of the cards that were reset is issued anew, and of those whose statement was cut
/// is asked again: what they answer takes its time to be searched for leaks.
const ISSUED_EVERY: u32 = 16;
const STATED_EVERY: u32 = 8;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-PER-05",
        version: 1,
        purpose: "The power fails after each byte that PUT DATA of a piece, the end of the \
                  personalisation, and the drawing of the card's own keys write: afterwards the \
                  certificate is the old or the new one, the end is there or can be asked for again, \
                  and there are the old keys and all pieces, or other keys and none; what was \
                  answered stays. (Only a target whose power can fail inside a command can run \
                  this.)",
        requirements: &[req::PER_1, req::PER_2, req::PER_3, req::NVM_1, req::NVM_3],
        start: Start::Own,
        level: Level::D3,
        defect: "Keys of one drawing with certificates of another; a certificate of two halves.",
        run: personalisation,
    },
    Case {
        id: "TC-STM-07",
        version: 1,
        purpose: "The power fails after each byte that STATEMENT writes: afterwards both places \
                  of the payment's two inputs are pledged, or neither, and the statement can be \
                  asked for; once it was answered, both are. (Only a target whose power can fail \
                  inside a command can run this.)",
        requirements: &[req::STM_3, req::STM_4, req::NVM_1, req::NVM_3],
        start: Start::Own,
        level: Level::D3,
        defect: "A promise made before it is kept in mind.",
        run: statement,
    },
    Case {
        id: "TC-RST-05",
        version: 1,
        purpose: "The power fails at each of the first 600 bytes that FACTORY RESET writes or \
                  erases, and at many beyond, and in half of these again while the card starts: \
                  afterwards the card is issued, with all its books, PIN and owner, or in the \
                  factory state, with its own keys and certificates, nothing of the account in \
                  its memory, and can be issued anew; never between. (Only a target whose power can \
                  fail inside a command can run this.)",
        requirements: &[req::RST_1, req::RST_2, req::NVM_1, req::NVM_3],
        start: Start::Own,
        level: Level::D3,
        defect: "A reset cut in the middle: a card with coins and no PIN, or without its keys.",
        run: reset,
    },
    Case {
        id: "TC-TRM-02",
        version: 1,
        purpose: "As TC-RST-05, for TERMINATE CARD USAGE: the card is issued as before, or at its \
                  end, with nothing of the account and no certificate in its memory.",
        requirements: &[req::TRM_1, req::NVM_1, req::NVM_3],
        start: Start::Own,
        level: Level::D3,
        defect: "A card that a well-timed power cut saves from its end, without its PIN.",
        run: termination,
    },
];

/// Does what is asked on a card with this memory, and takes the power away inside it, each time a
/// bit later, until the command is answered. `judge` sees the card with the power back, and is
/// told whether it answered. Gives back how often the power failed.
fn sweep(
    b: &mut Bench,
    start: &[u8],
    again: bool,
    ask: &dyn Fn(&mut Bench) -> Step<Command>,
    judge: &mut dyn FnMut(&mut Bench, bool) -> Outcome,
) -> Step<u64> {
    let (mut bytes, mut cuts) = (1, 0);
    loop {
        let place = || format!("power cut after {bytes} bytes");
        b.card.inject(&Fault::Memory(start.to_vec()))?;
        b.card.power_cycle()?;
        let command = ask(b)?;
        let answer = b.card.cut_in(&command, bytes).at(place)?;
        if answer.is_none() && again && cuts % 2 == 1 {
            let next = AGAIN[(cuts / 2) as usize % AGAIN.len()];
            b.card.cut_at_power_up(next).at(place)?;
        }
        b.card.power_cycle().at(place)?;
        if let Some(answer) = answer {
            answer.want(Sw::OK, "the command, its power not cut")?;
            judge(b, true)?;
            return Ok(cuts);
        }
        judge(b, false).at(place)?;
        cuts += 1;
        bytes += if bytes < DENSE { 1 } else { STRIDE };
    }
}

fn note(b: &mut Bench, what: &str, cuts: u64, done: u64) -> Outcome {
    b.note(format!(
        "{what}: {cuts} power cuts, after {done} of them it was done"
    ));
    require!(
        cuts > done,
        "{what}: done before a byte was written, or without one"
    );
    Ok(())
}

fn personalisation(b: &mut Bench) -> Outcome {
    b.card.memory()?;
    blank(b)?;
    let old = certificates(b, "certificates", [300, 250, 240]);
    let keys = b.card.own_keys().preamble()?;
    b.card.store(&old).preamble()?;
    let start = b.card.memory()?;
    piece(b, &start, &old)?;
    end(b, &start, &old)?;
    drawing(b, &start, &old, &keys)
}

fn chains(certificates: &Certificates) -> [Vec<u8>; 2] {
    OwnKey::BOTH.map(|key| certificates.chain(key))
}

/// A piece in the place of one that is there, the first of its certificate or a later one.
fn piece(b: &mut Bench, start: &[u8], old: &Certificates) -> Outcome {
    let bytes: [u8; 239] = b.values.bytes("another piece");
    let later = [&old.identity[..LONGEST_PIECE], &bytes].concat();
    for (p2, identity) in [(0x10, bytes.to_vec()), (0x11, later)] {
        let new = Certificates {
            identity,
            ..old.clone()
        };
        let mut done = 0;
        let cuts = sweep(
            b,
            start,
            false,
            &|_| Ok(Command::new(put_data(p2)).data(bytes)),
            &mut |b, answered| {
                b.card.end_personalisation()?;
                let found = b.card.chains()?;
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
        note(b, &format!("PUT DATA, piece {p2:02X}"), cuts, done)?;
    }
    Ok(())
}

fn end(b: &mut Bench, start: &[u8], old: &Certificates) -> Outcome {
    let mut done = 0;
    let cuts = sweep(
        b,
        start,
        false,
        &|_| Ok(Command::new(put_data(END))),
        &mut |b, answered| {
            if b.card.chains()?.is_none() {
                require!(!answered, "the end was answered, and isn't there");
                b.card.end_personalisation()?;
            } else {
                done += u64::from(!answered);
                b.card
                    .put_data_answer(END, &[])?
                    .want_bare(Sw::CONDITIONS, "PUT DATA, the end, a second time")?;
            }
            b.card
                .expect_certificates(Some(&chains(old)), "after the end")
        },
    )?;
    note(b, "PUT DATA, the end", cuts, done)
}

fn drawing(b: &mut Bench, start: &[u8], old: &Certificates, keys: &OwnKeys) -> Outcome {
    let challenge = b.values.bytes("challenge");
    let mut done = 0;
    let cuts = sweep(
        b,
        start,
        false,
        &|_| Ok(Command::new(GENERATE_OWN_KEYS).le(LE_SHORT)),
        &mut |b, answered| {
            let proof = b.card.proof(&challenge)?;
            let preimage = b.card.genuine_preimage(&challenge);
            if proof.is_of(&keys.identity, "Tillcard/genuine", &preimage) {
                require!(!answered, "keys were answered, and the old ones are there");
                b.card.end_personalisation()?;
                return b
                    .card
                    .expect_certificates(Some(&chains(old)), "with the old keys");
            }
            done += u64::from(!answered);
            b.card
                .put_data_answer(END, &[])?
                .want_bare(Sw::CONDITIONS, "PUT DATA, the end, with other keys")
        },
    )?;
    note(b, "GENERATE of the card's own keys", cuts, done)
}

fn statement(b: &mut Bench) -> Outcome {
    b.card.memory()?;
    statements::issue(b, Limits::WIDE, &[90_000, 80_000])?;
    b.card.host()?.capabilities.needs(Capability::Signing)?;
    let request = request(150_000);
    b.card.pay_checked(&request).preamble()?;
    let payment = b.card.logged(&request)?.clone();
    let inputs = payment.plan.inputs;
    require!(inputs.len() == 2, "the case needs a payment of two coins");
    let nonce: [u8; 32] = b.values.bytes("nonce");
    let start = b.card.memory()?;
    let (mut done, mut rounds) = (0, 0);
    let ask = |b: &mut Bench| {
        b.card
            .pay_answer(&request)?
            .want(Sw::OK, "PAY again")
            .preamble()?;
        Ok(Command::new(STATEMENT)
            .data(statement_field(&nonce, &payment.txid))
            .le(LE_SHORT))
    };
    let cuts = sweep(b, &start, false, &ask, &mut |b, answered| {
        let mut pledged = Vec::new();
        for input in inputs.chunks(1) {
            let sw = b.card.sign_stream(&against(input), 255)?.sw;
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
        let command = ask(b)?;
        b.card
            .send(&command)?
            .want(Sw::OK, "STATEMENT after a power cut")
            .map(drop)
    })?;
    note(b, "STATEMENT", cuts, done)
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
    b: &mut Bench,
    header: [u8; 4],
    ended: &mut dyn FnMut(&mut Bench, &Own) -> Outcome,
) -> Outcome {
    b.card.memory()?;
    let chains = personalised(b)?;
    let profile = b
        .profile()?
        .imported(b.values.bytes("key"), b.values.bytes("chain code"))
        .policy(PLAIN | STATEMENTS);
    b.card.capabilities()?.needs(Capability::Imported)?;
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[90_000, 80_000])?;
    b.card.pay_checked(&request(30_000)).preamble()?;
    b.card.verify_wrong(2).preamble()?;
    let start = b.card.memory()?;
    let own = Own {
        chains,
        identity: b.card.host()?.record.identity_key,
    };
    let secret = b.card.host()?.account.chain_code();
    let shows = |memory: &[u8]| memory.windows(32).any(|window| window == secret);
    let shown = shows(&start);
    let mut done = 0;
    let cuts = sweep(
        b,
        &start,
        true,
        &|b| b.card.owner_command(header, &[]),
        &mut |b, answered| {
            if let Status::Issued { tries, .. } = b.card.status()? {
                require!(!answered, "the account's end was answered, and it is there");
                require!(tries == 2, "{tries} tries are left instead of 2");
                b.card.expect_books("the account not ended")?;
                b.card.expect_certificates(Some(&own.chains), "not ended")?;
                return b.card.verify_right();
            }
            done += u64::from(!answered);
            let memory = b.card.memory()?;
            require!(
                !(shown && shows(&memory)),
                "the account is ended, and its chain code in the memory"
            );
            ended(b, &own)
        },
    )?;
    note(b, "the account's end", cuts, done)?;
    require!(
        done > 0,
        "nothing was left to be erased after the step that decided"
    );
    Ok(())
}

fn reset(b: &mut Bench) -> Outcome {
    let mut resets = 0;
    ending(b, FACTORY_RESET, &mut |b, own| {
        let status = b.card.status()?;
        require!(
            status == Status::Factory,
            "the status is {status:?}, neither issued nor factory"
        );
        b.card
            .expect_certificates(Some(&own.chains), "after the reset")?;
        resets += 1;
        if resets % ISSUED_EVERY != 1 {
            return Ok(());
        }
        b.card.prove(&[7; 32], &own.identity)?;
        let old = b.card.forget_account()?;
        let profile = b.profile()?;
        b.card.issue(&profile)?;
        require!(
            b.card.host()?.record.identity_key == own.identity,
            "issued anew, the card has another identity key"
        );
        b.card.expect_books("issued anew")?;
        b.card.recall_account(old);
        Ok(())
    })
}

fn termination(b: &mut Bench) -> Outcome {
    ending(b, TERMINATE, &mut |b, own| {
        let status = b.card.status()?;
        require!(
            status == Status::Terminated,
            "the status is {status:?}, neither issued nor terminated"
        );
        b.card.expect_certificates(None, "terminated")?;
        let memory = b.card.memory()?;
        require!(
            !memory
                .windows(64)
                .any(|window| own.chains[0].starts_with(window)),
            "the card is terminated, and a certificate in its memory"
        );
        b.card
            .generate_answer()?
            .want_bare(Sw::CONDITIONS, "GENERATE ASYMMETRIC KEY PAIR, terminated")?;
        b.card
            .genuine_answer(&[7; 32])?
            .want_bare(Sw::CONDITIONS, "INTERNAL AUTHENTICATE, terminated")
    })
}
