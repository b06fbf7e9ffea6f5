//! Tries that nothing but the right PIN and the owner's command gives back: `[PIN-5]`.

use super::prelude::*;
use super::sign::unknown;
use super::statement::issue;
use crate::keys::keypair;
use crate::model::{PLAIN, Place, STATEMENTS, Spend};

cases! {
    "TC-PIN-16" version 1 on Own D3 for [PIN_5 PIN_9 REC_1 NOP_1] runs kept:
        "With two tries left, and then with none, every command that needs no PIN is done: \
         challenges, proofs, statements, payments without PIN and given again, a coin, the owner's \
         readings, acknowledgements, limits, cancellations, signings, policies and owner keys, in a \
         plain session and, if the card has channels, READ ACCOUNT in one. After each, and \
         after a power cycle, as many tries are left as before."
        catches "A command whose commit brings tries back: PINs to be guessed without end.";
}

fn kept(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE.without_pin(50_000).payments_without_pin(9);
    issue(ctx, limits, &[90_000, 80_000, 70_000, 60_000])?;
    ctx.needs(Capability::Signing)?;
    let given = request_of(10_000);
    ctx.pay_checked(&given).preamble()?;
    let mut stream = ctx.values.stream("more coins");
    ctx.verify_wrong(2)?;
    for left in [2, 0] {
        if left == 0 {
            ctx.verify_wrong(1)?;
            ctx.verify_wrong(0)?;
        }
        plain(ctx, &given, left)?;
        by_owner(ctx, left)?;
        let index = ctx.host()?.purse.next_receive();
        let (entry, bytes) = ctx.coin_at(&mut stream, 30_000, index)?;
        ctx.enter(&entry, &bytes, 30_000)?;
        ctx.expect_tries(left, "after ENTER COIN")?;
        let spend = Spend::elsewhere(vec![unknown(&mut stream, 20_000, Place::receive(900))], 900);
        ctx.streamed(&spend, 255)?;
        ctx.signed_all(&spend)?;
        ctx.expect_tries(left, "after SIGN")?;
        if ctx.has(Capability::Channel)? {
            ctx.open_channel()?;
            ctx.read_account()?;
            ctx.expect_tries(left, "after READ ACCOUNT")?;
            ctx.select()?;
        }
        ctx.power_cycle()?;
        ctx.expect_tries(left, "after a power cycle")?;
    }
    Ok(())
}

/// What anybody asks for.
fn plain(ctx: &mut CaseContext, given: &Request, left: u8) -> Outcome {
    let request_of = ctx.requests();
    ctx.challenge()?;
    ctx.expect_tries(left, "after GET CHALLENGE")?;
    let identity = ctx.host()?.record.identity_key;
    if ctx.has(Capability::Channel)? {
        ctx.prove(&[7; 32], &identity)?;
        ctx.expect_tries(left, "after a proof of genuineness")?;
    }
    let answer = ctx.pay_answer(given)?;
    ctx.paid_again(given, answer)?;
    ctx.expect_tries(left, "after PAY again")?;
    let nonce = ctx.values.bytes("nonce");
    ctx.statement(given, &nonce)?;
    ctx.expect_tries(left, "after STATEMENT")?;
    if left > 0 && ctx.has(Capability::WithoutPin)? {
        let small = request_of(3_000);
        let answer = ctx.pay_answer(&small)?;
        ctx.paid_as(&small, answer, true)?;
        ctx.expect_tries(left, "after PAY without PIN")?;
    }
    Ok(())
}

/// What the owner has done beside coins and signings.
fn by_owner(ctx: &mut CaseContext, left: u8) -> Outcome {
    ctx.expect_ledger("by the owner")?;
    ctx.expect_tries(left, "after READ COINS and READ LOG")?;
    ctx.expect_limits("by the owner")?;
    ctx.expect_tries(left, "after READ LIMITS")?;
    let last = ctx.host()?.purse.next_sequence;
    if ctx
        .host()?
        .purse
        .log
        .iter()
        .any(|logged| logged.sequence > 0 && !logged.cancelled)
    {
        ctx.resolve(last - 1)?
            .map_err(|sw| Stop::Error(format!("the case's model refuses RESOLVE with {sw}")))?;
        ctx.expect_tries(left, "after RESOLVE")?;
    }
    ctx.acknowledge(last, 0)?;
    ctx.expect_tries(left, "after ACKNOWLEDGE LOG")?;
    let limits = ctx.host()?.profile.limits;
    ctx.set_limits(limits)?;
    ctx.expect_tries(left, "after SET LIMITS")?;
    ctx.set_policy(PLAIN | STATEMENTS)?;
    ctx.expect_tries(left, "after SET POLICY")?;
    let owner = keypair(&ctx.values.bytes(&format!("owner with {left}")))?;
    ctx.change_owner(owner)?;
    ctx.expect_tries(left, "after CHANGE OWNER KEY")
}
