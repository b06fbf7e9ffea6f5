//! The owner's policy: section 5.5.

use super::channel_opening::needs_channel;
use super::prelude::*;
use crate::card::{NEW_PIN, READ_LIMITS, SAME_PIN, SET_POLICY, VERIFY, new_pin_body};
use crate::model::{PLAIN, STATEMENTS};
use crate::tlv;

cases! {
    "TC-POL-01" version 1 on Own D3 for [POL_1 NOP_1 REC_1 PIN_5 OWN_3] runs plain_forbidden:
        "With bit 0 clear, VERIFY with the right PIN and with a wrong one, RECEIVE SCRIPT, a \
         credit, PREVIEW, PAY (without PIN where the limits allow it, and of a payment made \
         before), REPORT ABSENT, GET ANCESTOR, PAYMENT STATE and RESET RETRY COUNTER with a new \
         PIN are refused with 6982 in a plain session, after their length and encoding, the last without using up \
         the owner's challenge; no try is used, and coins, counters, log and PIN are as before. \
         All of it is done in a channel. The same with the PIN blocked."
        catches "One command forgotten: a till without a channel, or a shim, gets at PIN or money.";
    "TC-POL-02" version 1 on Own D3 for [POL_1 PIN_4 RRC_1 ENT_1] runs plain_allowed:
        "With bit 0 clear, what isn't PIN or payment works in a plain session: VERIFY without \
         data, GET CHALLENGE and all that the owner signs, RESET RETRY COUNTER without a new PIN \
         among it, his entry of a coin, and the proof of genuineness."
        catches "An owner locked out of his own card by his policy.";
    "TC-POL-03" version 2 on Own D3 for [POL_2 POL_3 POL_1 NVM_1] runs set:
        "SET POLICY to each of the four values, in a plain session and in a channel, is in force \
         at once, in the session in which a holder is authorised (for a credit, PREVIEW, REPORT \
         ABSENT and GET ANCESTOR too) and after power cuts; status and READ LIMITS tell it. An authorisation that the policy forbids to be used is there again \
         when the policy allows it."
        catches "A policy that binds from the next session only, or that a power cut undoes.";
    "TC-POL-04" version 1 on Issued D1 for [POL_2 POL_3 OWN_2 OWN_3] runs refused:
        "SET POLICY with any other bit is refused with 6A80 when the owner signed it, and with \
         6982 when he didn't; signed for another value, replayed, or without a challenge with \
         6982; the policy is as before."
        catches "A shop that opens the card to plain sessions.";
}

/// Every command that the policy forbids, of which each would be done in another session.
fn forbidden(ctx: &mut CaseContext, made: &Request) -> Step<Vec<(&'static str, Command)>> {
    let request_of = ctx.requests();
    let capabilities = ctx.host()?.capabilities;
    let small = request_of(1_000).encode();
    let kept = ctx.logged(made)?.clone();
    let outpoint = kept.plan.inputs[0].outpoint();
    let pay = |field: Vec<u8>| Command::new([0x80, 0x30, 0, 0]).data(field).le(LE_SHORT);
    let mut commands = vec![
        (
            "VERIFY with the right PIN",
            Command::new(VERIFY).data(ctx.right_block()?),
        ),
        (
            "VERIFY with a wrong PIN",
            Command::new(VERIFY).data(ctx.wrong_block()?),
        ),
        ("VERIFY of one byte", Command::new(VERIFY).data([0x24])),
        (
            "RECEIVE SCRIPT",
            Command::new([0x80, 0x20, 0, 0]).le(LE_SHORT),
        ),
        (
            "PREVIEW",
            Command::new([0x80, 0x32, 0, 0])
                .data(small.clone())
                .le(LE_SHORT),
        ),
        ("PAY without PIN", pay(small)),
        ("PAY, again", pay(made.encode())),
        (
            "PAY, again only",
            Command::new(crate::card::PAY_AGAIN)
                .data(made.encode())
                .le(LE_SHORT),
        ),
        (
            "PAYMENT STATE",
            Command::new(crate::card::PAYMENT_STATE)
                .data(tlv::object(0x80, &made.identity))
                .le(LE_SHORT),
        ),
        (
            "REPORT ABSENT",
            Command::new(crate::card::REPORT_ABSENT).data(tlv::object(0x80, &outpoint)),
        ),
        (
            "GET ANCESTOR",
            Command::new(crate::card::GET_ANCESTOR)
                .data(tlv::object(0x80, &kept.txid))
                .le(LE_SHORT),
        ),
    ];
    if capabilities.needs(Capability::Credits).is_ok() {
        let mut stream = ctx.values.stream("credit");
        let index = ctx.host()?.purse.next_receive();
        let (entry, _) = ctx.coin_at(&mut stream, 20_000, index)?;
        commands.push((
            "ENTER COIN of a credit",
            Command::new(Entry::CREDIT).data(entry.body()),
        ));
    }
    Ok(commands)
}

/// A card with coins and a payment, that allows payments without PIN and then no plain sessions.
fn closed(ctx: &mut CaseContext) -> Step<Request> {
    let request_of = ctx.requests();
    // A card without channels has no session for a policy that forbids plain ones.
    needs_channel(ctx)?;
    let limits = Limits::WIDE.without_pin(20_000).payments_without_pin(50);
    let profile = ctx.profile()?.limits(limits).policy(0);
    ctx.prepare(&profile)?;
    needs_channel(ctx)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[50_000; 3])?;
    ctx.open_channel()?;
    let made = request_of(30_000);
    ctx.pay_checked(&made).preamble()?;
    ctx.select()?;
    Ok(made)
}

fn all_refused(ctx: &mut CaseContext, made: &Request, when: &str) -> Outcome {
    let tries = ctx.tries()?;
    for (name, command) in forbidden(ctx, made)? {
        ctx.send(&command)?
            .want_bare(Sw::SECURITY, name)
            .at(|| format!("in a plain session, {when}"))?;
        ctx.expect_tries(tries, name)?;
    }
    // The owner's new PIN, too; his challenge is good for something else.
    let body = new_pin_body(&Pin::new(&[1, 2, 3, 4, 5]).block());
    let challenge = ctx.challenge()?;
    let signature = ctx.owner_signature(&challenge, NEW_PIN, &body)?;
    ctx.once(&Command::new(NEW_PIN).data(Card::signed(&body, &signature)))?
        .want_bare(Sw::SECURITY, "RESET RETRY COUNTER with a new PIN")?;
    let signature = ctx.owner_signature(&challenge, READ_LIMITS, &[])?;
    ctx.send(
        &Command::new(READ_LIMITS)
            .data(Card::signed(&[], &signature))
            .le(LE_SHORT),
    )?
    .want(
        Sw::OK,
        "READ LIMITS with the challenge that a refused command left",
    )
    .map(drop)
}

fn plain_forbidden(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let made = closed(ctx)?;
    all_refused(ctx, &made, "after ISSUE")?;
    ctx.power_cycle()?;
    all_refused(ctx, &made, "after a power cut")?;
    let spoilt = [&[0x8F][..], &made.encode()[1..]].concat();
    ctx.once(&Command::new([0x80, 0x30, 0, 0]).data(spoilt))?
        .want_bare(Sw::WRONG_DATA, "PAY that can't be decoded")?;
    ctx.once(&Command::new([0x80, 0x20, 0, 0]).data([0]))?
        .want_bare(Sw::WRONG_LENGTH, "RECEIVE SCRIPT with data")?;
    ctx.expect_ledger("after what the policy forbids")?;

    ctx.open_channel()?;
    ctx.verify_wrong(2)?;
    ctx.verify_right()?;
    ctx.expect_receive_script(3)?;
    // All that is left, so that the payment's change is offered.
    ctx.offered(&request_of(115_000))?;
    ctx.ancestor(&made)?;
    ctx.open_channel()?;
    let small = request_of(1_000);
    if ctx.has(Capability::WithoutPin)? {
        let answer = ctx.pay_answer(&small)?;
        ctx.paid_as(&small, answer, true)
            .at("without PIN, in a channel")?;
    }
    let answer = ctx.pay_answer(&made)?;
    ctx.paid_again(&made, answer)?;
    ctx.block_pin()?;
    ctx.select()?;
    all_refused(ctx, &made, "with the PIN blocked")?;
    ctx.open_channel()?;
    ctx.reset_tries(Some(&Pin::new(&[9, 0, 2, 1])))?;
    ctx.verify_right()?;
    ctx.expect_ledger("at the end")
}

fn plain_allowed(ctx: &mut CaseContext) -> Outcome {
    closed(ctx)?;
    ctx.verify(&[])?
        .want_bare(Sw::tries(3), "VERIFY without data")?;
    let mut stream = ctx.values.stream("another coin");
    ctx.fund(&mut stream, &[20_000]).at("in a plain session")?;
    ctx.open_channel()?;
    ctx.verify_wrong(2)?;
    ctx.select()?;
    let command = ctx.owner_command(SAME_PIN, &[])?;
    ctx.once(&command)?
        .want_bare(Sw::OK, "RESET RETRY COUNTER without a new PIN")?;
    ctx.expect_tries(3, "after RESET RETRY COUNTER")?;
    ctx.acknowledge(1, 0)?;
    ctx.set_limits(Limits::WIDE)?;
    ctx.expect_limits("in a plain session")?;
    ctx.read_account()?;
    let identity = ctx.host()?.record.identity_key;
    ctx.card.prove(&ctx.values.bytes("challenge"), &identity)?;
    let owner = crate::keys::keypair(&ctx.values.bytes("new owner"))?;
    ctx.change_owner(owner)?;
    ctx.expect_ledger("at the end")
}

fn set(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    needs_channel(ctx)?;
    let tell = |ctx: &mut CaseContext, policy: u8, when: &str| -> Outcome {
        match ctx.status()? {
            Status::Issued { policy: told, .. } if told == policy => {}
            other => {
                return Err(Stop::Fail(format!(
                    "{when}, policy {policy:02X}: the status is {other:?}"
                )));
            }
        }
        ctx.expect_limits(when)
    };
    let statements = ctx.has(Capability::Statements)?;
    for channel in [false, true] {
        for policy in [0, STATEMENTS, PLAIN | STATEMENTS, PLAIN, 0, PLAIN] {
            let policy = if statements { policy } else { policy & PLAIN };
            if channel {
                ctx.open_channel()?;
            } else {
                ctx.select()?;
            }
            ctx.set_policy(policy)?;
            tell(ctx, policy, "at once")?;
            ctx.power_cycle()?;
            tell(ctx, policy, "after a power cut")?;
            let block = ctx.right_block()?;
            let sw = if policy & PLAIN == 0 {
                Sw::SECURITY
            } else {
                Sw::OK
            };
            ctx.verify(&block)?
                .want_bare(sw, "VERIFY in a plain session")
                .at(|| format!("policy {policy:02X}"))?;
        }
    }
    // Within a session.
    ctx.select()?;
    shop_commands(ctx)?;
    ctx.authorise()?;
    ctx.set_policy(0)?;
    ctx.receive_script_answer()?
        .want_bare(Sw::SECURITY, "RECEIVE SCRIPT")?;
    ctx.pay_answer(&request_of(10_000))?
        .want_bare(Sw::SECURITY, "PAY")?;
    ctx.set_policy(PLAIN)?;
    ctx.expect_authorised(true, "when the policy allows plain sessions again")?;
    ctx.set_policy(if statements { STATEMENTS } else { PLAIN })?;
    ctx.open_channel()?;
    ctx.authorise()?;
    ctx.set_policy(0)?;
    ctx.expect_authorised(true, "in a channel")
}

/// What an authorised holder's till asks in the session in which the owner forbids it.
fn shop_commands(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[60_000])?;
    let made = request_of(10_000);
    ctx.pay_checked(&made).preamble()?;
    let next = request_of(20_000);
    let plan = ctx.offered(&next)?;
    let (coin, txid) = (&plan.inputs[0], ctx.logged(&made)?.txid);
    ctx.set_policy(0)?;
    ctx.report_answer(&coin.txid, coin.vout)?
        .want_bare(Sw::SECURITY, "REPORT ABSENT of a coin offered before")?;
    ctx.ancestor_answer(&txid)?
        .want_bare(Sw::SECURITY, "GET ANCESTOR of a coin offered before")?;
    ctx.set_policy(PLAIN)?;
    ctx.authorise()?;
    ctx.set_policy(0)?;
    ctx.preview_answer(&next)?
        .want_bare(Sw::SECURITY, "PREVIEW")?;
    if ctx.has(Capability::Credits)? {
        let index = ctx.host()?.purse.next_receive();
        let (entry, _) = ctx.coin_at(&mut stream, 9_000, index)?;
        ctx.begin_credit(&entry)?
            .want_bare(Sw::SECURITY, "ENTER COIN of a credit")?;
    }
    ctx.set_policy(PLAIN)
}

fn refused(ctx: &mut CaseContext) -> Outcome {
    let body = |policy: u8| tlv::object(0x86, &[policy]);
    for bit in 2..8 {
        for policy in [1 << bit, 1 << bit | PLAIN, 1 << bit | STATEMENTS] {
            let place = || format!("policy {policy:02X}");
            ctx.once(&Command::new(SET_POLICY).data(Card::signed(&body(policy), &[7; 64])))?
                .want_bare(Sw::SECURITY, "SET POLICY, not signed")
                .at(place)?;
            let command = ctx.owner_command(SET_POLICY, &body(policy))?;
            ctx.once(&command)?
                .want_bare(Sw::WRONG_DATA, "SET POLICY")
                .at(place)?;
            ctx.once(&command)?
                .want_bare(Sw::SECURITY, "SET POLICY, again")
                .at(place)?;
        }
    }
    let challenge = ctx.challenge()?;
    let signature = ctx.owner_signature(&challenge, SET_POLICY, &body(PLAIN))?;
    ctx.once(&Command::new(SET_POLICY).data(Card::signed(&body(STATEMENTS), &signature)))?
        .want_bare(Sw::SECURITY, "SET POLICY to another value than that signed")?;
    let command = ctx.owner_command(SET_POLICY, &body(PLAIN))?;
    ctx.once(&command)?.want_bare(Sw::OK, "SET POLICY")?;
    ctx.once(&command)?
        .want_bare(Sw::SECURITY, "SET POLICY, replayed")?;
    ctx.expect_limits("after refusals")?;
    ctx.power_cycle()?;
    ctx.expect_limits("after refusals and a power cut")
}
