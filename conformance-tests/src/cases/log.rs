//! READ LOG and ACKNOWLEDGE LOG. Sections 8.1 and 8.2.

use super::prelude::*;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-LOG-01",
        version: 1,
        purpose: "The log tells facts and claims of payments to all payee types, with and without \
                  change, of one and of 16 coins, with merchants of none to 32 bytes, with and \
                  without invoice hash, from credits, with and without PIN, to the byte and over \
                  power cycles; 6A88 for all other sequence numbers; reading changes nothing.",
        requirements: &[req::LOG_1, req::LOG_2, req::PAY_7],
        start: Start::Own,
        level: Level::D3,
        defect: "A payment that its owner never hears of, or hears otherwise.",
        run: facts_and_claims,
    },
    Case {
        id: "TC-ACK-01",
        version: 1,
        purpose: "Acknowledged as settled, payments and the coins that they spent are gone; as \
                  seen, they stay until the log is full, and then the oldest makes room, with its \
                  coins, one for each payment, and never one that wasn't acknowledged: then 9409, \
                  with VERIFY, RECEIVE SCRIPT, credits and payments given again as ever.",
        requirements: &[req::ACK_1, req::PAY_8, req::STA_1, req::IMG_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A log overwritten before its owner saw it; a full one that locks the card.",
        run: makes_room,
    },
    Case {
        id: "TC-ACK-02",
        version: 1,
        purpose: "ACKNOWLEDGE LOG unless first kept ≤ settled ≤ seen ≤ next, and seen not below \
                  what was seen before, is refused with 6A80 and changes nothing; what is equal \
                  is taken, and acknowledging twice does no harm.",
        requirements: &[req::ACK_2, req::ACK_1],
        start: Start::Own,
        level: Level::D3,
        defect: "Payments acknowledged before they are made.",
        run: refused,
    },
];

fn facts_and_claims(b: &mut Bench) -> Outcome {
    let profile = b.profile()?.limits(Limits {
        without_pin: 3_000,
        payments_without_pin: 5,
        ..Limits::WIDE
    });
    b.issue(&profile)?;
    let capabilities = b.card.host()?.capabilities;
    let mut stream = b.values.stream("coins");
    b.card.fund(
        &mut stream,
        &(0..20).map(|coin| 30_000 + coin).collect::<Vec<_>>(),
    )?;
    let not_kept = |b: &mut Bench, sequence: u32| -> Outcome {
        b.card
            .read_log(sequence)?
            .want_bare(Sw::NOT_FOUND, "READ LOG")
            .at(|| format!("sequence number {sequence}"))
    };
    not_kept(b, 0)?;
    let merchants = ["", "M", "Milch", "牛乳", "abcdefghijklmnopqrstuvwxyz012345"];
    let types = payee::all(b.values.bytes("payee"));
    for (number, ((_, payee), merchant)) in types.into_iter().zip(merchants).enumerate() {
        let request = Request {
            payee,
            merchant: merchant.as_bytes().to_vec(),
            invoice: if number % 2 == 0 {
                stream.vec(32)
            } else {
                Vec::new()
            },
            rate: 1_000 + 77 * number as u32,
            ..request(5_000 + number as u64)
        };
        b.card.pay_checked(&request)?;
    }
    let sum = |b: &Bench, coins: usize| -> Step<u64> {
        let candidates = b.card.host()?.purse.candidates();
        Ok(candidates.iter().take(coins).map(|coin| coin.amount).sum())
    };
    let sixteen = sum(b, 16)?;
    b.card.pay_checked(&request(sixteen - 10_000))?;
    let one = sum(b, 1)?;
    let exact = crate::model::fee(1, 22, false, 1_000);
    let without_change = b.card.pay_checked(&request(one - exact))?;
    require!(
        without_change.change_vout.is_none(),
        "the case needs a payment without change"
    );
    if capabilities.needs(Capability::Credits).is_ok() {
        let index = b.card.host()?.purse.next_receive;
        let (entry, bytes) = b.card.coin_at(&mut stream, 70_000, index)?;
        b.card.credit(&entry, &bytes, 70_000)?;
        b.card.pay_checked(&Request {
            unrooted: true,
            ..request(20_000)
        })?;
    }
    if capabilities.needs(Capability::WithoutPin).is_ok() {
        let request = request(3_000);
        b.card.select()?;
        let answer = b.card.pay_answer(&request)?;
        b.card.paid_as(&request, answer, true)?;
    }
    for when in ["at once", "again", "after a power cycle"] {
        b.card.expect_books(when)?;
        if when == "again" {
            b.card.power_cycle()?;
        }
    }
    let next = b.card.host()?.purse.next_sequence;
    for sequence in [next, next + 1, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, u32::MAX] {
        not_kept(b, sequence)?;
    }
    b.card.expect_books("after reading what isn't there")
}

fn makes_room(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[5_000_000, 50_000])?;
    let capacity = u32::from(b.card.host()?.capabilities.log);
    let pay = |b: &mut Bench| -> Step<Request> {
        let request = request(1_000);
        b.card.pay_checked(&request)?;
        Ok(request)
    };
    for _ in 0..3 {
        pay(b)?;
    }
    b.card.acknowledge(2, 1)?;
    b.card.expect_books("one settled, one seen")?;
    let mut last = pay(b)?;
    while b.card.host()?.purse.log.len() < capacity as usize {
        last = pay(b).at(|| format!("filling a log of {capacity}"))?;
    }
    b.card.expect_books("with a full log")?;
    // The one that was seen makes room; then none is left that may.
    last = pay(b).at(|| format!("after {:?}, with a seen payment", last.amount))?;
    b.card.expect_books("after a seen payment made room")?;
    let full = request(1_000);
    for when in ["full", "full, after a power cycle"] {
        let preview = b.card.preview_checked(&full).at(|| when.to_owned())?;
        require!(
            preview == Err(Sw::LOG_FULL),
            "the case expects 9409, its model {preview:?}"
        );
        b.card.authorise()?;
        b.card
            .pay_answer(&full)?
            .want_bare(Sw::LOG_FULL, "PAY")
            .at(|| when.to_owned())?;
        b.card.expect_tries(3, when)?;
        b.card.authorise()?;
        let next = b.card.host()?.purse.next_receive;
        b.card.expect_receive_script(next)?;
        if (b.card.host()?.capabilities.needs(Capability::Credits)).is_ok() {
            let mut stream = b.values.stream(when);
            let (entry, bytes) = b.card.coin_at(&mut stream, 20_000, next)?;
            b.card.credit(&entry, &bytes, 20_000)?;
        }
        b.card
            .report_answer(&[7; 32], 0)?
            .want_bare(Sw::SECURITY, "REPORT ABSENT")?;
        let answer = b.card.pay_answer(&last)?;
        b.card.paid_again(&last, answer)?;
        b.card.power_cycle()?;
    }
    let next = b.card.host()?.purse.next_sequence;
    b.card.acknowledge(next - 2, next - 10)?;
    b.card.expect_books("with most of it settled")?;
    for _ in 0..12 {
        pay(b)?;
    }
    b.card.expect_books("in use again")?;
    b.note(format!("a log of {capacity} payments"));
    Ok(())
}

fn refused(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[90_000, 80_000])?;
    let bad = |b: &mut Bench, pairs: &[(u32, u32)], when: &str| -> Outcome {
        for (seen, settled) in pairs {
            b.card
                .acknowledge_answer(*seen, *settled)?
                .want_bare(Sw::WRONG_DATA, "ACKNOWLEDGE LOG")
                .at(|| format!("{when}, seen {seen}, settled {settled}"))?;
        }
        b.card.expect_books(when)
    };
    bad(b, &[(1, 0), (1, 1), (0, 1), (u32::MAX, 0)], "no payment")?;
    b.card.acknowledge(0, 0)?;
    for _ in 0..5 {
        b.card.pay_checked(&request(2_000))?;
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
    bad(b, &five, "five payments")?;
    b.card.acknowledge(3, 2)?;
    bad(
        b,
        &[(2, 2), (0, 0), (3, 1), (4, 0), (5, 1), (4, 5), (2, 3)],
        "three seen and two settled",
    )?;
    for (seen, settled) in [(3, 2), (3, 3), (5, 3), (5, 5), (5, 5)] {
        b.card.acknowledge(seen, settled)?;
        b.card.expect_books("after an acknowledgement")?;
        b.card.power_cycle()?;
    }
    bad(b, &[(6, 5), (5, 4), (4, 4), (0, 0)], "all settled")?;
    b.card.pay_checked(&request(2_000))?;
    b.card.acknowledge(6, 5)?;
    b.card.expect_books("after another payment")
}
