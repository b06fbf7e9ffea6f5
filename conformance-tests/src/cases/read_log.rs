//! READ LOG and ACKNOWLEDGE LOG. Sections 8.1 and 8.2.

use super::prelude::*;

cases! {
    "TC-LOG-01" version 1 on Own D3 for [LOG_1 LOG_2 PAY_7] runs facts_and_claims:
        "The log tells facts and claims of payments to all payee types, with and without change, \
         of one and of 16 coins, with merchants of none to 32 bytes, with and without invoice \
         hash, from credits, with and without PIN, to the byte and over power cycles; 6A88 for all \
         other sequence numbers; reading changes nothing."
        catches "A payment that its owner never hears of, or hears otherwise.";
    "TC-ACK-01" version 1 on Own D3 for [ACK_1 PAY_8 STA_1 IMG_1] runs makes_room:
        "Acknowledged as settled, payments and the coins that they spent are gone; as seen, they \
         stay until the log is full, and then the oldest makes room, with its coins, one for each \
         payment, and never one that wasn't acknowledged: then 9409, with VERIFY, RECEIVE SCRIPT, \
         credits and payments given again as ever."
        catches "A log overwritten before its owner saw it; a full one that locks the card.";
    "TC-ACK-02" version 1 on Own D3 for [ACK_2 ACK_1] runs refused:
        "ACKNOWLEDGE LOG unless first kept ≤ settled ≤ seen ≤ next, and seen not below what was \
         seen before, is refused with 6A80 and changes nothing; what is equal is taken, and \
         acknowledging twice does no harm."
        catches "Payments acknowledged before they are made.";
    "TC-LOG-02" version 1 on Own D3 for [LOG_1 ACK_1] runs settled:
        "A payment that was acknowledged as settled is read no more (6A88), while one that was \
         acknowledged as seen is read as before."
        catches "A log that tells what it keeps no longer, or something else in its place.";
}

fn settled(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[60_000, 50_000])?;
    for amount in [20_000, 10_000] {
        ctx.pay_checked(&request_of(amount)).preamble()?;
    }
    ctx.acknowledge(2, 1).preamble()?;
    ctx.read_log(0)?
        .want_bare(Sw::NOT_FOUND, "READ LOG of a settled payment")?;
    ctx.expect_ledger("after the first payment was settled")
}

fn facts_and_claims(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let profile = ctx
        .profile()?
        .limits(Limits::WIDE.without_pin(5_000).payments_without_pin(5));
    ctx.prepare(&profile)?;
    let capabilities = ctx.host()?.capabilities;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(
        &mut stream,
        &(0..20).map(|coin| 30_000 + coin).collect::<Vec<_>>(),
    )?;
    let not_kept = |ctx: &mut CaseContext, sequence: u32| -> Outcome {
        ctx.read_log(sequence)?
            .want_bare(Sw::NOT_FOUND, "READ LOG")
            .at(|| format!("sequence number {sequence}"))
    };
    not_kept(ctx, 0)?;
    let merchants = ["", "M", "Milch", "牛乳", "abcdefghijklmnopqrstuvwxyz012345"];
    let types = payee::all(ctx.values.bytes("payee"));
    for (number, ((_, payee), merchant)) in types.into_iter().zip(merchants).enumerate() {
        let request = request_of(5_000 + number as u64)
            .payee(payee)
            .merchant(merchant.as_bytes().to_vec())
            .invoice(if number % 2 == 0 {
                stream.vec(32)
            } else {
                Vec::new()
            })
            .rate(1_000 + 77 * number as u32);
        ctx.pay_checked(&request)?;
    }
    let sum = |ctx: &CaseContext, coins: usize| -> Step<u64> {
        let candidates = ctx.host()?.purse.candidates();
        Ok(candidates.iter().take(coins).map(|coin| coin.amount).sum())
    };
    let sixteen = sum(ctx, 16)?;
    ctx.pay_checked(&request_of(sixteen - 10_000))?;
    let one = sum(ctx, 1)?;
    let exact = crate::model::fee(1, 22, false, 1_000);
    let without_change = ctx.pay_checked(&request_of(one - exact))?;
    put!(
        without_change.change_vout.is_none(),
        "the case needs a payment without change"
    );
    if capabilities.needs(Capability::Credits).is_ok() {
        let index = ctx.host()?.purse.next_receive();
        let (entry, bytes) = ctx.coin_at(&mut stream, 70_000, index)?;
        ctx.credit(&entry, &bytes, 70_000)?;
        ctx.pay_checked(&request_of(20_000).unrooted(true))?;
    }
    if capabilities.needs(Capability::WithoutPin).is_ok() {
        let request = request_of(3_000);
        ctx.select()?;
        let answer = ctx.pay_answer(&request)?;
        ctx.paid_as(&request, answer, true)?;
    }
    for when in ["at once", "again", "after a power cycle"] {
        ctx.expect_ledger(when)?;
        if when == "again" {
            ctx.power_cycle()?;
        }
    }
    let next = ctx.host()?.purse.next_sequence;
    for sequence in [next, next + 1, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, u32::MAX] {
        not_kept(ctx, sequence)?;
    }
    ctx.expect_ledger("after reading what isn't there")
}

fn makes_room(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[5_000_000, 50_000])?;
    let capacity = u32::from(ctx.host()?.capabilities.log);
    let pay = |ctx: &mut CaseContext| -> Step<Request> {
        let request = request_of(1_000);
        ctx.pay_checked(&request)?;
        Ok(request)
    };
    for _ in 0..3 {
        pay(ctx)?;
    }
    ctx.acknowledge(2, 1)?;
    ctx.expect_ledger("one settled, one seen")?;
    let mut last = pay(ctx)?;
    while ctx.host()?.purse.log.len() < capacity as usize {
        last = pay(ctx).at(|| format!("filling a log of {capacity}"))?;
    }
    ctx.expect_ledger("with a full log")?;
    // The one that was seen makes room; then none is left that may.
    last = pay(ctx).at(|| format!("after {:?}, with a seen payment", last.amount))?;
    ctx.expect_ledger("after a seen payment made room")?;
    let full = request_of(1_000);
    for when in ["full", "full, after a power cycle"] {
        ctx.expect_refused(&full, Sw::LOG_FULL).at(when)?;
        ctx.expect_tries(3, when)?;
        ctx.authorise()?;
        let next = ctx.host()?.purse.next_receive();
        ctx.expect_receive_script(next)?;
        if ctx.has(Capability::Credits)? {
            let mut stream = ctx.values.stream(when);
            let (entry, bytes) = ctx.coin_at(&mut stream, 20_000, next)?;
            ctx.credit(&entry, &bytes, 20_000)?;
        } else {
            ctx.select()?;
        }
        ctx.report_answer(&[7; 32], 0)?
            .want_bare(Sw::SECURITY, "REPORT ABSENT")?;
        let answer = ctx.pay_answer(&last)?;
        ctx.paid_again(&last, answer)?;
        ctx.power_cycle()?;
    }
    let next = ctx.host()?.purse.next_sequence;
    ctx.acknowledge(next - 2, next - 10)?;
    ctx.expect_ledger("with most of it settled")?;
    for _ in 0..12 {
        pay(ctx)?;
    }
    ctx.expect_ledger("in use again")?;
    ctx.note(format!("a log of {capacity} payments"));
    Ok(())
}

fn refused(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000, 80_000])?;
    let bad = |ctx: &mut CaseContext, pairs: &[(u32, u32)], when: &str| -> Outcome {
        for (seen, settled) in pairs {
            ctx.acknowledge_answer(*seen, *settled)?
                .want_bare(Sw::WRONG_DATA, "ACKNOWLEDGE LOG")
                .at(|| format!("{when}, seen {seen}, settled {settled}"))?;
        }
        ctx.expect_ledger(when)
    };
    bad(ctx, &[(1, 0), (1, 1), (0, 1), (u32::MAX, 0)], "no payment")?;
    ctx.acknowledge(0, 0)?;
    for _ in 0..5 {
        ctx.pay_checked(&request_of(2_000))?;
    }
    let five = [
        (6, 0),
        (6, 6),
        (0, 1),
        (3, 4),
        (5, 6),
        (u32::MAX, u32::MAX),
        (0x1_0000, 0),
        (0x105, 0),
    ];
    bad(ctx, &five, "five payments")?;
    ctx.acknowledge(3, 2)?;
    bad(
        ctx,
        &[(2, 2), (0, 0), (3, 1), (4, 0), (5, 1), (4, 5), (2, 3)],
        "three seen and two settled",
    )?;
    for (seen, settled) in [(3, 2), (3, 3), (5, 3), (5, 5), (5, 5)] {
        ctx.acknowledge(seen, settled)?;
        ctx.expect_ledger("after an acknowledgement")?;
        ctx.power_cycle()?;
    }
    bad(ctx, &[(6, 5), (5, 4), (4, 4), (0, 0)], "all settled")?;
    ctx.pay_checked(&request_of(2_000))?;
    ctx.acknowledge(6, 5)?;
    ctx.expect_ledger("after another payment")
}
