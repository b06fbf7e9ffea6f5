//! STATEMENT: what it says, and when it is refused. Section 7.8.

use super::prelude::*;
use crate::card::{STATEMENT, statement_field};
use crate::keys::keypair;
use crate::model::{Leaf, PLAIN, Profile, STATEMENTS, Spend};
use crate::purposes::distinct::Distinct;

cases! {
    "TC-STM-01" version 1 on Own D3 for [STM_1 STM_2 FRM_5] runs facts:
        "Statements of cards of three networks, with a made and an imported key and each kind of \
         leaf, on payments of one coin, of sixteen, of change, of credits, without change, without \
         PIN, given again, and after the owner key changed: network, provenance, leaf, outpoints, \
         output keys and signature are those of the payment, for the nonce given, and no salt \
         comes twice, be the question the same or not."
        catches "A statement of other coins than those spent; one that says made of an imported \
                 key; one that was recorded before.";
    "TC-STM-02" version 1 on Own D3 for [STM_2 STM_3 SES_1 FRM_8 STA_1] runs refusals:
        "STATEMENT is refused with 6985 in the factory state, with 6982 while the policy doesn't \
         allow it, whatever the txid, with 6A88 without a PAY in this session, after one that was \
         refused, for another txid and for any payment but the last one's; other commands between, \
         an earlier statement and a blocked PIN don't matter; other P1-P2, lengths and encodings \
         as section 2.2 says. A refused one pledges nothing."
        catches "A statement that the owner never allowed; one that anybody asks for later, to \
                 learn what a payment spent.";
    "TC-STM-03" version 1 on Own D3 for [STM_2 STM_1 REC_1 SES_1] runs other_payments:
        "In one session two payments, and a statement asked for the first of them again after the \
         second: 6A88, until the first is given again. A statement on a payment of an earlier \
         session is refused, and given once the payment is given again in this one."
        catches "One nonce, two payments: a shop that gets a statement on what somebody else was \
                 paid.";
}

/// Issues the card so that it makes statements, and enters coins of these amounts.
pub(super) fn issue(ctx: &mut CaseContext, limits: Limits, amounts: &[u64]) -> Outcome {
    ctx.select()?;
    ctx.capabilities()?.needs(Capability::Statements)?;
    let profile = ctx.profile()?.limits(limits).policy(PLAIN | STATEMENTS);
    ctx.prepare(&profile)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, amounts)
}

/// Profiles that differ in all that a statement says of a card.
fn profiles(ctx: &mut CaseContext) -> Step<Vec<Profile>> {
    ctx.select()?;
    let capabilities = ctx.capabilities()?;
    capabilities.needs(Capability::Statements)?;
    let limits = Limits::WIDE.without_pin(5_000).payments_without_pin(2);
    let standard = ctx.profile()?.limits(limits).policy(PLAIN | STATEMENTS);
    let primary = keypair(&ctx.values.bytes("primary"))?;
    let delayed = standard
        .clone()
        .network(1)
        .leaf(Leaf::Older(primary, 0x1234));
    let mut all = vec![standard.clone(), delayed];
    if capabilities.needs(Capability::Imported).is_ok() {
        let imported = standard.imported(ctx.values.bytes("key"), ctx.values.bytes("chain code"));
        all.push(imported.network(2).leaf(Leaf::None));
    }
    Ok(all)
}

fn facts(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    for (card, profile) in profiles(ctx)?.into_iter().enumerate() {
        let place = || format!("card {card}");
        if card > 0 {
            ctx.fresh_card()?;
        }
        ctx.prepare(&profile)?;
        let mut stream = ctx.values.stream("coins");
        ctx.fund(&mut stream, &[20_000; 16])?;
        let mut salts = Distinct::new("a salt that came before comes again");
        let mut stated = |ctx: &mut CaseContext, request: &Request, what: &str| -> Outcome {
            let same: [u8; 32] = ctx.values.bytes("nonce");
            for nonce in [same, same, stream.bytes(), same, [0; 32]] {
                let statement = ctx.statement(request, &nonce).at(what)?;
                salts.add(&statement.salt).at(what)?;
            }
            Ok(())
        };
        let sixteen = request_of(310_000);
        ctx.pay_checked(&sixteen).preamble().at(place)?;
        put!(
            ctx.logged(&sixteen)?.plan.inputs.len() == 16,
            "the case needs a payment of sixteen coins"
        );
        stated(ctx, &sixteen, "sixteen coins").at(place)?;
        let of_change = request_of(3_000);
        ctx.pay_checked(&of_change).preamble().at(place)?;
        stated(ctx, &of_change, "change").at(place)?;
        let mut more = ctx.values.stream("more coins");
        ctx.fund(&mut more, &[30_000])?;
        if ctx.has(Capability::WithoutPin)? {
            ctx.select()?;
            let small = request_of(4_000);
            let answer = ctx.pay_answer(&small)?;
            ctx.paid_as(&small, answer, true).preamble().at(place)?;
            stated(ctx, &small, "without PIN").at(place)?;
        }
        if ctx.has(Capability::Credits)? {
            let index = ctx.host()?.purse.next_receive();
            let (entry, bytes) = ctx.coin_at(&mut more, 40_000, index)?;
            ctx.credit(&entry, &bytes, 40_000).preamble().at(place)?;
            let unrooted = request_of(39_700).unrooted(true);
            let paid = ctx.pay_checked(&unrooted).preamble().at(place)?;
            put!(
                paid.change_vout.is_none(),
                "the case needs a payment without change"
            );
            stated(ctx, &unrooted, "a credit, without change").at(place)?;
        }
        ctx.power_cycle()?;
        let answer = ctx.pay_answer(&sixteen)?;
        ctx.paid_again(&sixteen, answer).preamble().at(place)?;
        stated(ctx, &sixteen, "given again").at(place)?;
        ctx.card
            .change_owner(keypair(&ctx.values.bytes("new owner"))?)
            .preamble()?;
        stated(ctx, &sixteen, "after CHANGE OWNER KEY").at(place)?;
        if ctx.host()?.capabilities.extended_length() {
            ctx.form = Form::Extended;
            stated(ctx, &sixteen, "in extended form").at(place)?;
            ctx.form = Form::Short;
        }
        ctx.expect_ledger("after statements").at(place)?;
    }
    Ok(())
}

fn no_such_field(ctx: &mut CaseContext, right: &[u8]) -> Outcome {
    let long = [right, &[0; 187]].concat();
    for length in (0..=255).filter(|length| *length != right.len()) {
        ctx.once(&Command::new(STATEMENT).data(&long[..length]))?
            .want_bare(Sw::WRONG_LENGTH, "STATEMENT")
            .at(|| format!("{length} data bytes"))?;
    }
    for value in 1..=0xFF {
        for (p1, p2) in [(value, 0), (0, value)] {
            ctx.once(&Command::new([STATEMENT[0], STATEMENT[1], p1, p2]).data(right))?
                .want_bare(Sw::WRONG_P1P2, "STATEMENT")?;
        }
    }
    for position in [0, 1, 34, 35] {
        let mut field = right.to_vec();
        field[position] ^= 1;
        ctx.once(&Command::new(STATEMENT).data(field))?
            .want_bare(Sw::WRONG_DATA, "STATEMENT")
            .at(|| format!("byte {position} of the data"))?;
    }
    Ok(())
}

fn refusals(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let nonce: [u8; 32] = ctx.values.bytes("nonce");
    let stranger: [u8; 32] = ctx.values.bytes("txid");
    ctx.select()?;
    ctx.capabilities()?.needs(Capability::Statements)?;
    ctx.statement_answer(&nonce, &stranger)?
        .want_bare(Sw::CONDITIONS, "STATEMENT in the factory state")?;
    let profile = ctx.profile()?.policy(PLAIN);
    ctx.prepare(&profile)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[90_000, 80_000, 70_000])?;
    let refused = |ctx: &mut CaseContext, txid: &[u8; 32], sw: Sw, when: &str| -> Outcome {
        ctx.statement_answer(&nonce, txid)?
            .want_bare(sw, "STATEMENT")
            .at(when)
    };
    refused(ctx, &stranger, Sw::SECURITY, "not allowed, no payment")?;
    let first = request_of(20_000);
    ctx.pay_checked(&first).preamble()?;
    let txid = ctx.logged(&first)?.txid;
    for txid in [&txid, &stranger] {
        refused(ctx, txid, Sw::SECURITY, "not allowed, after PAY")?;
    }
    ctx.set_policy(PLAIN | STATEMENTS).preamble()?;
    no_such_field(ctx, &statement_field(&nonce, &txid))?;
    let mut backwards = txid;
    backwards.reverse();
    for other in [&stranger, &backwards, &[0; 32]] {
        refused(ctx, other, Sw::NOT_FOUND, "another txid")?;
    }
    // None of these pledged anything, so that the owner may still sign.
    require!(
        ctx.host()?.purse.pledged.is_empty(),
        "the case's model pledges for a refused statement"
    );
    let free = Spend::against(&ctx.logged(&first)?.plan.inputs);
    if ctx.has(Capability::Signing)? {
        ctx.streamed(&free, 255)?;
    }

    let second = request_of(20_000);
    ctx.pay_checked(&second).preamble()?;
    // Other commands between don't matter.
    ctx.verify_wrong(2)?;
    ctx.authorise()?;
    ctx.preview_answer(&request_of(1_000))?
        .want(Sw::OK, "PREVIEW")
        .preamble()?;
    ctx.challenge()?;
    ctx.status()?;
    ctx.statement(&second, &nonce).at("after other commands")?;
    let txid = ctx.logged(&second)?.txid;
    ctx.authorise()?;
    ctx.pay_answer(&request_of(10_000_000))?
        .want_bare(Sw::INSUFFICIENT, "PAY of more than there is")
        .preamble()?;
    refused(ctx, &txid, Sw::NOT_FOUND, "after a refused PAY")?;
    ctx.block_pin().preamble()?;
    ctx.pay_answer(&request_of(1_000))?
        .want_bare(Sw::SECURITY, "PAY with the PIN blocked")
        .preamble()?;
    refused(ctx, &txid, Sw::NOT_FOUND, "after PAY with the PIN blocked")?;
    let answer = ctx.pay_answer(&second)?;
    ctx.paid_again(&second, answer).preamble()?;
    ctx.statement(&second, &nonce).at("with the PIN blocked")?;
    ctx.set_policy(PLAIN).preamble()?;
    refused(ctx, &txid, Sw::SECURITY, "not allowed any more")?;
    ctx.set_policy(STATEMENTS | PLAIN).preamble()?;
    ctx.select()?;
    refused(ctx, &txid, Sw::NOT_FOUND, "after SELECT")?;
    ctx.expect_ledger("after refused statements")
}

fn other_payments(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(ctx, Limits::WIDE, &[90_000, 80_000, 70_000])?;
    let nonce: [u8; 32] = ctx.values.bytes("nonce");
    let (first, second) = (request_of(85_000), request_of(75_000));
    ctx.pay_checked(&first).preamble()?;
    let first_txid = ctx.logged(&first)?.txid;
    ctx.statement(&first, &nonce)?;
    ctx.pay_checked(&second).preamble()?;
    let second_txid = ctx.logged(&second)?.txid;
    let refused = |ctx: &mut CaseContext, txid: &[u8; 32], when: &str| -> Outcome {
        ctx.statement_answer(&nonce, txid)?
            .want_bare(Sw::NOT_FOUND, "STATEMENT")
            .at(when)
    };
    for _ in 0..2 {
        refused(ctx, &first_txid, "on the payment before the last")?;
        ctx.statement(&second, &nonce)?;
    }
    let answer = ctx.pay_answer(&first)?;
    ctx.paid_again(&first, answer).preamble()?;
    refused(ctx, &second_txid, "after the first was given again")?;
    ctx.statement(&first, &nonce).at("given again")?;
    for (when, reset) in [
        ("after SELECT", None),
        ("after a power cut", Some(Reset::Cold)),
        ("after a warm reset", Some(Reset::Warm)),
    ] {
        if let Some(how) = reset {
            ctx.reset(how)?;
        }
        ctx.select()?;
        for txid in [&first_txid, &second_txid] {
            refused(ctx, txid, when)?;
        }
        let answer = ctx.pay_answer(&second)?;
        ctx.paid_again(&second, answer).preamble()?;
        refused(ctx, &first_txid, when)?;
        ctx.statement(&second, &nonce).at(when)?;
    }
    ctx.expect_ledger("after statements")
}
